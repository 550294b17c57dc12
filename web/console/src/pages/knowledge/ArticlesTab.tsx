import { Button, Form, Input, Select, Switch } from 'antd';
import { ExternalLink, Plus } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';
import type { Article } from '@/api/types';
import { EntryDrawer } from '@/app/EntryDrawer';
import { shortTime } from '@/app/format';
import { lang } from '@/app/i18n';
import { Listing, useListing } from '@/app/Listing';
import { MarkdownField } from '@/app/MarkdownField';
import { useSession } from '@/app/session';

export function ArticlesTab() {
  const { t } = useTranslation();
  const { may } = useSession();
  const navigate = useNavigate();
  const { id } = useParams();
  const [text, setText] = useState('');
  const [language, setLanguage] = useState<string>();
  const listing = useListing<Article>(['articles'], '/articles', {
    'filter[title]': useDeferredValue(text.trim()),
    'filter[language]': language,
    sort: '-updated_at',
  });
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  return (
    <>
      <div className="filters">
        <Input.Search allowClear className="filter-text" placeholder={t('knowledge.searchTitle')} aria-label={t('knowledge.searchTitle')} value={text} onChange={(event) => setText(event.target.value)} />
        <Select allowClear className="filter" placeholder={t('knowledge.language')} aria-label={t('knowledge.language')} value={language} onChange={setLanguage} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
        <span className="grow" />
        {may('knowledge.write') && <Button type="primary" icon={<Plus size={16} />} onClick={() => navigate('/knowledge/articles/new')}>{t('knowledge.newArticle')}</Button>}
      </div>
      <Listing
        label={t('knowledge.articles')}
        listing={listing}
        open={(article) => navigate(`/knowledge/articles/${article.id}`)}
        empty={t('knowledge.noArticles')}
        columns={[
          { title: t('knowledge.title'), render: (_, article) => <div className="cell-main">{article.title}<small>{article.slug}</small></div> },
          { title: t('knowledge.language'), width: 90, render: (_, article) => t(`contact.lang.${article.language}`) },
          { title: t('knowledge.category'), width: 130, render: (_, article) => article.category },
          { title: t('knowledge.status'), width: 100, render: (_, article) => <span className={`state ${article.published ? 'state-open' : ''}`}>{article.published ? t('knowledge.published') : t('knowledge.draft')}</span> },
          { title: t('knowledge.updated'), width: 180, render: (_, article) => [article.updated_at && shortTime(article.updated_at), article.updated_by?.name].filter(Boolean).join(' · ') },
        ]}
      />
      {id && (
        <EntryDrawer<Article>
          title={id === 'new' ? t('knowledge.newArticle') : t('knowledge.editArticle')}
          collection="/articles"
          id={id === 'new' ? null : id}
          fields={['language', 'title', 'slug', 'body', 'category', 'tags', 'published']}
          fresh={{ language: lang() === 'zh-CN' ? 'zh' : 'en', tags: [], published: false }}
          write="knowledge.write"
          lists={[['articles']]}
          confirm={t('knowledge.deleteArticle')}
          width={820}
          close={() => navigate('/knowledge/articles')}
          extra={(article) =>
            article.published && (
              <a href={`/help/${article.language === 'zh' ? 'zh-CN' : 'en-US'}/article/${article.slug}`} target="_blank" rel="noreferrer">
                {t('knowledge.openInHelp')} <ExternalLink size={13} aria-hidden />
              </a>
            )
          }
        >
          <Form.Item name="title" label={t('knowledge.title')} rules={required}><Input maxLength={200} /></Form.Item>
          <Form.Item name="body" label={t('knowledge.body')} rules={required}><MarkdownField rows={16} /></Form.Item>
          <div className="two">
            <Form.Item name="slug" label={t('knowledge.slug')} extra={t('knowledge.slugHint')}><Input maxLength={120} /></Form.Item>
            <Form.Item name="language" label={t('knowledge.language')}>
              <Select aria-label={t('knowledge.language')} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
            </Form.Item>
            <Form.Item name="category" label={t('knowledge.category')}><Input maxLength={60} /></Form.Item>
            <Form.Item name="tags" label={t('knowledge.tags')}><Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', '，']} aria-label={t('knowledge.tags')} /></Form.Item>
            <Form.Item name="published" label={t('knowledge.published')} valuePropName="checked"><Switch aria-label={t('knowledge.published')} /></Form.Item>
          </div>
        </EntryDrawer>
      )}
    </>
  );
}
