// Everything live in one place: the conversations that this page knows, the transcripts that are open, colleagues, typing, viewers, and what
// waits to be sent. Pages read it with useDesk(selector). It holds the rules of resuming: after each (re)connect it says the last event and the
// last seq of every followed conversation, closes gaps with `history`, and sends what the outbox holds.
import { list } from '../http.ts';
import type { Conversation, Message, Presence, Ref } from '../types.ts';
import { Connection, type Link, type World } from './connection.ts';
import type { Counts, Incoming, Outgoing } from './frames.ts';
import { type Letter, letterFrame, Outbox, type Shelf } from './outbox.ts';
import { emptyTranscript, firstSeq, lastSeq, merge, missingAfter, type Transcript } from './transcript.ts';

export interface Typing {
  name: string;
  kind: string;
  text?: string;
}

export interface DeskState {
  link: Link;
  retryAt: number | null;
  event: number;
  presence: Presence;
  counts: Counts;
  conversations: ReadonlyMap<string, Conversation>;
  transcripts: ReadonlyMap<string, Transcript>;
  typing: ReadonlyMap<string, Typing>;
  viewers: ReadonlyMap<string, Ref[]>;
  colleagues: ReadonlyMap<string, Presence>;
  letters: readonly Letter[];
  resets: number; // grows when the lists must be read again
}

export interface DeskEvents {
  offer(conversation: Conversation): void;
  incoming(conversation: Conversation): void; // something new from a visitor in a conversation of mine
  signedOut(): void;
  refused(): void;
  problem(title: string): void;
}

const FOLLOWED_AT_ONCE = 8;
const PAGE = 100;
const TYPING_LASTS = 7_000;
const TYPING_EVERY = 3_000;

export class Desk {
  private state: DeskState;
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly listeners = new Set<() => void>();
  private readonly asked = new Map<string, number>(); // conversation → the seq after which history was asked for
  private readonly typingTimers = new Map<string, unknown>();
  private readonly sent = new Set<string>(); // cids on the way on this connection
  private followed: string[] = []; // the one looked at last stands last
  private viewing: string | null = null;
  private wanted: Presence | null = null;
  private typedAt = 0;
  private notifying = false;
  private welcomed = false;
  events: DeskEvents = { offer() {}, incoming() {}, signedOut() {}, refused() {}, problem() {} };

  constructor(
    private readonly me: string,
    private readonly world: World,
    shelf: Shelf,
    public locale: string,
  ) {
    this.outbox = new Outbox(shelf, me);
    this.state = {
      link: 'connecting',
      retryAt: null,
      event: 0,
      presence: 'offline',
      counts: { mine: 0, queued: 0, bot: 0, unassigned: 0 },
      conversations: new Map(),
      transcripts: new Map(),
      typing: new Map(),
      viewers: new Map(),
      colleagues: new Map(),
      letters: this.outbox.letters,
      resets: 0,
    };
    this.connection = new Connection(world, {
      hello: () => this.hello(),
      frame: (frame) => this.frame(frame),
      link: (link, retryAt) => this.set({ link, retryAt }),
      refused: (code) => (code === 4001 ? this.events.signedOut() : this.events.refused()),
    });
  }

  // For useSyncExternalStore.
  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  readonly get = () => this.state;

  start() {
    this.connection.start();
  }
  stop() {
    this.connection.stop();
  }
  wake() {
    this.connection.wake();
  }
  lost() {
    this.connection.lost();
  }

  // Opens a conversation: follows it, and tells the others who looks at it. Earlier ones stay followed for a while, so going back is instant.
  open(conv: string | null) {
    this.viewing = conv;
    this.say({ t: 'viewing', conv });
    if (!conv) return;
    if (this.followed.includes(conv)) {
      this.followed = [...this.followed.filter((other) => other !== conv), conv];
      return;
    }
    this.followed = [...this.followed, conv];
    this.follow(conv);
    while (this.followed.length > FOLLOWED_AT_ONCE) {
      const old = this.followed.shift()!;
      this.say({ t: 'unfollow', conv: old });
      this.asked.delete(old);
      this.set({ transcripts: without(this.state.transcripts, old), viewers: without(this.state.viewers, old) });
    }
  }

  older(conv: string) {
    const first = firstSeq(this.transcript(conv));
    if (first > 1) this.say({ t: 'history', conv, before: first, limit: PAGE });
  }

  send(letter: Omit<Letter, 'at' | 'state'>) {
    this.outbox.add({ ...letter, at: new Date(this.world.now()).toISOString(), state: 'waiting' });
    this.lettersChanged();
    this.deliver();
  }

  resend(cid: string) {
    this.outbox.again(cid);
    this.sent.delete(cid);
    this.lettersChanged();
    this.deliver();
  }

  discard(cid: string) {
    this.outbox.drop(cid);
    this.lettersChanged();
  }

  typing(conv: string, on: boolean) {
    const now = this.world.now();
    if (on && now - this.typedAt < TYPING_EVERY) return;
    if (!on && this.typedAt === 0) return;
    this.typedAt = on ? now : 0;
    this.say({ t: 'typing', conv, on });
  }

  read(conv: string, seq: number) {
    const known = this.state.conversations.get(conv);
    if (!this.connection.online || (known && (known.agent_read ?? 0) >= seq && !known.unread)) return;
    this.say({ t: 'read', conv, seq });
    if (known) this.put([{ ...known, agent_read: Math.max(seq, known.agent_read ?? 0), unread: 0 }], true);
  }

  setPresence(presence: Presence) {
    this.wanted = presence;
    this.set({ presence });
    this.say({ t: 'presence', state: presence });
  }

  // Conversations that REST answered with.
  put(conversations: Conversation[], force = false) {
    let next: Map<string, Conversation> | null = null;
    for (const conversation of conversations) {
      const known = (next ?? this.state.conversations).get(conversation.id);
      if (!force && known && (known.event ?? 0) > (conversation.event ?? 0)) continue;
      next ??= new Map(this.state.conversations);
      next.set(conversation.id, known ? { ...keepView(known), ...conversation } : conversation);
    }
    if (next) this.set({ conversations: next });
  }

  private transcript(conv: string): Transcript {
    return this.state.transcripts.get(conv) ?? emptyTranscript;
  }

  private hello(): Outgoing {
    this.sent.clear();
    this.asked.clear();
    const follow = this.followed
      .map((conv) => ({ conv, seq: lastSeq(this.transcript(conv)) }))
      .filter((followed) => followed.seq > 0);
    return {
      t: 'hello',
      locale: this.locale,
      ...(this.welcomed ? { event: this.state.event } : {}),
      ...(follow.length ? { follow } : {}),
    };
  }

  private frame(frame: Incoming) {
    switch (frame.t) {
      case 'welcome':
        return this.welcome(frame);
      case 'history':
        if (frame.conversation) this.put([frame.conversation]);
        this.answered(frame.conv, frame.messages);
        return this.receive(frame.conv, frame.messages);
      case 'msg':
        return this.receive(frame.m.conv, [frame.m]);
      case 'conv':
        return this.changed(frame);
      case 'typing':
        return this.typed(frame);
      case 'read':
        return this.seen(frame);
      case 'viewers':
        return this.set({ viewers: new Map(this.state.viewers).set(frame.conv, frame.users.filter((user) => user.id !== this.me)) });
      case 'presence':
        if (frame.user.id === this.me) {
          this.wanted = frame.state;
          this.set({ presence: frame.state });
        }
        return this.set({ colleagues: new Map(this.state.colleagues).set(frame.user.id, frame.state) });
      case 'offer':
        this.put([frame.conversation]);
        return this.events.offer(frame.conversation);
      case 'ack':
        return this.acknowledged(frame.cid, frame.conv, frame.seq);
      case 'error':
        return this.failed(frame);
      case 'pong':
        return;
    }
  }

  private welcome(frame: Incoming & { t: 'welcome' }) {
    // An older event than ours: the store was put back from a backup, so nothing that we hold can be trusted.
    const reset = frame.reset || (this.welcomed && frame.event < this.state.event);
    const first = !this.welcomed;
    this.welcomed = true;
    this.set({
      event: frame.event,
      counts: frame.counts,
      ...(reset ? { conversations: new Map(), resets: this.state.resets + 1 } : {}),
      ...(reset && !frame.reset ? { transcripts: new Map() } : {}),
      typing: new Map(),
    });
    this.put(frame.conversations);
    for (const conv of this.followed) if (lastSeq(this.transcript(conv)) === 0) this.follow(conv);
    // Presence lives in the server's memory: after a restart it is said again.
    if (!first && this.wanted && frame.me.presence !== this.wanted) this.say({ t: 'presence', state: this.wanted });
    else {
      this.wanted = frame.me.presence;
      this.set({ presence: frame.me.presence });
    }
    if (this.viewing) this.say({ t: 'viewing', conv: this.viewing });
    this.deliver();
    for (const conv of this.followed) this.close(conv);
  }

  private follow(conv: string) {
    const seq = lastSeq(this.transcript(conv));
    this.say({ t: 'follow', conv, ...(seq ? { seq } : {}) });
  }

  private receive(conv: string, messages: Message[]) {
    if (!this.followed.includes(conv)) return;
    const before = this.transcript(conv);
    const after = merge(before, messages);
    const cids = new Set(messages.flatMap((message) => (message.cid ? [message.cid] : [])));
    if (cids.size > 0 && this.outbox.arrived(cids)) this.lettersChanged();
    if (messages.some((message) => message.author?.kind === 'visitor')) this.endTyping(conv);
    this.set({ transcripts: new Map(this.state.transcripts).set(conv, after) });
    if (messages.length > 0) this.close(conv);
  }

  // The answer to a question of ours: newer messages, or none at all.
  private answered(conv: string, messages: Message[]) {
    const asked = this.asked.get(conv);
    const newest = messages[messages.length - 1];
    if (asked !== undefined && (!newest || newest.seq > asked)) this.asked.delete(conv);
  }

  // Asks for what is missing between our last message and the last one that the server has named.
  private close(conv: string) {
    const transcript = this.transcript(conv);
    if (transcript.messages.length === 0) return;
    const after = missingAfter(transcript, this.state.conversations.get(conv)?.last_seq ?? 0);
    if (after === null || this.asked.get(conv) === after) return;
    this.asked.set(conv, after);
    this.say({ t: 'history', conv, after, limit: PAGE });
  }

  private changed(frame: Incoming & { t: 'conv' }) {
    const known = this.state.conversations.get(frame.conversation.id);
    this.set({ event: Math.max(frame.event, this.state.event), ...(frame.counts ? { counts: frame.counts } : {}) });
    this.put([{ ...frame.conversation, event: frame.conversation.event ?? frame.event }]);
    if (this.followed.includes(frame.conversation.id)) this.close(frame.conversation.id);
    const now = frame.conversation;
    if (
      now.assignee?.id === this.me &&
      now.last_message?.author?.kind === 'visitor' &&
      now.last_message.kind !== 'activity' &&
      now.last_seq > (known?.last_seq ?? now.last_seq)
    )
      this.events.incoming(now);
  }

  private typed(frame: Incoming & { t: 'typing' }) {
    if (frame.by.id === this.me) return;
    if (!frame.on) return this.endTyping(frame.conv);
    this.world.cancel(this.typingTimers.get(frame.conv));
    this.typingTimers.set(frame.conv, this.world.later(() => this.endTyping(frame.conv), TYPING_LASTS));
    const typing: Typing = { name: frame.by.name ?? '', kind: frame.by.kind, ...(frame.text ? { text: frame.text } : {}) };
    this.set({ typing: new Map(this.state.typing).set(frame.conv, typing) });
  }

  private endTyping(conv: string) {
    this.world.cancel(this.typingTimers.get(conv));
    this.typingTimers.delete(conv);
    if (this.state.typing.has(conv)) this.set({ typing: without(this.state.typing, conv) });
  }

  private seen(frame: Incoming & { t: 'read' }) {
    const known = this.state.conversations.get(frame.conv);
    if (!known) return;
    const next =
      frame.by === 'visitor'
        ? { ...known, visitor_read: Math.max(known.visitor_read ?? 0, frame.seq) }
        : { ...known, agent_read: Math.max(known.agent_read ?? 0, frame.seq), unread: frame.seq >= known.last_seq ? 0 : known.unread };
    this.put([next], true);
  }

  private acknowledged(cid: string, conv: string, seq: number) {
    this.outbox.acknowledge(cid, seq);
    const there = this.transcript(conv).messages.some((message) => message.cid === cid || message.seq === seq);
    if (there || !this.followed.includes(conv)) this.outbox.drop(cid);
    this.lettersChanged();
  }

  private failed(frame: Incoming & { t: 'error' }) {
    if (!frame.cid) return this.events.problem(frame.title);
    const { cid } = frame;
    this.sent.delete(cid);
    if (frame.retry_after) {
      this.world.later(() => this.deliver(), frame.retry_after * 1000);
      return;
    }
    this.outbox.fail(cid, frame.title);
    this.lettersChanged();
  }

  private deliver() {
    if (!this.connection.online) return;
    for (const letter of this.outbox.waiting()) {
      if (this.sent.has(letter.cid)) continue;
      if (!this.connection.send(letterFrame(letter))) return;
      this.sent.add(letter.cid);
    }
  }

  private say(frame: Outgoing) {
    this.connection.send(frame);
  }

  private lettersChanged() {
    this.set({ letters: this.outbox.letters });
  }

  private set(change: Partial<DeskState>) {
    this.state = { ...this.state, ...change };
    if (this.notifying) return;
    this.notifying = true;
    queueMicrotask(() => {
      this.notifying = false;
      for (const listener of this.listeners) listener();
    });
  }
}

// A frame may leave these out: a conversation that leaves one's sight is told without its last message.
function keepView(known: Conversation): Pick<Conversation, 'page' | 'last_message'> {
  return { page: known.page, last_message: known.last_message };
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): Map<K, V> {
  const next = new Map(map);
  next.delete(key);
  return next;
}

export const readConversations = (query: Record<string, string | number | undefined>, signal?: AbortSignal) =>
  list<Conversation>('/conversations', query, signal);
