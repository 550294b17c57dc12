// The frame around all pages: the rail with what this person may open, the banner of the connection, offers, shortcuts.
import { App, Button, Tooltip } from 'antd';
import { BookOpen, ContactRound, Inbox, Keyboard, Search, Settings, UserRound } from 'lucide-react';
import { Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, NavLink, Route, Routes, useLocation } from 'react-router-dom';
import InboxPage from '@/pages/inbox/InboxPage';
import { useCounts } from './active';
import { useNarrow } from './appearance';
import { Boundary } from './Boundary';
import { ConnectionBanner } from './ConnectionBanner';
import { Waiting } from './Gate';
import { useShortcuts } from './keys';
import { lazily } from './lazily';
import { Logo } from './Logo';
import { useOffers } from './offers';
import { PresenceSwitch } from './PresenceSwitch';
import { useSession } from './session';

const KnowledgePage = lazily(() => import('@/pages/knowledge/KnowledgePage'), true);
const ContactsPage = lazily(() => import('@/pages/contacts/ContactsPage'), true);
const SettingsPage = lazily(() => import('@/pages/settings/SettingsPage'), true);
const ProfilePage = lazily(() => import('@/pages/profile/ProfilePage'), true);
const Switcher = lazily(() => import('./Switcher'), true);
const KeyList = lazily(() => import('./KeyList'), true);

const settingsPermissions = ['company.write', 'inbox.read', 'user.read', 'role.read', 'token.write', 'audit.read', 'inbox.write'];

export default function Shell() {
  const { t } = useTranslation();
  const { may, desk } = useSession();
  const { message } = App.useApp();
  const narrow = useNarrow();
  const { pathname } = useLocation();
  const [dialog, setDialog] = useState<'switcher' | 'keys' | null>(null);
  const { mine } = useCounts();
  useOffers();
  useShortcuts({
    '?': () => setDialog('keys'),
    'mod+k': () => setDialog('switcher'),
  });
  useEffect(() => {
    desk.events.problem = (title) => void message.error(title);
  }, [desk, message]);

  const entries = [
    { to: '/inbox', icon: Inbox, label: t('nav.inbox'), show: may('conversation.read'), count: mine },
    { to: '/contacts', icon: ContactRound, label: t('nav.contacts'), show: may('contact.read') && !narrow },
    { to: '/knowledge', icon: BookOpen, label: t('nav.knowledge'), show: may('knowledge.read') && !narrow },
    { to: '/settings', icon: Settings, label: t('nav.settings'), show: settingsPermissions.some(may) && !narrow },
    { to: '/profile', icon: UserRound, label: t('nav.profile'), show: true },
  ].filter((entry) => entry.show);
  const home = entries[0]!.to;

  return (
    <div className="shell">
      <a className="skip" href="#main">{t('nav.skip')}</a>
      <nav className="rail" aria-label={t('nav.main')}>
        {!narrow && (
          <NavLink to={home} className="rail-mark" aria-label={t('app.name')}>
            <Logo size={34} />
          </NavLink>
        )}
        {entries.map(({ to, icon: Icon, label, count }) => (
          <NavLink key={to} to={to} className="rail-entry">
            <Icon size={20} aria-hidden />
            <span>{label}</span>
            {count ? <b className="rail-count" aria-label={t('nav.mineCount', { count })}>{count > 99 ? '99+' : count}</b> : null}
          </NavLink>
        ))}
        <div className="rail-space" />
        {!narrow && (
          <>
            <RailButton label={t('switcher.title')} icon={<Search size={18} />} onClick={() => setDialog('switcher')} />
            <RailButton label={t('keys.title')} icon={<Keyboard size={18} />} onClick={() => setDialog('keys')} />
          </>
        )}
        {may('conversation.reply') && <PresenceSwitch />}
      </nav>
      <div className="stage">
        <ConnectionBanner />
        <main id="main" className="main" tabIndex={-1}>
          <Boundary key={pathname.split('/')[1]}>
            <Suspense fallback={<Waiting />}>
              <Routes>
                {may('conversation.read') && <Route path="/inbox/:view?/:id?" element={<InboxPage />} />}
                {may('contact.read') && <Route path="/contacts/*" element={<ContactsPage />} />}
                {may('knowledge.read') && <Route path="/knowledge/*" element={<KnowledgePage />} />}
                <Route path="/settings/*" element={<SettingsPage />} />
                <Route path="/profile" element={<ProfilePage />} />
                <Route path="*" element={<Navigate to={home} replace />} />
              </Routes>
            </Suspense>
          </Boundary>
        </main>
      </div>
      <Suspense fallback={null}>
        {dialog === 'switcher' && <Switcher close={() => setDialog(null)} />}
        {dialog === 'keys' && <KeyList close={() => setDialog(null)} />}
      </Suspense>
    </div>
  );
}

function RailButton({ label, icon, onClick }: { label: string; icon: React.ReactNode; onClick: () => void }) {
  return (
    <Tooltip title={label} placement="right">
      <Button type="text" className="rail-button" aria-label={label} icon={icon} onClick={onClick} />
    </Tooltip>
  );
}
