// What runs now, and how many of it. The conversations that are not resolved are read once and kept true by the desk's events, so the numbers beside the
// views are counted here; when there are too many to read, the server's numbers from the last welcome stand in.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Counts } from '@/api/live/frames';
import { readConversations } from '@/api/live/desk';
import { useDesk, useSession } from './session';

const MOST = 1000;
const PAGE = 200;

export type ActiveCounts = Pick<Counts, 'mine' | 'queued' | 'bot'> & { load: number };

function useActive(): boolean {
  const { desk } = useSession();
  const resets = useDesk((state) => state.resets);
  const read = useQuery({
    queryKey: ['active', resets],
    staleTime: Infinity,
    gcTime: Infinity,
    queryFn: async ({ signal }) => {
      let cursor: string | undefined;
      for (let got = 0; got < MOST; got += PAGE) {
        const page = await readConversations({ 'filter[state]': 'bot,queued,open,pending', sort: '-updated_at', limit: PAGE, cursor }, signal);
        desk.put(page.items);
        if (!page.next) return true;
        cursor = page.next;
      }
      return false;
    },
  });
  return read.data === true;
}

export function useCounts(): ActiveCounts {
  const { session } = useSession();
  const complete = useActive();
  const known = useDesk((state) => state.conversations);
  const told = useDesk((state) => state.counts);
  return useMemo(() => {
    const counts = { mine: 0, queued: 0, bot: 0, load: 0 };
    for (const { state, assignee } of known.values()) {
      if (state === 'bot') counts.bot++;
      else if (state === 'queued') counts.queued++;
      else if (state !== 'resolved' && assignee?.id === session.user.id) {
        counts.mine++;
        if (state === 'open') counts.load++;
      }
    }
    if (complete) return counts;
    return { ...counts, mine: Math.max(counts.mine, told.mine), queued: Math.max(counts.queued, told.queued), bot: Math.max(counts.bot, told.bot) };
  }, [known, complete, told, session.user.id]);
}
