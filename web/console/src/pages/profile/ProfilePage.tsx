import { useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Segmented, Select, Switch } from 'antd';
import { LogOut } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Lang, Theme, User } from '@/api/types';
import { applyTheme, useChosenTheme } from '@/app/appearance';
import { Avatar } from '@/app/Avatar';
import { useSave } from '@/app/editing';
import { setLang } from '@/app/i18n';
import { chime, setSound, soundOn } from '@/app/offers';
import { Page } from '@/app/Page';
import { useProblem } from '@/app/problems';
import { useSession } from '@/app/session';
import { useRoleName } from '@/pages/settings/roles';
import './profile.css';
import { Password } from './Password';
import { Sessions } from './Sessions';
import { Totp } from './Totp';

export default function ProfilePage() {
  const { t, i18n } = useTranslation();
  const { session, signOut, desk } = useSession();
  const queries = useQueryClient();
  const tell = useProblem();
  const theme = useChosenTheme();
  const roleName = useRoleName();
  const { save, busy } = useSave();
  const [form] = Form.useForm<{ name: string }>();
  const [sound, hear] = useState(soundOn);
  const { user } = session;
  // The page follows at once; the server keeps it for the next sign-in.
  const change = async (body: Partial<User>, said = '') => {
    if (body.theme) applyTheme(body.theme);
    if (body.locale) {
      await setLang(body.locale);
      desk.locale = body.locale;
    }
    if (await save('PATCH', '/me', body, { form, lists: [], said })) await queries.invalidateQueries({ queryKey: ['door'] });
  };
  return (
    <Page title={t('nav.profile')} actions={<Button icon={<LogOut size={16} />} onClick={() => void signOut().catch(tell)}>{t('profile.signOut')}</Button>}>
      <div className="profile">
        <div>
          <section className="card">
            <div className="profile-who">
              <Avatar id={user.id} name={user.name} size={60} />
              <div>
                <strong>{user.name}</strong>
                <p>{user.email}</p>
                <p>{user.roles.map(roleName).join(', ')}</p>
              </div>
            </div>
            <Form form={form} layout="vertical" requiredMark={false} initialValues={{ name: user.name }} onFinish={({ name }) => void change({ name }, t('common.saved'))}>
              <Form.Item name="name" label={t('users.name')} rules={[{ required: true, whitespace: true, message: t('common.required') }]}><Input maxLength={120} /></Form.Item>
              <Button htmlType="submit" loading={busy}>{t('common.save')}</Button>
            </Form>
          </section>
          <Password />
        </div>
        <div>
          <section className="card">
            <h2>{t('profile.appearance')}</h2>
            <p>{t('profile.appearanceHint')}</p>
            <div className="profile-line">
              <span id="profile-language">{t('profile.language')}</span>
              <Select aria-label={t('profile.language')} value={i18n.language as Lang} options={(['zh-CN', 'en-US'] as const).map((value) => ({ value, label: t(`languages.${value}`) }))} onChange={(locale) => void change({ locale })} />
            </div>
            <div className="profile-line">
              <span>{t('profile.theme')}</span>
              <Segmented<Theme> aria-label={t('profile.theme')} value={theme} options={(['system', 'light', 'dark'] as const).map((value) => ({ value, label: t(`profile.themes.${value}`) }))} onChange={(chosen) => void change({ theme: chosen })} />
            </div>
            <div className="profile-line">
              <span>{t('profile.sound')}</span>
              <Switch aria-label={t('profile.sound')} checked={sound} onChange={(on) => { setSound(on); hear(on); if (on) chime([660, 880]); }} />
            </div>
          </section>
          <Totp />
          <Sessions />
        </div>
      </div>
    </Page>
  );
}
