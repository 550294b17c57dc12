import { useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Select, Skeleton } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Company } from '@/api/types';
import { changes, useSave, useThing } from '@/app/editing';

export function CompanyTab() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [form] = Form.useForm<Company>();
  const company = useThing<Company>('/company');
  const { save, busy } = useSave();
  const zones = useMemo(() => Intl.supportedValuesOf('timeZone').map((value) => ({ value, label: value })), []);
  if (!company.data) return <Skeleton active />;
  const { data, etag } = company.data;
  const submit = async (fields: Company) => {
    const body = changes(data, fields);
    if (Object.keys(body).length && (await save('PATCH', '/company', body, { form, lists: [['thing', '/company']] }, etag))) await queries.invalidateQueries({ queryKey: ['door'] });
  };
  return (
    <section className="card narrow">
      <h2>{t('settings.company')}</h2>
      <p>{t('company.hint')}</p>
      <Form key={etag} form={form} layout="vertical" requiredMark={false} initialValues={data} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="name" label={t('setup.company')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={120} /></Form.Item>
        <Form.Item name="timezone" label={t('company.timezone')}><Select showSearch options={zones} aria-label={t('company.timezone')} /></Form.Item>
        <Form.Item name="locale" label={t('company.locale')}>
          <Select aria-label={t('company.locale')} options={(['zh-CN', 'en-US'] as const).map((value) => ({ value, label: t(`languages.${value}`) }))} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy}>{t('common.save')}</Button>
      </Form>
    </section>
  );
}
