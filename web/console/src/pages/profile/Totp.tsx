// Two-step sign-in: the password once more, the picture for the authenticator, a code as proof, and the recovery codes, shown once.
import { useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, QRCode } from 'antd';
import { ShieldCheck, ShieldOff } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Copyable } from '@/app/Copy';
import { useSave } from '@/app/editing';
import { useSession } from '@/app/session';

type Step = { kind: 'password'; off: boolean } | { kind: 'code'; secret: string; url: string } | { kind: 'recovery'; codes: string[] };

export function Totp() {
  const { t } = useTranslation();
  const { session } = useSession();
  const queries = useQueryClient();
  const [step, setStep] = useState<Step | null>(null);
  const on = session.user.totp;
  const close = () => {
    setStep(null);
    void queries.invalidateQueries({ queryKey: ['door'] });
  };
  return (
    <section className="card">
      <h2>{t('profile.totp')}</h2>
      <p>{t('totp.hint')}</p>
      <div className="profile-line">
        <span className="totp-state">{on ? <ShieldCheck size={18} className="yes" aria-hidden /> : <ShieldOff size={18} aria-hidden />} {on ? t('totp.on') : t('totp.off')}</span>
        <Button danger={on} onClick={() => setStep({ kind: 'password', off: on })}>{on ? t('totp.turnOff') : t('totp.turnOn')}</Button>
      </div>
      {step?.kind === 'password' && <AskPassword off={step.off} next={setStep} close={close} />}
      {step?.kind === 'code' && <Enrol secret={step.secret} url={step.url} next={setStep} close={close} />}
      {step?.kind === 'recovery' && (
        <Modal open title={t('totp.recovery')} onCancel={close} footer={<Button type="primary" onClick={close}>{t('totp.kept')}</Button>}>
          <p className="quiet">{t('totp.recoveryHint')}</p>
          <Copyable label={t('totp.recovery')} value={step.codes.join('\n')} />
        </Modal>
      )}
    </section>
  );
}

interface StepProps {
  next: (step: Step) => void;
  close: () => void;
}

function AskPassword({ off, next, close }: StepProps & { off: boolean }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ password: string }>();
  const { save, busy } = useSave();
  const submit = async ({ password }: { password: string }) => {
    if (off) {
      if (await save('DELETE', '/me/totp', { password }, { form, lists: [] })) close();
      return;
    }
    const enrolment = await save<{ secret: string; url: string }>('POST', '/me/totp', { password }, { form, lists: [], said: '' });
    if (enrolment) next({ kind: 'code', secret: enrolment.secret, url: enrolment.url });
  };
  return (
    <Modal open title={off ? t('totp.turnOff') : t('totp.turnOn')} okText={t('signin.confirm')} confirmLoading={busy} onOk={() => form.submit()} onCancel={close}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="password" label={t('password.current')} rules={[{ required: true, message: t('common.required') }]}><Input.Password autoFocus autoComplete="current-password" /></Form.Item>
      </Form>
    </Modal>
  );
}

function Enrol({ secret, url, next, close }: StepProps & { secret: string; url: string }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ code: string }>();
  const { save, busy } = useSave();
  const submit = async ({ code }: { code: string }) => {
    const done = await save<{ recovery_codes: string[] }>('POST', '/me/totp/confirm', { code: code.replace(/\s/g, '') }, { form, lists: [], said: '' });
    if (done) next({ kind: 'recovery', codes: done.recovery_codes });
  };
  return (
    <Modal open title={t('totp.scan')} okText={t('signin.confirm')} confirmLoading={busy} onOk={() => form.submit()} onCancel={close}>
      <div className="enrol">
        <QRCode type="svg" value={url} size={190} color="#000000" bgColor="#ffffff" aria-label={t('totp.scan')} />
        <p className="quiet">{t('totp.scanHint')}</p>
      </div>
      <Copyable label={t('totp.secret')} value={secret} />
      <Form form={form} className="enrol-code" layout="vertical" requiredMark={false} onFinish={(fields) => void submit(fields)}>
        <Form.Item name="code" label={t('signin.code')} rules={[{ required: true, message: t('common.required') }]}><Input inputMode="numeric" autoComplete="one-time-code" maxLength={8} /></Form.Item>
      </Form>
    </Modal>
  );
}
