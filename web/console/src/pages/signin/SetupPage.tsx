// The first start: the company and its owner.
import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { post } from '@/api/http';
import { lang } from '@/app/i18n';
import { useProblem } from '@/app/problems';
import { Door } from './Door';

interface Fields {
  company: string;
  name: string;
  email: string;
  password: string;
}

export default function SetupPage({ done }: { done: () => Promise<void> }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Fields>();
  const tell = useProblem();
  const [busy, setBusy] = useState(false);
  const submit = async (fields: Fields) => {
    setBusy(true);
    try {
      const locale = lang();
      await post('/setup', { ...fields, locale });
      await post('/session', { email: fields.email, password: fields.password });
      await done();
    } catch (error) {
      tell(error, form);
      setBusy(false);
    }
  };
  const required = [{ required: true, message: t('common.required') }];
  return (
    <Door title={t('setup.title')} hint={t('setup.hint')}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(fields) => void submit(fields)} disabled={busy}>
        <Form.Item name="company" label={t('setup.company')} rules={required}><Input autoFocus size="large" autoComplete="organization" /></Form.Item>
        <Form.Item name="name" label={t('setup.name')} rules={required}><Input size="large" autoComplete="name" /></Form.Item>
        <Form.Item name="email" label={t('signin.email')} rules={required}><Input size="large" type="email" autoComplete="username" /></Form.Item>
        <Form.Item name="password" label={t('signin.password')} extra={t('setup.passwordHint')} rules={[...required, { min: 10, message: t('setup.passwordHint') }]}>
          <Input.Password size="large" autoComplete="new-password" />
        </Form.Item>
        <Button block size="large" type="primary" htmlType="submit" loading={busy}>{t('setup.submit')}</Button>
      </Form>
    </Door>
  );
}
