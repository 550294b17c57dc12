// The shapes of docs/protocol.md as the widget's side of the socket sees them.
export type Author = { kind: 'visitor' | 'agent' | 'bot' | 'system'; id?: string; name?: string };
export type Attachment = { id: string; name: string; type: string; size: number; width?: number; height?: number; url: string };
export type Message = {
  conv: string;
  seq: number;
  event: number;
  cid?: string;
  kind: 'text' | 'image' | 'file' | 'activity' | 'hidden';
  at: string;
  author: Author;
  text?: string;
  attachments?: Attachment[];
  sources?: { kind: 'faq' | 'article'; id: string; title: string; url?: string }[];
  options?: { id: string; text: string }[];
  activity?: { name: string; reason?: string; to?: string; to_name?: string; score?: number };
};
export type Conversation = {
  id: string;
  state: 'bot' | 'queued' | 'open' | 'pending' | 'resolved';
  assignee?: { id: string; name: string } | null;
  last_seq: number;
  visitor_read?: number;
  agent_read?: number;
  rating?: { score: number; comment?: string } | null;
};
export type Inbox = { name: string; color: string; greeting: { zh_CN: string; en_US: string }; online: boolean };
export type Identity = { id: string; name?: string; email?: string; phone?: string; hash: string };

export type Incoming =
  | { t: 'welcome'; token: string; contact: { id: string; name: string; verified: boolean }; inbox: Inbox;
      conversation: Conversation | null; messages: Message[]; more: boolean; at: string }
  | { t: 'ack'; cid: string; conv: string; seq: number; at: string }
  | { t: 'error'; cid?: string; code: string; title: string; detail?: string; retry_after?: number }
  | { t: 'msg'; m: Message }
  | { t: 'typing'; by: { kind: 'bot' | 'agent'; name?: string }; on: boolean }
  | { t: 'read'; seq: number; by: 'agent' }
  | { t: 'conv'; conversation: Conversation }
  | { t: 'queue'; position: number; wait_s: number | null }
  | { t: 'history'; messages: Message[]; more: boolean }
  | { t: 'pong'; at: string };

export type Outgoing =
  | { t: 'send'; cid: string; text?: string; attachments?: string[]; option?: string }
  | { t: 'handoff'; cid: string }
  | { t: 'rate'; cid: string; score: number; comment?: string };
