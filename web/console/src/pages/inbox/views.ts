// The views of the list: which conversations belong, how they are asked for, how they are ordered.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { readConversations } from '@/api/live/desk';
import type { Conversation } from '@/api/types';
import { useDesk, useSession } from '@/app/session';

export const views = ['mine', 'queue', 'bot', 'all', 'resolved'] as const;
export type View = (typeof views)[number];
export const isView = (text: string | undefined): text is View => views.includes(text as View);

const queries: Record<View, Record<string, string>> = {
  mine: { 'filter[assignee]': 'me', 'filter[state]': 'open,pending' },
  queue: { 'filter[state]': 'queued' },
  bot: { 'filter[state]': 'bot' },
  all: { 'filter[state]': 'bot,queued,open,pending' },
  resolved: { 'filter[state]': 'resolved' },
};

function belongs(view: View, conversation: Conversation, me: string): boolean {
  const { state } = conversation;
  switch (view) {
    case 'mine': return (state === 'open' || state === 'pending') && conversation.assignee?.id === me;
    case 'queue': return state === 'queued';
    case 'bot': return state === 'bot';
    case 'all': return state !== 'resolved';
    case 'resolved': return state === 'resolved';
  }
}

const later = (a: string, b: string) => (a < b ? 1 : a > b ? -1 : 0);
// The queue is served in order of arrival; everything else shows what moved last.
const order = (view: View) => (a: Conversation, b: Conversation) =>
  view === 'queue'
    ? later(b.queued_at ?? b.created_at, a.queued_at ?? a.created_at)
    : later(a.updated_at, b.updated_at) || later(a.id, b.id);

export function useView(view: View, text: string) {
  const { desk, session } = useSession();
  const resets = useDesk((state) => state.resets);
  const known = useDesk((state) => state.conversations);
  const query = useInfiniteQuery({
    queryKey: ['conversations', view, resets],
    queryFn: ({ pageParam, signal }) =>
      readConversations({ ...queries[view], sort: '-updated_at', limit: 50, cursor: pageParam ?? undefined }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    staleTime: 60_000,
  });
  useEffect(() => {
    for (const page of query.data?.pages ?? []) desk.put(page.items);
  }, [desk, query.data]);
  const words = text.trim().toLowerCase();
  const items = useMemo(() => {
    const found: Conversation[] = [];
    for (const conversation of known.values())
      if (belongs(view, conversation, session.user.id) && (!words || matches(conversation, words))) found.push(conversation);
    return found.sort(order(view));
  }, [known, view, words, session.user.id]);
  return { items, query };
}

function matches(conversation: Conversation, words: string): boolean {
  return [conversation.contact.name, conversation.last_message?.text, conversation.assignee?.name, conversation.inbox.name]
    .some((text) => text?.toLowerCase().includes(words));
}

// Since when somebody waits for us: in the queue, or a visitor's message without an answer. Null when nobody does.
export function waitingSince(conversation: Conversation): string | null {
  if (conversation.state === 'queued') return conversation.queued_at ?? conversation.created_at;
  const last = conversation.last_message;
  if (conversation.state === 'open' && last?.author?.kind === 'visitor' && last.kind !== 'activity') return last.at;
  return null;
}
