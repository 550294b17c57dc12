// What was said, virtualised. The index of a row is the message's seq, so older ones can be put in front without a jump; letters that wait in
// the outbox follow at the end.
import { Button, Skeleton } from 'antd';
import { ArrowDown } from 'lucide-react';
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Virtuoso, type VirtuosoHandle } from 'react-virtuoso';
import { lastSeq } from '@/api/live/transcript';
import type { Letter } from '@/api/live/outbox';
import type { Conversation, Message } from '@/api/types';
import { useCodeName } from '@/app/codes';
import { dayKey, relativeDay } from '@/app/format';
import { lazily } from '@/app/lazily';
import { useDesk, useSession } from '@/app/session';
import { activityText } from './activity';
import { MessageRow, PendingRow } from './MessageRow';

const TraceDrawer = lazily(() => import('./TraceDrawer'), true);
const GROUP_GAP = 4 * 60_000;
const none: readonly Letter[] = [];

type Item = { message: Message; letter?: undefined } | { letter: Letter; message?: undefined };

const sideOf = (message: Message | undefined) =>
  !message || message.kind === 'activity' ? '' : `${message.kind === 'note' ? 'note' : ''}${message.author?.kind ?? ''}${message.author?.id ?? ''}`;

export function Transcript({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation();
  const { desk, session } = useSession();
  const { id } = conversation;
  const mine = conversation.assignee?.id === session.user.id;
  const transcript = useDesk((state) => state.transcripts.get(id));
  const allLetters = useDesk((state) => state.letters);
  const typing = useDesk((state) => state.typing.get(id));
  const codeName = useCodeName();
  const list = useRef<VirtuosoHandle>(null);
  const [bottom, setBottom] = useState(true);
  const [seenAtBottom, setSeenAtBottom] = useState(0);
  const [trace, setTrace] = useState<number | null>(null);
  // Where the unread ones began when the conversation was opened.
  const [unreadFrom] = useState(() => (conversation.unread ? (conversation.agent_read ?? 0) + 1 : 0));

  const letters = useMemo(() => {
    const own = allLetters.filter((letter) => letter.conv === id);
    return own.length ? own : none;
  }, [allLetters, id]);
  const messages = transcript?.messages;
  const items = useMemo<Item[]>(() => [...(messages ?? []).map((message) => ({ message })), ...letters.map((letter) => ({ letter }))], [messages, letters]);
  const last = transcript ? lastSeq(transcript) : 0;
  const unseen = bottom ? 0 : Math.max(0, last - seenAtBottom);

  // Read means: it is on the screen, at the end, and the page is looked at.
  useEffect(() => {
    const mark = () => {
      if (!bottom || last === 0 || document.visibilityState !== 'visible' || !document.hasFocus()) return;
      setSeenAtBottom(last);
      // The customer is told that "the agent" has read: that is the one who serves them, not a colleague who looks in.
      if (mine) desk.read(id, last);
    };
    mark();
    window.addEventListener('focus', mark);
    document.addEventListener('visibilitychange', mark);
    return () => {
      window.removeEventListener('focus', mark);
      document.removeEventListener('visibilitychange', mark);
    };
  }, [desk, id, last, bottom, mine]);

  useEffect(() => {
    if (letters.length > 0) list.current?.scrollToIndex({ index: 'LAST', align: 'end' });
  }, [letters.length]);

  const openTrace = useCallback((seq: number) => setTrace(seq), []);
  if (!messages || items.length === 0)
    return <div className="transcript">{conversation.last_seq > 0 && <Skeleton className="pane-wait" active paragraph={{ rows: 5 }} />}</div>;
  const first = messages[0]?.seq ?? 1;
  return (
    <div className="transcript">
      <Virtuoso
        ref={list}
        data={items}
        firstItemIndex={first}
        initialTopMostItemIndex={{ index: items.length - 1, align: 'end' }}
        alignToBottom
        atBottomThreshold={80}
        atBottomStateChange={setBottom}
        followOutput={(atBottom) => (atBottom ? 'auto' : false)}
        startReached={() => first > 1 && desk.older(id)}
        increaseViewportBy={{ top: 600, bottom: 200 }}
        computeItemKey={(_, item) => (item.message ? (item.message.cid ?? item.message.seq) : item.letter.cid)}
        components={{ Footer: () => <div className="transcript-foot" /> }}
        itemContent={(_, item) => {
          if (item.letter) return <PendingRow letter={item.letter} />;
          const { message } = item;
          const before = messages[message.seq - first - 1];
          const after = messages[message.seq - first + 1];
          const newDay = !before || dayKey(before.at) !== dayKey(message.at);
          const together = (a: Message | undefined, b: Message) =>
            !!a && sideOf(a) !== '' && sideOf(a) === sideOf(b) && Math.abs(Date.parse(b.at) - Date.parse(a.at)) < GROUP_GAP && dayKey(a.at) === dayKey(b.at);
          return (
            <>
              {newDay && <div className="day" role="separator"><span>{relativeDay(message.at)}</span></div>}
              {unreadFrom > 0 && message.seq === unreadFrom && <div className="day day-unread" role="separator"><span>{t('transcript.unread')}</span></div>}
              {message.kind === 'activity' ? (
                <div className="activity"><span>{activityText(t, message, codeName)}</span></div>
              ) : (
                <MessageRow
                  message={message}
                  me={session.user.id}
                  head={!together(before, message)}
                  tail={!together(after, message)}
                  read={message.seq <= (conversation.visitor_read ?? 0)}
                  trace={openTrace}
                />
              )}
            </>
          );
        }}
      />
      <div className="typing" aria-live="polite">
        {typing && (
          <span>
            <i className="dots" aria-hidden="true"><b /><b /><b /></i>
            {typing.text ? <q>{typing.text}</q> : t('transcript.typing', { name: typing.name || conversation.contact.name || t('contact.nameless') })}
          </span>
        )}
      </div>
      {!bottom && (
        <Button className="to-end" shape="round" icon={<ArrowDown size={16} />} onClick={() => list.current?.scrollToIndex({ index: 'LAST', align: 'end' })}>
          {unseen > 0 ? t('transcript.newer', { count: unseen }) : t('transcript.toEnd')}
        </Button>
      )}
      <Suspense fallback={null}>{trace !== null && <TraceDrawer conversation={id} seq={trace} close={() => setTrace(null)} />}</Suspense>
    </div>
  );
}
