import { Button, Input, Select } from 'antd';
import { Plus, Upload } from 'lucide-react';
import { Suspense, useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import type { Faq } from '@/api/types';
import { shortTime } from '@/app/format';
import { lazily } from '@/app/lazily';
import { Listing, useListing } from '@/app/Listing';
import { useSession } from '@/app/session';
import { FaqDrawer } from './FaqDrawer';

const ImportDialog = lazily(() => import('./ImportDialog'));

export function FaqsTab() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const [text, setText] = useState('');
  const [language, setLanguage] = useState<string>();
  const [enabled, setEnabled] = useState<string>();
  const [category, setCategory] = useState('');
  const [importing, setImporting] = useState(false);
  const question = useDeferredValue(text.trim());
  const listing = useListing<Faq>(['faqs'], '/faqs', {
    'filter[question]': question,
    'filter[language]': language,
    'filter[enabled]': enabled,
    'filter[category]': useDeferredValue(category.trim()),
    sort: '-updated_at',
  });
  const close = () => navigate('/knowledge/faqs');
  return (
    <>
      <div className="filters">
        <Input.Search allowClear className="filter-text" placeholder={t('knowledge.searchQuestion')} aria-label={t('knowledge.searchQuestion')} value={text} onChange={(event) => setText(event.target.value)} />
        <Select allowClear className="filter" placeholder={t('knowledge.language')} aria-label={t('knowledge.language')} value={language} onChange={setLanguage} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
        <Select allowClear className="filter" placeholder={t('knowledge.status')} aria-label={t('knowledge.status')} value={enabled} onChange={setEnabled} options={[{ value: 'true', label: t('common.enabled') }, { value: 'false', label: t('common.disabled') }]} />
        <Input allowClear className="filter" placeholder={t('knowledge.category')} aria-label={t('knowledge.category')} value={category} onChange={(event) => setCategory(event.target.value)} />
        <span className="grow" />
        {may('knowledge.import') && <Button icon={<Upload size={16} />} onClick={() => setImporting(true)}>{t('knowledge.import')}</Button>}
        {may('knowledge.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/knowledge/faqs/new')}>{t('knowledge.newFaq')}</Button>}
      </div>
      <Listing
        label={t('knowledge.faqs')}
        listing={listing}
        open={(faq) => navigate(`/knowledge/faqs/${faq.id}`)}
        empty={t('knowledge.noFaqs')}
        columns={[
          {
            title: t('knowledge.question'),
            render: (_, faq) => <div className="cell-main">{faq.question}{faq.similar?.length > 0 && <small>{t('knowledge.similarCount', { count: faq.similar.length })}</small>}</div>,
          },
          { title: t('knowledge.language'), width: 90, render: (_, faq) => t(`contact.lang.${faq.language}`) },
          { title: t('knowledge.category'), width: 130, render: (_, faq) => faq.category },
          { title: t('knowledge.status'), width: 100, render: (_, faq) => <span className={`state ${faq.enabled ? 'state-open' : ''}`}>{faq.enabled ? t('common.enabled') : t('common.disabled')}</span> },
          { title: t('knowledge.updated'), width: 180, render: (_, faq) => [faq.updated_at && shortTime(faq.updated_at), faq.updated_by?.name].filter(Boolean).join(' · ') },
        ]}
      />
      {id && <FaqDrawer id={id === 'new' ? null : id} close={close} />}
      <Suspense fallback={null}>{importing && <ImportDialog close={() => setImporting(false)} />}</Suspense>
    </>
  );
}
