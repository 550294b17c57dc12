import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, post } from '@/api/http';
import { Door } from './Door';

interface Fields {
  email: string;
  password: string;
  totp?: string;
}

export default function SignInPage({ done }: { done: () => Promise<void> }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Fields>();
  const [code, setCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const submit = async () => {
    setBusy(true);
    setProblem('');
    const fields = form.getFieldsValue(true) as Fields;
    try {
      await post('/session', { email: fields.email, password: fields.password, ...(code && fields.totp ? { totp: fields.totp } : {}) });
      await done();
    } catch (error) {
      if (error instanceof Problem && !code && /totp/.test(error.code)) setCode(true);
      else setProblem(error instanceof Problem && error.status > 0 ? error.message : t('problem.offline'));
      setBusy(false);
    }
  };
  return (
    <Door title={code ? t('signin.codeTitle') : t('signin.title')} hint={code ? t('signin.codeHint') : t('signin.hint')}>
      {problem && <Alert type="error" showIcon message={problem} role="alert" />}
      <Form form={form} layout="vertical" requiredMark={false} onFinish={() => void submit()} disabled={busy}>
        {code ? (
          <Form.Item name="totp" label={t('signin.code')} rules={[{ required: true, message: t('common.required') }]}>
            <Input autoFocus size="large" inputMode="numeric" autoComplete="one-time-code" maxLength={12} />
          </Form.Item>
        ) : (
          <>
            <Form.Item name="email" label={t('signin.email')} rules={[{ required: true, message: t('common.required') }]}>
              <Input autoFocus size="large" type="email" autoComplete="username" />
            </Form.Item>
            <Form.Item name="password" label={t('signin.password')} rules={[{ required: true, message: t('common.required') }]}>
              <Input.Password size="large" autoComplete="current-password" />
            </Form.Item>
          </>
        )}
        <Button block size="large" type="primary" htmlType="submit" loading={busy}>{code ? t('signin.confirm') : t('signin.submit')}</Button>
        {code && <Button block type="link" onClick={() => setCode(false)}>{t('common.back')}</Button>}
      </Form>
    </Door>
  );
}
