import { Button, Form, Input, Modal, Popconfirm, Select, Switch } from 'antd';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import { post } from '@/api/http';
import type { Inbox } from '@/api/types';
import { Copyable } from '@/app/Copy';
import { EntryDrawer } from '@/app/EntryDrawer';
import { Listing, useListing } from '@/app/Listing';
import { useProblem } from '@/app/problems';
import { useSession } from '@/app/session';

const swatches = ['#0c6b5c', '#1f5d9c', '#5b3fa0', '#a3326b', '#b83a22', '#8a5a00', '#3f4b47'];

export function InboxesTab() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const listing = useListing<Inbox>(['inboxes'], '/inboxes', {});
  const close = () => navigate('/settings/inboxes');
  return (
    <>
      <div className="filters">
        <p className="quiet grow">{t('inboxes.hint')}</p>
        {may('inbox.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/settings/inboxes/new')}>{t('inboxes.new')}</Button>}
      </div>
      <Listing
        label={t('settings.inboxes')}
        listing={listing}
        open={(inbox) => navigate(`/settings/inboxes/${inbox.id}`)}
        empty={t('common.nothing')}
        columns={[
          { title: t('inboxes.name'), render: (_, inbox) => <div className="cell-who"><i className="swatch" style={{ background: inbox.color ?? undefined }} />{inbox.name}</div> },
          { title: t('inboxes.key'), render: (_, inbox) => <span className="mono">{inbox.key}</span> },
          { title: t('inboxes.origins'), render: (_, inbox) => inbox.origins?.join(', ') || t('inboxes.ownOnly') },
          { title: t('inboxes.bot'), width: 100, render: (_, inbox) => (inbox.bot ? t('common.yes') : t('common.no')) },
          { title: t('knowledge.status'), width: 110, render: (_, inbox) => <span className={`state ${inbox.enabled ? 'state-open' : ''}`}>{inbox.enabled ? t('common.enabled') : t('common.disabled')}</span> },
        ]}
      />
      {id && (
        <EntryDrawer<Inbox>
          title={id === 'new' ? t('inboxes.new') : t('inboxes.edit')}
          collection="/inboxes"
          id={id === 'new' ? null : id}
          fields={['name', 'color', 'greeting', 'origins', 'bot', 'enabled']}
          fresh={{ color: swatches[0], greeting: { zh_CN: '', en_US: '' }, origins: [], bot: true, enabled: true }}
          write="inbox.write"
          lists={[['inboxes']]}
          saved={(inbox) => (id === 'new' ? navigate(`/settings/inboxes/${inbox.id}`, { replace: true }) : close())}
          close={close}
          extra={(inbox) => <Embedding inbox={inbox} />}
        >
          <Form.Item name="name" label={t('inboxes.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={120} /></Form.Item>
          <Form.Item name="color" label={t('inboxes.color')}><ColorField label={t('inboxes.color')} /></Form.Item>
          <Form.Item name={['greeting', 'zh_CN']} label={t('inboxes.greetingZh')}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
          <Form.Item name={['greeting', 'en_US']} label={t('inboxes.greetingEn')}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
          <Form.Item name="origins" label={t('inboxes.origins')} extra={t('inboxes.originsHint')}>
            <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[' ', ',', '\n']} aria-label={t('inboxes.origins')} />
          </Form.Item>
          <div className="two">
            <Form.Item name="bot" label={t('inboxes.bot')} valuePropName="checked"><Switch aria-label={t('inboxes.bot')} /></Form.Item>
            <Form.Item name="enabled" label={t('common.enabled')} valuePropName="checked"><Switch aria-label={t('common.enabled')} /></Form.Item>
          </div>
        </EntryDrawer>
      )}
    </>
  );
}

function ColorField({ value, onChange, label }: { value?: string; onChange?: (value: string) => void; label: string }) {
  return (
    <div className="colors" role="radiogroup" aria-label={label}>
      {swatches.map((color) => (
        <button key={color} type="button" role="radio" aria-checked={value?.toLowerCase() === color} aria-label={color} style={{ background: color }} onClick={() => onChange?.(color)} />
      ))}
      <Input type="color" value={value ?? '#000000'} aria-label={label} onChange={(event) => onChange?.(event.target.value)} />
    </div>
  );
}

function Embedding({ inbox }: { inbox: Inbox }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const tell = useProblem();
  const [secret, setSecret] = useState<string | null>(null);
  const make = async () => {
    try {
      setSecret((await post<{ secret: string }>(`/inboxes/${inbox.id}/secret`)).secret);
    } catch (error) {
      tell(error);
    }
  };
  return (
    <section className="embedding">
      <h2>{t('inboxes.embed')}</h2>
      <p className="quiet">{t('inboxes.embedHint')}</p>
      <Copyable label={t('inboxes.embed')} value={`<script src="${location.origin}/widget.js" data-inbox="${inbox.key}" async></script>`} />
      {may('inbox.write') && (
        <>
          <h2>{t('inboxes.secret')}</h2>
          <p className="quiet">{t('inboxes.secretHint')}</p>
          <Popconfirm title={t('inboxes.secretConfirm')} onConfirm={() => void make()}>
            <Button>{t('inboxes.secretMake')}</Button>
          </Popconfirm>
        </>
      )}
      <Modal open={secret !== null} title={t('inboxes.secret')} footer={<Button type="primary" onClick={() => setSecret(null)}>{t('common.close')}</Button>} onCancel={() => setSecret(null)}>
        <p className="once">{t('tokens.once')}</p>
        <Copyable label={t('inboxes.secret')} value={secret ?? ''} />
      </Modal>
    </section>
  );
}
