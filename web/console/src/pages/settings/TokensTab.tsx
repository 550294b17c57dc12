import { Button, Form, Input, Modal, Popconfirm, Select } from 'antd';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Token } from '@/api/types';
import { Copyable } from '@/app/Copy';
import { useSave } from '@/app/editing';
import { ago, dateTime } from '@/app/format';
import { Listing, useListing } from '@/app/Listing';
import { PermissionField } from './PermissionField';
import { usePermissionName } from './roles';

const DAY = 86_400_000;

export function TokensTab() {
  const { t } = useTranslation();
  const listing = useListing<Token>(['tokens'], '/tokens', {});
  const permissionName = usePermissionName();
  const { save } = useSave();
  const [making, setMaking] = useState(false);
  return (
    <>
      <div className="filters">
        <p className="quiet grow">{t('tokens.hint')}</p>
        <Button type="primary" icon={<Plus size={16} />} onClick={() => setMaking(true)}>{t('tokens.new')}</Button>
      </div>
      <Listing
        label={t('settings.tokens')}
        listing={listing}
        empty={t('tokens.none')}
        columns={[
          { title: t('tokens.name'), render: (_, token) => <div className="cell-main">{token.name}<small>{token.scopes?.map(permissionName).join(', ')}</small></div> },
          { title: t('tokens.hintColumn'), width: 110, render: (_, token) => token.hint && <span className="mono">{`…${token.hint}`}</span> },
          { title: t('tokens.lastUsed'), width: 130, render: (_, token) => (token.last_used_at ? ago(token.last_used_at) : t('common.never')) },
          { title: t('tokens.expires'), width: 180, render: (_, token) => (token.expires_at ? dateTime(token.expires_at) : t('common.never')) },
          {
            title: t('common.actions'),
            width: 100,
            render: (_, token) => (
              <Popconfirm title={t('tokens.deleteConfirm')} onConfirm={() => void save('DELETE', `/tokens/${token.id}`, undefined, { lists: [['tokens']], said: t('common.deleted') })}>
                <Button size="small" danger type="text">{t('common.delete')}</Button>
              </Popconfirm>
            ),
          },
        ]}
      />
      {making && <NewToken close={() => setMaking(false)} />}
    </>
  );
}

function NewToken({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ name: string; scopes: string[]; days: number }>();
  const { save, busy } = useSave();
  const [value, setValue] = useState<string | null>(null);
  const submit = async ({ name, scopes, days }: { name: string; scopes: string[]; days: number }) => {
    const body = { name, scopes, ...(days ? { expires_at: new Date(Date.now() + days * DAY).toISOString() } : {}) };
    const token = await save<Token>('POST', '/tokens', body, { form, lists: [['tokens']], said: '' });
    if (token) setValue(token.token ?? '');
  };
  if (value !== null)
    return (
      <Modal open title={t('tokens.made')} onCancel={close} footer={<Button type="primary" onClick={close}>{t('common.close')}</Button>}>
        <p className="once">{t('tokens.once')}</p>
        <Copyable label={t('settings.tokens')} value={value} />
      </Modal>
    );
  return (
    <Modal open width={600} title={t('tokens.new')} okText={t('common.create')} confirmLoading={busy} onOk={() => form.submit()} onCancel={close}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={{ scopes: [], days: 90 }} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="name" label={t('tokens.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={120} /></Form.Item>
        <Form.Item name="days" label={t('tokens.expires')}>
          <Select aria-label={t('tokens.expires')} options={[...[30, 90, 365].map((days) => ({ value: days, label: t('tokens.days', { count: days }) })), { value: 0, label: t('common.never') }]} />
        </Form.Item>
        <Form.Item name="scopes" label={t('roles.permissions')} rules={[{ required: true, type: 'array', min: 1, message: t('common.required') }]}><PermissionField /></Form.Item>
      </Form>
    </Modal>
  );
}
