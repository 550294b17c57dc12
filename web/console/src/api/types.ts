// The resources of docs/protocol.md.
export type Lang = 'zh-CN' | 'en-US';
export type Theme = 'system' | 'light' | 'dark';
export type Presence = 'online' | 'away' | 'offline';
export type ConversationState = 'bot' | 'queued' | 'open' | 'pending' | 'resolved';
export interface Localised {
  zh_CN?: string | null;
  en_US?: string | null;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}
export interface Ref {
  id: string;
  name: string;
}
export interface Company {
  name: string;
  timezone: string;
  locale: Lang;
}
export interface RoleRef {
  id: string;
  key: string;
  name: string;
}
export interface User {
  id: string;
  name: string;
  email: string;
  locale: Lang;
  theme: Theme;
  state: 'active' | 'disabled';
  capacity: number;
  roles: RoleRef[];
  totp: boolean;
  last_seen_at?: string | null;
  created_at: string;
}
export interface Role {
  id: string;
  key: string;
  name: string;
  built_in: boolean;
  permissions: string[];
  users: number;
}
export interface Session {
  user: User;
  permissions: string[];
  company: Company;
  csrf: string;
}
export interface DeviceSession {
  id: string;
  current?: boolean;
  device?: string;
  address?: string;
  created_at: string;
  seen_at: string;
}
export interface Token {
  id: string;
  name: string;
  scopes: string[];
  token?: string;
  hint?: string;
  created_at?: string;
  last_used_at?: string | null;
  expires_at?: string | null;
}
export interface AuditEntry {
  id: number | string;
  at: string;
  actor_kind?: string;
  actor?: string;
  address?: string;
  device?: string;
  action: string;
  object?: string;
  detail?: unknown;
}
export interface Inbox {
  id: string;
  name: string;
  key: string;
  color: string;
  greeting: Localised;
  origins: string[];
  bot: boolean;
  enabled: boolean;
}
export interface Contact {
  id: string;
  name?: string | null;
  email?: string | null;
  phone?: string | null;
  external_id?: string | null;
  verified: boolean;
  language?: 'zh' | 'en' | null;
  company?: string | null;
  note?: string | null;
  last_seen_at?: string | null;
  created_at: string;
  updated_at?: string;
}
export interface Attachment {
  id: string;
  name: string;
  type: string;
  size: number;
  width?: number | null;
  height?: number | null;
  url: string;
}
export type MessageKind = 'text' | 'image' | 'file' | 'activity' | 'note';
export interface Author {
  kind: 'visitor' | 'agent' | 'bot' | 'system';
  id?: string;
  name?: string;
}
export interface Activity {
  name: string;
  to?: string;
  to_name?: string;
  reason?: string;
  wrap_up?: string | { code?: string; note?: string };
  score?: number;
}
export interface Message {
  conv: string;
  seq: number;
  event?: number;
  cid?: string;
  kind: MessageKind;
  at: string;
  author?: Author;
  text?: string;
  attachments?: Attachment[];
  sources?: { kind: string; id: string; title: string; url?: string }[];
  options?: { id: string; text: string }[];
  activity?: Activity;
  trace?: boolean;
}
export interface Conversation {
  id: string;
  inbox: Ref;
  state: ConversationState;
  contact: Ref & { verified?: boolean };
  assignee?: Ref | null;
  last_seq: number;
  visitor_read?: number;
  agent_read?: number;
  last_message?: Message | null;
  created_at: string;
  updated_at: string;
  queued_at?: string | null;
  language?: string;
  rating?: { score: number; comment?: string } | null;
  wrap_up?: { code: string; note?: string } | null;
  page?: { url?: string; title?: string } | null;
  event?: number;
  unread?: number;
}
export interface WrapUpCode {
  id: string;
  code: string;
  name: Localised;
  enabled: boolean;
  position: number;
}
export interface Agent {
  id: string;
  name: string;
  presence: Presence;
  load: number;
  capacity: number;
}
export interface TraceCandidate {
  kind: string;
  id: string;
  title: string;
  matched?: string;
  score: number;
}
export interface Trace {
  seq?: number;
  at?: string;
  verdict: string;
  reason?: string;
  normalised?: string;
  tokens?: { text: string; weight?: number }[];
  candidates?: TraceCandidate[];
  answer_threshold?: number;
  suggest_threshold?: number;
  microseconds?: number;
}
export interface Faq {
  id: string;
  language: 'zh' | 'en';
  question: string;
  similar: string[];
  answer: string;
  category?: string | null;
  tags: string[];
  enabled: boolean;
  updated_by?: Ref | null;
  updated_at?: string;
}
export interface Article {
  id: string;
  slug: string;
  language: 'zh' | 'en';
  title: string;
  body: string;
  category?: string | null;
  tags: string[];
  published: boolean;
  updated_by?: Ref | null;
  updated_at?: string;
}
export interface KnowledgeHit {
  kind: 'faq' | 'article';
  id: string;
  title: string;
  matched?: string;
  answer: string;
  language: string;
  score: number;
}
export interface ImportReport {
  imported: number;
  updated: number;
  failed: number;
  rows: { row: number; error: string }[];
}
export interface AskResult {
  verdict: string;
  reason?: string;
  language?: string;
  text?: string;
  sources?: { kind: string; id: string; title: string; url?: string }[];
  options?: { id: string; text: string }[];
  trace: Trace;
}
