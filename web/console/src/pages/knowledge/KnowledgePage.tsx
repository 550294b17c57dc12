import { useTranslation } from 'react-i18next';
import { Navigate, NavLink, Route, Routes } from 'react-router-dom';
import { ArticlesTab } from './ArticlesTab';
import { AskTab } from './AskTab';
import { FaqsTab } from './FaqsTab';
import './knowledge.css';

export default function KnowledgePage() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <header className="page-head"><h1>{t('nav.knowledge')}</h1></header>
      <nav className="tabs-nav" aria-label={t('nav.knowledge')}>
        <NavLink to="/knowledge/faqs">{t('knowledge.faqs')}</NavLink>
        <NavLink to="/knowledge/articles">{t('knowledge.articles')}</NavLink>
        <NavLink to="/knowledge/ask">{t('knowledge.ask')}</NavLink>
      </nav>
      <Routes>
        <Route path="faqs/:id?" element={<FaqsTab />} />
        <Route path="articles/:id?" element={<ArticlesTab />} />
        <Route path="ask" element={<AskTab />} />
        <Route path="*" element={<Navigate to="/knowledge/faqs" replace />} />
      </Routes>
    </div>
  );
}
