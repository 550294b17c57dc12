// The launcher and the panel: header, transcript, what is going on (typing, queue, rating), composer.
import { Fragment } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { Composer } from './composer';
import { askPerson, connect, loadOlder, markRead, rate } from './connection';
import { Chat, Close, Cross, Person, Star } from './icons';
import { keep } from './keep';
import { Line, PendingLine, activityText } from './message';
import { Markdown } from './markdown';
import { change, state, watch } from './state';
import { day, locale, say } from './text';
import type { Message } from './wire';

export function setOpen(open: boolean) {
  keep({ open });
  change({ open });
  if (open) {
    connect();
    markRead();
  }
}

export function Widget({ launcher }: { launcher: boolean }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => { watch(() => redraw(0)); }, []);
  const { open, unread } = state.now;
  return (
    <>
      {open && <Panel />}
      {launcher && (
        <button type="button" class={`launcher ${open ? 'is-open' : ''}`} aria-expanded={open} onClick={() => setOpen(!open)}
          aria-label={open ? say('close') : unread ? say('open_unread', unread) : say('open')}>
          {open ? <Close /> : <Chat />}
          {!open && unread > 0 && <span class="badge" aria-hidden="true">{unread > 99 ? '99+' : unread}</span>}
        </button>
      )}
    </>
  );
}

function Panel() {
  const s = state.now;
  const c = s.conversation;
  const box = useRef<HTMLElement>(null);
  const status = c?.state === 'open' && c.assignee ? say('with_agent', c.assignee.name) : s.inbox ? say(s.inbox.online ? 'online' : 'offline') : '';
  const person = s.inbox && (!c || c.state === 'bot');
  return (
    <section class="panel" ref={box} role="dialog" aria-label={s.inbox?.name || say('chat')} onKeyDown={(e) => e.key === 'Escape' && setOpen(false)}>
      <header>
        <div class="mark" aria-hidden="true">{(s.inbox?.name || '·').slice(0, 1)}<i class={s.inbox?.online ? 'on' : ''} /></div>
        <div class="title"><h2>{s.inbox?.name || say('chat')}</h2><p>{status}</p></div>
        {person && <button type="button" class="person" onClick={askPerson}><Person /><span>{say('person')}</span></button>}
        <button type="button" class="icon" aria-label={say('close')} onClick={() => setOpen(false)}><Cross /></button>
      </header>
      {!s.online && !s.problem && <div class="banner" role="status">{say(s.everOnline ? 'reconnecting' : 'connecting')}</div>}
      {s.problem && <div class="banner bad" role="alert">{s.problem}<button type="button" class="icon" aria-label={say('dismiss')} onClick={() => change({ problem: null })}><Cross /></button></div>}
      <Transcript />
      <Composer focus={s.online} />
    </section>
  );
}

function Transcript() {
  const s = state.now;
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const height = useRef(0);
  const shown = s.messages.filter((m) => m.kind !== 'hidden' && (m.kind !== 'activity' || activityText(m)));
  const newest = (shown[shown.length - 1]?.event || 0) + s.pending.length * 1e12;
  const oldest = shown[0]?.event;
  useLayoutEffect(() => {
    const l = list.current!;
    if (atEnd.current) l.scrollTop = l.scrollHeight;
  }, [newest, s.typing, s.queue, s.conversation?.state]);
  useLayoutEffect(() => {
    const l = list.current!;
    if (!atEnd.current) l.scrollTop += l.scrollHeight - height.current; // older ones came in above
    height.current = l.scrollHeight;
  }, [oldest]);
  useEffect(() => {
    if (s.open && s.online && document.visibilityState === 'visible') markRead();
  }, [newest, s.online]);
  const greeting = s.inbox && (locale() === 'zh-CN' ? s.inbox.greeting.zh_CN : s.inbox.greeting.en_US);
  const lastMine = [...shown].reverse().find((m) => m.author?.kind === 'visitor');
  const lastOptions = [...shown].reverse().find((m) => m.author?.kind !== 'system');
  const c = s.conversation;
  return (
    <div class="transcript" ref={list} role="log" aria-label={say('messages')} tabIndex={0}
      onScroll={(e) => {
        const l = e.currentTarget;
        atEnd.current = l.scrollHeight - l.scrollTop - l.clientHeight < 60;
        height.current = l.scrollHeight;
        if (l.scrollTop < 40 && s.more) loadOlder();
      }}>
      {s.more && <button type="button" class="older" onClick={loadOlder}>{say('older')}</button>}
      {greeting && !s.more && <div class="line theirs first"><div class="bubble last"><Markdown text={greeting} /></div></div>}
      {shown.map((m, i) => {
        const before = shown[i - 1], after = shown[i + 1];
        return (
          <Fragment key={m.conv + m.seq}>
            {(!before || day(before.at) !== day(m.at)) && <div class="day"><span>{day(m.at)}</span></div>}
            {m.kind === 'activity' ? <div class="activity">{activityText(m)}</div> : (
              <Line m={m} first={!together(before, m)} last={!together(m, after)} options={m === lastOptions && c?.state === 'bot'}
                seen={m === lastMine && !s.pending.length ? say((c?.agent_read || 0) >= m.seq && c?.id === m.conv ? 'read' : 'sent') : undefined} />
            )}
          </Fragment>
        );
      })}
      {s.pending.map((p) => <PendingLine key={p.cid} p={p} />)}
      {s.typing && (
        <div class="line theirs first"><div class="bubble typing" role="status" aria-label={s.typing.kind === 'bot' ? say('typing_bot') : say('typing_agent', s.typing.name || say('someone'))}><i /><i /><i /></div></div>
      )}
      {c?.state === 'queued' && <Queue />}
      {c?.state === 'resolved' && !c.rating && <Rating key={c.id} />}
    </div>
  );
}
const together = (a: Message | undefined, b: Message | undefined) =>
  !!a && !!b && a.kind !== 'activity' && b.kind !== 'activity' && a.author.kind === b.author.kind && a.author.id === b.author.id &&
  day(a.at) === day(b.at) && Date.parse(b.at) - Date.parse(a.at) < 3 * 60e3;

function Queue() {
  const q = state.now.queue;
  if (!q) return null;
  return (
    <div class="card queue" role="status">
      <b>{say('queue_position', q.position)}</b>
      <span>{q.wait_s === null ? say('queue_nobody') : q.wait_s < 60 ? say('queue_wait_soon') : say('queue_wait', Math.ceil(q.wait_s / 60))}</span>
    </div>
  );
}
function Rating() {
  const [score, setScore] = useState(0);
  const [comment, setComment] = useState('');
  const [done, setDone] = useState(false);
  if (done) return null;
  return (
    <form class="card rating" onSubmit={(e) => { e.preventDefault(); if (score) { rate(score, comment.trim()); setDone(true); } }}>
      <b id="yd-rate">{say('rate_title')}</b>
      <div class="stars" role="radiogroup" aria-labelledby="yd-rate">
        {[1, 2, 3, 4, 5].map((n) => (
          <button type="button" role="radio" aria-checked={score === n} aria-label={say('rate_stars', n)} class={n <= score ? 'full' : ''} onClick={() => setScore(n)}><Star full={n <= score} /></button>
        ))}
      </div>
      {score > 0 && <textarea rows={2} maxLength={500} value={comment} placeholder={say('rate_comment')} aria-label={say('rate_comment')} onInput={(e) => setComment(e.currentTarget.value)} />}
      {score > 0 && <button type="submit" class="main">{say('rate_send')}</button>}
    </form>
  );
}
