// Who the customer is, where they are, what was before, and whose conversation it is.
import { useQuery } from '@tanstack/react-query';
import { Button, Skeleton } from 'antd';
import { BadgeCheck, ExternalLink, Pencil } from 'lucide-react';
import { type ReactNode, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { get, list } from '@/api/http';
import type { Contact, Conversation } from '@/api/types';
import { Avatar } from '@/app/Avatar';
import { useCodeName } from '@/app/codes';
import { dateTime, shortTime } from '@/app/format';
import { lazily } from '@/app/lazily';
import { useSession } from '@/app/session';
import { snippet } from './activity';
import { useConversation } from './ConversationPane';

const AssignDialog = lazily(() => import('./AssignDialog'), true);

export default function Details({ id }: { id: string }) {
  const { t } = useTranslation();
  const { may } = useSession();
  const { conversation } = useConversation(id);
  const codeName = useCodeName();
  const [assign, setAssign] = useState(false);
  const contactId = conversation?.contact.id;
  const contact = useQuery({
    queryKey: ['contact', contactId],
    enabled: !!contactId && may('contact.read'),
    queryFn: ({ signal }) => get<Contact>(`/contacts/${contactId}`, undefined, signal),
  });
  const earlier = useQuery({
    queryKey: ['contact', contactId, 'conversations'],
    enabled: !!contactId && may('contact.read'),
    queryFn: ({ signal }) => list<Conversation>(`/contacts/${contactId}/conversations`, { limit: 10 }, signal).then((page) => page.items),
  });
  if (!conversation) return <Skeleton className="pane-wait" active />;
  const person = contact.data;
  const name = person?.name || conversation.contact.name || t('contact.nameless');
  const others = (earlier.data ?? []).filter((other) => other.id !== id);
  return (
    <div className="facts">
      <div className="facts-who">
        <Avatar id={conversation.contact.id} name={name} size={56} />
        <h2>
          {name} {(person?.verified ?? conversation.contact.verified) && <BadgeCheck size={17} className="verified" aria-label={t('contact.verified')} />}
        </h2>
        {person?.company && <p>{person.company}</p>}
        {may('contact.read') && <Link to={`/contacts/${conversation.contact.id}`}><Pencil size={13} aria-hidden /> {t('details.openContact')}</Link>}
      </div>
      <Facts title={t('details.contact')}>
        <Fact name={t('contact.email')} value={person?.email} />
        <Fact name={t('contact.phone')} value={person?.phone} />
        <Fact name={t('contact.external')} value={person?.external_id} />
        <Fact name={t('contact.language')} value={person?.language && t(`contact.lang.${person.language}`)} />
        <Fact name={t('contact.note')} value={person?.note} />
        <Fact name={t('contact.since')} value={person && dateTime(person.created_at)} />
      </Facts>
      <Facts title={t('details.conversation')}>
        <Fact name={t('details.assignee')} value={conversation.assignee?.name ?? t('details.nobody')} />
        <Fact name={t('details.inbox')} value={conversation.inbox.name} />
        <Fact name={t('details.started')} value={dateTime(conversation.created_at)} />
        {conversation.page?.url && /^https?:/.test(conversation.page.url) && (
          <Fact name={t('details.page')} value={<a href={conversation.page.url} target="_blank" rel="noreferrer">{conversation.page.title || conversation.page.url} <ExternalLink size={12} aria-hidden /></a>} />
        )}
        {conversation.rating && <Fact name={t('details.rating')} value={`${'★'.repeat(conversation.rating.score)}${conversation.rating.comment ? ` ${conversation.rating.comment}` : ''}`} />}
        {conversation.wrap_up && <Fact name={t('details.wrapUp')} value={[codeName(conversation.wrap_up.code), conversation.wrap_up.note].filter(Boolean).join(' · ')} />}
        {may('conversation.assign') && conversation.state !== 'resolved' && (
          <Button size="small" onClick={() => setAssign(true)}>{conversation.assignee ? t('conversation.transfer') : t('conversation.assign')}</Button>
        )}
      </Facts>
      {may('contact.read') && (
        <Facts title={t('details.earlier')}>
          {earlier.isPending && <Skeleton active title={false} />}
          {earlier.data && others.length === 0 && <p className="quiet">{t('details.noEarlier')}</p>}
          <ul className="earlier">
            {others.map((other) => (
              <li key={other.id}>
                <Link to={`/inbox/${other.state === 'resolved' ? 'resolved' : 'all'}/${other.id}`}>
                  <span>{snippet(t, other.last_message) || other.inbox.name}</span>
                  <small><span className={`state state-${other.state}`}>{t(`state.${other.state}`)}</span> {shortTime(other.updated_at)}</small>
                </Link>
              </li>
            ))}
          </ul>
        </Facts>
      )}
      <Suspense fallback={null}>{assign && <AssignDialog conversation={conversation} close={() => setAssign(false)} />}</Suspense>
    </div>
  );
}

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export function Fact({ name, value }: { name: string; value: ReactNode }) {
  if (value === null || value === undefined || value === '') return null;
  return (
    <dl className="fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </dl>
  );
}
