// What the pages show, in one object that is replaced on every change; the panel draws it anew.
import type { Attachment, Conversation, Inbox, Message } from './wire';

export type Pending = { cid: string; text?: string; files?: Attachment[]; option?: string; at: number; failed?: string };
export type State = {
  open: boolean;
  online: boolean; // the socket is up and greeted
  everOnline: boolean;
  inbox: Inbox | null;
  conversation: Conversation | null;
  messages: Message[]; // by event, all conversations that are loaded
  more: boolean;
  pending: Pending[]; // sent, not yet acknowledged, in order
  typing: { name?: string; kind: 'bot' | 'agent' } | null;
  queue: { position: number; wait_s: number | null } | null;
  unread: number;
  problem: string | null; // refused or broken, as a sentence
};

export const state: { now: State } = {
  now: {
    open: false, online: false, everOnline: false, inbox: null, conversation: null, messages: [], more: false, pending: [], typing: null,
    queue: null, unread: 0, problem: null,
  },
};

const watchers = new Set<() => void>();
export function change(part: Partial<State>) {
  state.now = { ...state.now, ...part };
  for (const w of watchers) w();
}
export function watch(w: () => void) {
  watchers.add(w);
  return () => watchers.delete(w);
}

// Adds messages where they belong, once each; hidden ones keep their place in seq but are not shown.
export function merge(old: Message[], more: Message[]): Message[] {
  if (!more.length) return old;
  const known = new Map(old.map((m) => [m.conv + m.seq, m]));
  for (const m of more) known.set(m.conv + m.seq, m);
  return [...known.values()].sort((a, b) => a.event - b.event);
}
export const lastSeq = (messages: Message[], conv: string | undefined) => {
  let seq = 0;
  for (const m of messages) if (m.conv === conv && m.seq > seq) seq = m.seq;
  return seq;
};
export const firstSeq = (messages: Message[], conv: string | undefined) => {
  let seq = Infinity;
  for (const m of messages) if (m.conv === conv && m.seq < seq) seq = m.seq;
  return seq;
};
