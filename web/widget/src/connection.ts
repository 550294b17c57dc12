// The socket: says hello, resumes after the last seq, sends again what was not acknowledged, notices silence, and comes back by itself.
// Nothing that the visitor sent is lost: it stays in the outbox until its ack, and its cid makes a second sending harmless.
import { change, firstSeq, lastSeq, merge, state } from './state';
import { keep, kept } from './keep';
import { locale, say } from './text';
import type { Attachment, Identity, Incoming, Outgoing } from './wire';

const PING_EVERY = 20000, SILENCE = 40000, TYPING_ENDS = 6000;
let base = '', inbox = '';
let socket: WebSocket | null = null;
let wanted = false, greeted = false, refused = false;
let delay = 500, heard = 0;
let retry = 0, pinger = 0, typingEnd = 0, typingSaid = 0;
let identity: Identity | undefined;
let onNews: () => void = () => {};

export function connectionSetup(address: string, key: string, who: Identity | undefined, news: () => void) {
  base = address;
  inbox = key;
  identity = who;
  onNews = news;
  addEventListener('online', () => wanted && !greeted && connect());
  addEventListener('offline', () => socket?.close());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wanted && !greeted && connect());
}
export const newId = () =>
  crypto.randomUUID ? crypto.randomUUID()
    : '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (c) => (+c ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+c / 4)))).toString(16));

export function connect() {
  wanted = true;
  if (refused || (socket && socket.readyState < 2 && Date.now() - heard < SILENCE)) return;
  clearTimeout(retry);
  socket?.close();
  heard = Date.now();
  greeted = false;
  const s = new WebSocket(`${base.replace(/^http/, 'ws')}/ws/widget?inbox=${encodeURIComponent(inbox)}`);
  socket = s;
  s.onopen = () => {
    const conv = state.now.conversation?.id;
    s.send(JSON.stringify({
      t: 'hello', token: kept().token, identity, locale: locale(), page: { url: location.href.slice(0, 1000), title: document.title.slice(0, 200) },
      ...(conv && state.now.messages.length ? { conv, seq: lastSeq(state.now.messages, conv) } : {}),
    }));
  };
  s.onmessage = (e) => {
    if (socket !== s) return;
    heard = Date.now();
    receive(JSON.parse(e.data as string) as Incoming);
  };
  s.onclose = (e) => {
    if (socket !== s) return;
    socket = null;
    greeted = false;
    clearInterval(pinger);
    change({ online: false, typing: null });
    if (e.code === 4003 || e.code === 4001) {
      refused = e.code === 4003;
      if (refused) change({ problem: say('refused') });
      else keep({ token: undefined });
    }
    if (!wanted || refused) return;
    retry = window.setTimeout(connect, delay * (0.5 + Math.random()));
    delay = Math.min(delay * 2, 15000);
  };
  clearInterval(pinger);
  pinger = window.setInterval(() => {
    if (Date.now() - heard > SILENCE) return s.close(), s.onclose?.(new CloseEvent('close'));
    if (greeted) s.send('{"t":"ping"}');
  }, PING_EVERY);
}
export function disconnect() {
  wanted = false;
  socket?.close();
}

function receive(f: Incoming) {
  const now = state.now;
  switch (f.t) {
    case 'welcome': {
      greeted = true;
      delay = 500;
      keep({ token: f.token, color: f.inbox.color });
      const other = now.conversation && f.conversation && f.conversation.id !== now.conversation.id;
      const messages = merge(other ? [] : now.messages, f.messages);
      change({
        online: true, everOnline: true, inbox: f.inbox, conversation: f.conversation, messages, problem: null,
        more: now.messages.length && !other ? now.more : f.more, queue: f.conversation?.state === 'queued' ? now.queue : null,
      });
      settle();
      // More than one answer's worth was missed: ask for the rest.
      if (f.more && now.messages.length && !other) askAfter();
      for (const m of kept().outbox) socket?.send(JSON.stringify(m));
      news(f.messages.length > 0 && now.everOnline);
      break;
    }
    case 'ack': {
      keep({ outbox: kept().outbox.filter((m) => m.cid !== f.cid) });
      if (!state.now.conversation || state.now.conversation.id !== f.conv)
        change({ conversation: { id: f.conv, state: 'bot', last_seq: f.seq } });
      settle();
      break;
    }
    case 'error': {
      if (!f.cid) {
        change({ problem: f.title });
        break;
      }
      keep({ outbox: kept().outbox.filter((m) => m.cid !== f.cid) });
      change({ pending: now.pending.map((p) => (p.cid === f.cid ? { ...p, failed: f.title } : p)) });
      break;
    }
    case 'msg': {
      const m = f.m;
      const known = lastSeq(now.messages, m.conv);
      if (known && m.seq > known + 1) askAfter();
      const typing = m.author?.kind === 'bot' || m.author?.kind === 'agent' ? null : now.typing;
      change({ messages: merge(now.messages, [m]), typing });
      settle();
      if (m.author && m.author.kind !== 'visitor' && m.kind !== 'activity' && m.kind !== 'hidden') news(true);
      break;
    }
    case 'typing':
      clearTimeout(typingEnd);
      change({ typing: f.on ? { kind: f.by.kind, name: f.by.name } : null });
      if (f.on) typingEnd = window.setTimeout(() => change({ typing: null }), TYPING_ENDS);
      break;
    case 'read':
      if (now.conversation) change({ conversation: { ...now.conversation, agent_read: Math.max(f.seq, now.conversation.agent_read || 0) } });
      break;
    case 'conv':
      change({ conversation: { ...now.conversation, ...f.conversation }, queue: f.conversation.state === 'queued' ? now.queue : null });
      break;
    case 'queue':
      change({ queue: { position: f.position, wait_s: f.wait_s } });
      break;
    case 'history': {
      const conv = f.messages[0]?.conv;
      const before = f.messages.length > 0 && f.messages[0]!.seq < firstSeq(now.messages, conv);
      change({ messages: merge(now.messages, f.messages), ...(before || !f.messages.length ? { more: f.more } : {}) });
      if (!before && f.more) askAfter();
      settle();
      break;
    }
  }
}
function askAfter() {
  const conv = state.now.conversation?.id;
  socket?.send(JSON.stringify({ t: 'history', after: lastSeq(state.now.messages, conv), limit: 100 }));
}
// What has come back as a message is no longer pending.
function settle() {
  const have = new Set(state.now.messages.map((m) => m.cid));
  const pending = state.now.pending.filter((p) => !have.has(p.cid));
  if (pending.length !== state.now.pending.length) change({ pending });
}
function news(really: boolean) {
  if (!really) return;
  if (state.now.open && document.visibilityState === 'visible') return markRead();
  change({ unread: state.now.unread + 1 });
  onNews();
}

function deliver(frame: Outgoing) {
  keep({ outbox: [...kept().outbox, frame].slice(-200) });
  if (greeted) socket?.send(JSON.stringify(frame));
  else connect();
}
export function sendText(text: string, files?: Attachment[]) {
  const cid = newId();
  change({ pending: [...state.now.pending, { cid, text, files, at: Date.now() }], problem: null });
  typingSaid = 0;
  deliver({ t: 'send', cid, ...(text ? { text } : {}), ...(files?.length ? { attachments: files.map((a) => a.id) } : {}) });
}
export function sendOption(id: string, text: string) {
  const cid = newId();
  change({ pending: [...state.now.pending, { cid, text, option: id, at: Date.now() }] });
  deliver({ t: 'send', cid, text, option: id });
}
export function sendAgain(cid: string) {
  const p = state.now.pending.find((one) => one.cid === cid);
  if (!p) return;
  change({ pending: state.now.pending.map((one) => (one.cid === cid ? { ...one, failed: undefined } : one)) });
  deliver({ t: 'send', cid, text: p.text, ...(p.option ? { option: p.option } : {}), ...(p.files?.length ? { attachments: p.files.map((a) => a.id) } : {}) });
}
export const askPerson = () => deliver({ t: 'handoff', cid: newId() });
export const rate = (score: number, comment?: string) => deliver({ t: 'rate', cid: newId(), score, ...(comment ? { comment } : {}) });
export function sayTyping(on: boolean) {
  const at = Date.now();
  if (!greeted || !state.now.conversation || (on && at - typingSaid < 2000) || (!on && !typingSaid)) return;
  typingSaid = on ? at : 0;
  socket?.send(JSON.stringify({ t: 'typing', on }));
}
export function markRead() {
  const c = state.now.conversation;
  const seq = lastSeq(state.now.messages, c?.id);
  if (state.now.unread) change({ unread: 0 });
  if (!c || !greeted || seq <= (c.visitor_read || 0)) return;
  change({ conversation: { ...c, visitor_read: seq } });
  socket?.send(JSON.stringify({ t: 'read', seq }));
}
export function loadOlder() {
  const first = firstSeq(state.now.messages, state.now.conversation?.id);
  if (greeted && Number.isFinite(first) && first > 1) socket?.send(JSON.stringify({ t: 'history', before: first, limit: 50 }));
}
export function identify(who: Identity) {
  identity = who;
  if (wanted && socket) {
    const s = socket;
    socket = null;
    s.close();
    change({ online: false });
    connect();
  }
}
export const fileUrl = (a: Attachment) => (a.url.startsWith('/') ? base + a.url : a.url);
export const pageUrl = (path: string) => (path.startsWith('/') ? base + path : path);

export function upload(file: File, progress: (share: number) => void): Promise<Attachment> {
  return new Promise((done, refuse) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${base}/api/v1/widget/uploads`);
    request.setRequestHeader('Authorization', `Visitor ${kept().token || ''}`);
    request.setRequestHeader('Accept-Language', locale());
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onload = () => {
      let body: (Attachment & { title?: string }) | undefined;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        body = undefined;
      }
      if (request.status < 300 && body?.id) done(body);
      else refuse(new Error(body?.title || say('upload_failed')));
    };
    request.onerror = () => refuse(new Error(say('upload_failed')));
    const form = new FormData();
    form.append('file', file);
    request.send(form);
  });
}
