// Resuming, the outbox and the transcript against a world whose clock and sockets are ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation, Message } from '../types.ts';
import { delayOf, type SocketLike, type World } from './connection.ts';
import { Desk } from './desk.ts';
import type { Incoming, Outgoing } from './frames.ts';
import { Outbox, type Shelf } from './outbox.ts';
import { emptyTranscript, lastSeq, merge, missingAfter } from './transcript.ts';

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  conv: 'cv_1', seq, kind: 'text', at: '2026-03-01T08:00:00.000000Z', text: `${seq}`, author: { kind: 'visitor', id: 'ct_1' }, ...more,
});
const messages = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const conversation = (last: number, event: number): Conversation => ({
  id: 'cv_1', inbox: { id: 'ib_1', name: 'Shop' }, state: 'open', contact: { id: 'ct_1', name: 'Li', verified: false }, visitor_read: 0, agent_read: 0, language: 'zh', unread: 0, last_seq: last, event,
  created_at: '2026-03-01T08:00:00Z', updated_at: '2026-03-01T08:00:00Z',
});

function shelf(): Shelf {
  const kept = new Map<string, string>();
  return {
    get length() { return kept.size; },
    key: (index) => [...kept.keys()][index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

class Socket implements SocketLike {
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  said: Outgoing[] = [];
  send(text: string) { this.said.push(JSON.parse(text) as Outgoing); }
  close() {}
  hear(frame: Incoming) { this.onmessage?.({ data: JSON.stringify(frame) }); }
  drop(code = 1006) { this.onclose?.({ code }); }
}

class Clock implements World {
  time = 0;
  sockets: Socket[] = [];
  private timers: { at: number; fn: () => void }[] = [];
  open = () => { const socket = new Socket(); this.sockets.push(socket); return socket; };
  random = () => 0.5;
  now = () => this.time;
  later = (fn: () => void, ms: number) => { const timer = { at: this.time + ms, fn }; this.timers.push(timer); return timer; };
  cancel = (timer: unknown) => { this.timers = this.timers.filter((other) => other !== timer); };
  pass(ms: number) {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      this.cancel(next);
      next.fn();
    }
    this.time = end;
  }
  get socket() { return this.sockets[this.sockets.length - 1]!; }
}

const welcome = (event: number, more: Partial<Incoming & { t: 'welcome' }> = {}): Incoming => ({
  t: 'welcome', event, reset: false, conversations: [], counts: { mine: 0, queued: 0, bot: 0, unassigned: 0 }, at: '',
  me: { id: 'us_1', name: 'Wang', presence: 'offline', permissions: [] }, ...more,
});

function start() {
  const clock = new Clock();
  const kept = shelf();
  const desk = new Desk('us_1', clock, kept, 'zh-CN');
  desk.start();
  clock.socket.onopen?.();
  clock.socket.hear(welcome(10));
  return { clock, kept, desk };
}
const said = (socket: Socket, t: Outgoing['t']) => socket.said.filter((frame) => frame.t === t);

test('messages that come in order stand in order, once', () => {
  let t = merge(emptyTranscript, messages(5, 8));
  t = merge(t, [message(9)]);
  t = merge(t, [message(9), message(8)]);
  assert.deepEqual(t.messages.map((m) => m.seq), [5, 6, 7, 8, 9]);
});

test('a message above a gap is held until the gap is filled', () => {
  let t = merge(merge(emptyTranscript, messages(1, 3)), [message(6)]);
  assert.equal(lastSeq(t), 3);
  assert.equal(missingAfter(t, 6), 3);
  t = merge(t, messages(4, 5));
  assert.equal(lastSeq(t), 6);
  assert.equal(missingAfter(t, 6), null);
});

test('older messages are put in front', () => {
  const t = merge(merge(emptyTranscript, messages(51, 60)), messages(1, 50));
  assert.equal(t.messages.length, 60);
  assert.equal(t.messages[0]!.seq, 1);
});

test('the delay doubles from half a second to fifteen', () => {
  assert.deepEqual([0, 1, 2, 5, 9].map((attempt) => delayOf(attempt, 0.5)), [500, 1000, 2000, 15_000, 15_000]);
  assert.ok(delayOf(0, 0) >= 250 && delayOf(9, 1) <= 20_000);
});

test('after a lost connection it says the last event and the last seq', () => {
  const { clock, desk } = start();
  desk.open('cv_1');
  clock.socket.hear({ t: 'history', conv: 'cv_1', messages: messages(1, 4), more: false, conversation: conversation(4, 11) });
  clock.socket.hear({ t: 'conv', event: 12, conversation: conversation(4, 12) });
  clock.socket.drop();
  assert.equal(desk.get().link, 'offline');
  clock.pass(600);
  clock.socket.onopen?.();
  assert.deepEqual(clock.socket.said[0], { t: 'hello', locale: 'zh-CN', event: 12, follow: [{ conv: 'cv_1', seq: 4 }] });
  clock.socket.hear(welcome(15, { conversations: [conversation(6, 15)] }));
  assert.deepEqual(said(clock.socket, 'viewing'), [{ t: 'viewing', conv: 'cv_1' }]);
  clock.socket.hear({ t: 'history', conv: 'cv_1', messages: messages(5, 6), more: false });
  assert.deepEqual(desk.get().transcripts.get('cv_1')!.messages.map((m) => m.seq), [1, 2, 3, 4, 5, 6]);
});

test('a gap is asked for once, and again when the page was not enough', () => {
  const { clock, desk } = start();
  desk.open('cv_1');
  clock.socket.hear({ t: 'history', conv: 'cv_1', messages: messages(1, 2), more: false });
  clock.socket.hear({ t: 'msg', m: message(150) });
  clock.socket.hear({ t: 'msg', m: message(151) });
  assert.deepEqual(said(clock.socket, 'history'), [{ t: 'history', conv: 'cv_1', after: 2, limit: 100 }]);
  clock.socket.hear({ t: 'history', conv: 'cv_1', messages: messages(3, 102), more: true });
  assert.equal(said(clock.socket, 'history').length, 2);
  clock.socket.hear({ t: 'history', conv: 'cv_1', messages: messages(103, 149), more: false });
  assert.equal(lastSeq(desk.get().transcripts.get('cv_1')!), 151);
});

test('what was written offline is sent after the welcome, in order, and leaves at the acknowledgement', () => {
  const { clock, kept, desk } = start();
  clock.socket.drop();
  desk.send({ cid: 'a', conv: 'cv_1', kind: 'text', text: 'one' });
  clock.time++;
  desk.send({ cid: 'b', conv: 'cv_1', kind: 'text', text: 'two' });
  assert.equal(kept.length, 2);
  clock.pass(600);
  clock.socket.onopen?.();
  assert.equal(said(clock.socket, 'send').length, 0);
  clock.socket.hear(welcome(10));
  assert.deepEqual(said(clock.socket, 'send').map((frame) => (frame as { cid: string }).cid), ['a', 'b']);
  clock.socket.hear({ t: 'ack', cid: 'a', conv: 'cv_1', seq: 1, at: '' });
  assert.equal(kept.length, 1);
  assert.deepEqual(desk.get().letters.map((letter) => letter.cid), ['b']);
});

test('a letter without an acknowledgement is sent again with its cid', () => {
  const { clock, desk } = start();
  desk.send({ cid: 'a', conv: 'cv_1', kind: 'text', text: 'one' });
  assert.equal(said(clock.socket, 'send').length, 1);
  clock.socket.drop(1012);
  clock.pass(600);
  clock.socket.onopen?.();
  clock.socket.hear(welcome(10));
  assert.equal((said(clock.socket, 'send')[0] as { cid: string }).cid, 'a');
});

test('letters outlive the page', () => {
  const kept = shelf();
  new Outbox(kept, 'us_1').add({ cid: 'a', conv: 'cv_1', kind: 'text', text: 'one', at: '1', state: 'waiting' });
  assert.equal(new Outbox(kept, 'us_1').waiting().length, 1);
  assert.equal(new Outbox(kept, 'us_2').waiting().length, 0);
});

test('a refused letter stays and says why; one that must wait is sent later', () => {
  const { clock, desk } = start();
  desk.send({ cid: 'a', conv: 'cv_1', kind: 'text', text: 'one' });
  clock.socket.hear({ t: 'error', cid: 'a', code: 'limit', title: 'slow', retry_after: 2 });
  clock.pass(2100);
  assert.equal(said(clock.socket, 'send').length, 2);
  clock.socket.hear({ t: 'error', cid: 'a', code: 'conversation.not_open', title: 'closed' });
  assert.equal(desk.get().letters[0]!.error, 'closed');
});

test('forty seconds of silence are a lost connection', () => {
  const { clock, desk } = start();
  clock.pass(20_000);
  assert.equal(said(clock.socket, 'ping').length, 1);
  clock.socket.hear({ t: 'pong' });
  clock.pass(39_000);
  assert.equal(desk.get().link, 'online');
  clock.pass(21_000);
  assert.equal(clock.sockets.length > 1 || desk.get().link === 'offline', true);
});

test('when the browser is online again it does not wait', () => {
  const { clock, desk } = start();
  for (let i = 0; i < 6; i++) { clock.socket.drop(); clock.pass(16_000); }
  clock.socket.drop();
  const before = clock.sockets.length;
  desk.wake();
  assert.equal(clock.sockets.length, before + 1);
});

test('an older event than ours means another store: the lists are read again', () => {
  const { clock, desk } = start();
  clock.socket.drop();
  clock.pass(600);
  clock.socket.onopen?.();
  clock.socket.hear(welcome(3));
  assert.equal(desk.get().resets, 1);
});

test('presence is said again after a restart of the server', () => {
  const { clock, desk } = start();
  desk.setPresence('online');
  clock.socket.drop(1012);
  clock.pass(600);
  clock.socket.onopen?.();
  clock.socket.hear(welcome(10));
  assert.deepEqual(said(clock.socket, 'presence'), [{ t: 'presence', state: 'online' }]);
});
