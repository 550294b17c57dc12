import { Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSave } from '@/app/editing';

interface Fields {
  current: string;
  password: string;
  again: string;
}

export function Password() {
  const { t } = useTranslation();
  const [form] = Form.useForm<Fields>();
  const { save, busy } = useSave();
  const submit = async ({ current, password }: Fields) => {
    if (await save('POST', '/me/password', { current, password }, { form, lists: [['my-sessions']], said: t('password.changed') })) form.resetFields();
  };
  const required = { required: true, message: t('common.required') };
  return (
    <section className="card">
      <h2>{t('password.title')}</h2>
      <p>{t('password.hint')}</p>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="current" label={t('password.current')} rules={[required]}><Input.Password autoComplete="current-password" /></Form.Item>
        <Form.Item name="password" label={t('password.new')} rules={[required, { min: 10, message: t('setup.passwordHint') }]}><Input.Password autoComplete="new-password" /></Form.Item>
        <Form.Item
          name="again"
          label={t('password.again')}
          dependencies={['password']}
          rules={[required, ({ getFieldValue }) => ({ validator: (_, value) => (!value || value === getFieldValue('password') ? Promise.resolve() : Promise.reject(new Error(t('password.differs')))) })]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button htmlType="submit" loading={busy}>{t('password.submit')}</Button>
      </Form>
    </section>
  );
}
