import { useTranslation } from 'react-i18next';
import { Navigate, NavLink, Route, Routes } from 'react-router-dom';
import { useSession } from '@/app/session';
import { AuditTab } from './AuditTab';
import { CompanyTab } from './CompanyTab';
import { InboxesTab } from './InboxesTab';
import { RolesTab } from './RolesTab';
import './settings.css';
import { TokensTab } from './TokensTab';
import { UsersTab } from './UsersTab';
import { WrapUpTab } from './WrapUpTab';

export default function SettingsPage() {
  const { t } = useTranslation();
  const { may } = useSession();
  const tabs = [
    { to: 'company', label: t('settings.company'), show: may('company.write'), page: <CompanyTab /> },
    { to: 'inboxes', label: t('settings.inboxes'), show: may('inbox.read'), page: <InboxesTab /> },
    { to: 'wrap-up', label: t('settings.wrapUp'), show: may('inbox.write'), page: <WrapUpTab /> },
    { to: 'users', label: t('settings.users'), show: may('user.read'), page: <UsersTab /> },
    { to: 'roles', label: t('settings.roles'), show: may('role.read'), page: <RolesTab /> },
    { to: 'tokens', label: t('settings.tokens'), show: may('token.write'), page: <TokensTab /> },
    { to: 'audit', label: t('settings.audit'), show: may('audit.read'), page: <AuditTab /> },
  ].filter((tab) => tab.show);
  const first = tabs[0];
  if (!first) return <Navigate to="/profile" replace />;
  return (
    <div className="page">
      <header className="page-head"><h1>{t('nav.settings')}</h1></header>
      <nav className="tabs-nav" aria-label={t('nav.settings')}>
        {tabs.map((tab) => <NavLink key={tab.to} to={`/settings/${tab.to}`}>{tab.label}</NavLink>)}
      </nav>
      <Routes>
        {tabs.map((tab) => <Route key={tab.to} path={`${tab.to}/:id?`} element={tab.page} />)}
        <Route path="*" element={<Navigate to={`/settings/${first.to}`} replace />} />
      </Routes>
    </div>
  );
}
