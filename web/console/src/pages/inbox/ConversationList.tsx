import { Button, Input, Skeleton } from 'antd';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { Search } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Virtuoso, type VirtuosoHandle } from 'react-virtuoso';
import type { Conversation } from '@/api/types';
import { useCounts } from '@/app/active';
import { Avatar } from '@/app/Avatar';
import { shortTime, span } from '@/app/format';
import { useDesk } from '@/app/session';
import { snippet } from './activity';
import { type View, views, waitingSince } from './views';

interface Props {
  view: View;
  selected: string | null;
  items: Conversation[];
  query: Pick<UseInfiniteQueryResult, 'isPending' | 'isError' | 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage' | 'refetch'>;
  text: string;
  setText: (text: string) => void;
  go: (view: View, conversation?: string) => void;
}

export function ConversationList({ view, selected, items, query, text, setText, go }: Props) {
  const { t } = useTranslation();
  const counts = useCounts();
  const list = useRef<VirtuosoHandle>(null);
  const now = useNow(10_000);
  const numbers: Partial<Record<View, number>> = { mine: counts.mine, queue: counts.queued, bot: counts.bot };
  useEffect(() => {
    const index = items.findIndex((conversation) => conversation.id === selected);
    if (index >= 0) list.current?.scrollIntoView({ index });
    // Only when another one is chosen: the list must not jump when it is sorted anew.
  }, [selected]); // eslint-disable-line
  return (
    <section className="list" aria-label={t('inbox.list')}>
      <header className="list-head">
        <h1>{t('nav.inbox')}</h1>
        <Input
          id="conversation-search"
          allowClear
          value={text}
          onChange={(event) => setText(event.target.value)}
          prefix={<Search size={15} aria-hidden />}
          placeholder={t('inbox.search')}
          aria-label={t('inbox.search')}
        />
        <nav className="views" aria-label={t('inbox.views')}>
          {views.map((name) => (
            <button key={name} type="button" aria-current={name === view ? 'page' : undefined} onClick={() => go(name)}>
              {t(`views.${name}`)}
              {numbers[name] ? <b className={name === 'queue' ? 'hot' : undefined}>{numbers[name]}</b> : null}
            </button>
          ))}
        </nav>
      </header>
      <div className="list-body">
        {query.isPending && items.length === 0 ? (
          <div className="list-wait">{[0, 1, 2, 3].map((i) => <Skeleton key={i} avatar active paragraph={{ rows: 1 }} title={{ width: '40%' }} />)}</div>
        ) : items.length === 0 ? (
          <div className="list-empty">
            <p>{text ? t('inbox.noMatch') : t(`inbox.empty.${view}`)}</p>
            {query.isError && <Button onClick={() => void query.refetch()}>{t('common.retry')}</Button>}
          </div>
        ) : (
          <Virtuoso
            ref={list}
            data={items}
            computeItemKey={(_, conversation) => conversation.id}
            endReached={() => query.hasNextPage && !query.isFetchingNextPage && void query.fetchNextPage()}
            increaseViewportBy={300}
            itemContent={(_, conversation) => (
              <Row conversation={conversation} selected={conversation.id === selected} now={now} open={() => go(view, conversation.id)} view={view} />
            )}
          />
        )}
      </div>
    </section>
  );
}

interface RowProps {
  conversation: Conversation;
  selected: boolean;
  now: number;
  view: View;
  open: () => void;
}

const Row = memo(
  function Row({ conversation, selected, now, open, view }: RowProps) {
    const { t } = useTranslation();
    const typing = useDesk((state) => state.typing.get(conversation.id));
    const name = conversation.contact.name || t('contact.nameless');
    const since = waitingSince(conversation);
    const waited = since ? now - new Date(since).getTime() : 0;
    return (
      <button type="button" className="row" aria-current={selected ? 'true' : undefined} data-unread={conversation.unread ? true : undefined} onClick={open}>
        <Avatar id={conversation.contact.id} name={name} size={38} />
        <span className="row-top">
          <strong>{name}</strong>
          <time dateTime={conversation.updated_at}>{shortTime(conversation.updated_at, now)}</time>
        </span>
        <span className="row-text">
          {typing ? <em>{t('inbox.typing')}</em> : <span>{snippet(t, conversation.last_message)}</span>}
          {conversation.unread ? <b className="count" aria-label={t('inbox.unread', { count: conversation.unread })}>{conversation.unread > 99 ? '99+' : conversation.unread}</b> : null}
        </span>
        <span className="row-foot">
          <span className="row-inbox">{conversation.inbox.name}</span>
          {view === 'all' && <span className={`state state-${conversation.state}`}>{t(`state.${conversation.state}`)}</span>}
          {conversation.state === 'pending' && view !== 'all' && <span className="state state-pending">{t('state.pending')}</span>}
          {conversation.rating && <span className="state">{`★ ${conversation.rating.score}`}</span>}
          <span className="row-space" />
          {since && <span className={waited > 120_000 ? 'wait wait-long' : 'wait'}>{t('inbox.waits', { time: span(waited) })}</span>}
          {!since && conversation.assignee && view !== 'mine' && <span className="row-who">{conversation.assignee.name}</span>}
        </span>
      </button>
    );
  },
  (a, b) => a.conversation === b.conversation && a.selected === b.selected && a.now === b.now && a.view === b.view,
);

export function useNow(every: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
