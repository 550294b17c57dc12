import { useQuery } from '@tanstack/react-query';
import { Form, Input, Select, Skeleton } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { list } from '@/api/http';
import type { Contact, Conversation } from '@/api/types';
import { EntryDrawer } from '@/app/EntryDrawer';
import { dateTime, shortTime } from '@/app/format';
import { snippet } from '@/pages/inbox/activity';

export function ContactDrawer({ id, close }: { id: string | null; close: () => void }) {
  const { t } = useTranslation();
  return (
    <EntryDrawer<Contact>
      title={id ? t('contact.title') : t('contact.new')}
      collection="/contacts"
      id={id}
      fields={['name', 'email', 'phone', 'company', 'language', 'note']}
      fresh={{}}
      write="contact.write"
      lists={[['contacts'], ['contact', id]]}
      width={560}
      close={close}
      extra={(contact) => <Talks contact={contact} />}
    >
      <Form.Item name="name" label={t('contact.name')}><Input maxLength={120} /></Form.Item>
      <div className="two">
        <Form.Item name="email" label={t('contact.email')}><Input inputMode="email" /></Form.Item>
        <Form.Item name="phone" label={t('contact.phone')}><Input inputMode="tel" /></Form.Item>
        <Form.Item name="company" label={t('contact.company')}><Input maxLength={120} /></Form.Item>
        <Form.Item name="language" label={t('contact.language')}>
          <Select allowClear aria-label={t('contact.language')} options={(['zh', 'en'] as const).map((value) => ({ value, label: t(`contact.lang.${value}`) }))} />
        </Form.Item>
      </div>
      <Form.Item name="note" label={t('contact.note')}><Input.TextArea rows={3} maxLength={2000} /></Form.Item>
    </EntryDrawer>
  );
}

function Talks({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const talks = useQuery({
    queryKey: ['contact', contact.id, 'conversations', 'all'],
    queryFn: ({ signal }) => list<Conversation>(`/contacts/${contact.id}/conversations`, { limit: 50 }, signal).then((page) => page.items),
  });
  return (
    <section className="talks">
      <p className="quiet">
        {[t(contact.verified ? 'contact.verified' : 'contact.unverified'), contact.external_id, `${t('contact.since')} ${dateTime(contact.created_at)}`].filter(Boolean).join(' · ')}
      </p>
      <h2>{t('contact.conversations')}</h2>
      {talks.isPending && <Skeleton active />}
      {talks.data?.length === 0 && <p className="quiet">{t('contact.noConversations')}</p>}
      <ul>
        {talks.data?.map((talk) => (
          <li key={talk.id}>
            <Link to={`/inbox/${talk.state === 'resolved' ? 'resolved' : 'all'}/${talk.id}`}>
              <span>{snippet(t, talk.last_message) || talk.inbox.name}</span>
              <small><span className={`state state-${talk.state}`}>{t(`state.${talk.state}`)}</span>{shortTime(talk.updated_at)}</small>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
