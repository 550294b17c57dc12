import { Button, Form, Input, InputNumber, Switch } from 'antd';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { WrapUpCode } from '@/api/types';
import { changes, useSave } from '@/app/editing';
import { localised } from '@/app/i18n';
import { Listing, useListing } from '@/app/Listing';
import { Modal } from 'antd';

export function WrapUpTab() {
  const { t } = useTranslation();
  const listing = useListing<WrapUpCode>(['wrap-up-list'], '/wrap-up-codes', {});
  const [edited, setEdited] = useState<WrapUpCode | 'new' | null>(null);
  return (
    <>
      <div className="filters">
        <p className="quiet grow">{t('wrapUp.hint')}</p>
        <Button type="primary" icon={<Plus size={16} />} onClick={() => setEdited('new')}>{t('wrapUp.new')}</Button>
      </div>
      <Listing
        label={t('settings.wrapUp')}
        listing={listing}
        open={setEdited}
        empty={t('common.nothing')}
        columns={[
          { title: t('wrapUp.name'), render: (_, code) => <strong>{localised(code.name) || code.code}</strong> },
          { title: t('wrapUp.code'), render: (_, code) => <span className="mono">{code.code}</span> },
          { title: t('wrapUp.position'), width: 100, render: (_, code) => code.position },
          { title: t('knowledge.status'), width: 110, render: (_, code) => <span className={`state ${code.enabled ? 'state-open' : ''}`}>{code.enabled ? t('common.enabled') : t('common.disabled')}</span> },
        ]}
      />
      {edited && <CodeDialog code={edited === 'new' ? null : edited} position={(listing.data?.length ?? 0) + 1} close={() => setEdited(null)} />}
    </>
  );
}

function CodeDialog({ code, position, close }: { code: WrapUpCode | null; position: number; close: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<WrapUpCode>();
  const { save, busy } = useSave();
  const submit = async (fields: WrapUpCode) => {
    const lists = [['wrap-up-list'], ['wrap-up-codes']];
    const done = code
      ? await save('PATCH', `/wrap-up-codes/${code.id}`, changes(code, fields), { form, lists })
      : await save('POST', '/wrap-up-codes', fields, { form, lists });
    if (done) close();
  };
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  return (
    <Modal open title={code ? t('wrapUp.edit') : t('wrapUp.new')} okText={t('common.save')} confirmLoading={busy} onOk={() => form.submit()} onCancel={close}>
      <Form form={form} layout="vertical" requiredMark={false} initialValues={code ?? { enabled: true, position }} onFinish={(fields) => void submit(fields)}>
        {!code && <Form.Item name="code" label={t('wrapUp.code')} extra={t('wrapUp.codeHint')} rules={required}><Input maxLength={40} /></Form.Item>}
        <Form.Item name={['name', 'zh_CN']} label={t('wrapUp.nameZh')} rules={required}><Input maxLength={60} /></Form.Item>
        <Form.Item name={['name', 'en_US']} label={t('wrapUp.nameEn')} rules={required}><Input maxLength={60} /></Form.Item>
        <div className="two">
          <Form.Item name="position" label={t('wrapUp.position')}><InputNumber min={0} max={100000} aria-label={t('wrapUp.position')} /></Form.Item>
          <Form.Item name="enabled" label={t('common.enabled')} valuePropName="checked"><Switch aria-label={t('common.enabled')} /></Form.Item>
        </div>
      </Form>
    </Modal>
  );
}
