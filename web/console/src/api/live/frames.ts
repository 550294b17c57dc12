// The frames of /ws/console (docs/protocol.md).
import type { Conversation, Message, Presence, Ref } from '../types.ts';

export interface Counts {
  mine: number;
  queued: number;
  bot: number;
  unassigned: number;
}

export type Outgoing =
  | { t: 'hello'; event?: number; follow?: { conv: string; seq: number }[]; locale?: string }
  | { t: 'follow'; conv: string; seq?: number }
  | { t: 'unfollow'; conv: string }
  | { t: 'send'; conv: string; cid: string; kind: 'text' | 'note'; text?: string; attachments?: string[]; used?: string[] }
  | { t: 'typing'; conv: string; on: boolean }
  | { t: 'read'; conv: string; seq: number }
  | { t: 'viewing'; conv: string | null }
  | { t: 'presence'; state: Presence }
  | { t: 'history'; conv: string; before?: number; after?: number; limit?: number }
  | { t: 'ping' };

export type Incoming =
  | {
      t: 'welcome';
      event: number;
      me: { id: string; name: string; presence: Presence; permissions: string[] };
      conversations: Conversation[];
      reset: boolean;
      counts: Counts;
      at: string;
    }
  | { t: 'history'; conv: string; messages: Message[]; more: boolean; conversation?: Conversation }
  | { t: 'msg'; m: Message }
  | { t: 'conv'; event: number; conversation: Conversation; counts?: Counts }
  | { t: 'typing'; conv: string; by: { kind: string; id?: string; name?: string }; on: boolean; text?: string }
  | { t: 'read'; conv: string; seq: number; by: 'visitor' | 'agent' }
  | { t: 'viewers'; conv: string; users: Ref[] }
  | { t: 'presence'; user: Ref; state: Presence }
  | { t: 'offer'; conversation: Conversation }
  | { t: 'ack'; cid: string; conv: string; seq: number; at: string }
  | { t: 'error'; cid?: string; code: string; title: string; detail?: string; retry_after?: number; conv?: string }
  | { t: 'pong'; at?: string };
