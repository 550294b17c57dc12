// The resources, from the program's own OpenAPI document (schema.d.ts is made by `npm run types`). Where the document allows null for a member that
// the server always fills, Sure says so here, once.
import type { components } from './schema';

type Schemas = components['schemas'];
type Sure<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
type Replace<T, R extends Partial<Record<keyof T, unknown>>> = Omit<T, keyof R> & R;

export interface Page<T> {
  items: T[];
  next: string | null;
}
export interface Ref {
  id: string;
  name: string;
}

// ---- who
export type User = Schemas['User'];
export type Lang = User['locale'];
export type Theme = User['theme'];
export type Company = Schemas['Company'];
export type Role = Schemas['Role'];
export type RoleRef = Schemas['RoleRef'];
export type Session = Schemas['Session'];
export type DeviceSession = Schemas['BrowserSession'];
export type Token = Schemas['Token'];
export type AuditEntry = Schemas['AuditEntry'];

// ---- desk
export type Agent = Sure<Schemas['Agent'], 'presence'>;
export type Presence = Agent['presence'];
export type Inbox = Schemas['Inbox'];
export type Localised = { [P in keyof Schemas['WrapUpName']]?: string | null };
export type WrapUpCode = Schemas['WrapUpCode'];
export type Attachment = Sure<Schemas['Attachment'], 'name' | 'type' | 'url'>;
export type Author = Sure<Schemas['MessageAuthor'], 'kind'>;
export interface Activity {
  name: string;
  to?: string;
  to_name?: string;
  reason?: string;
  wrap_up?: string | { code?: string; note?: string };
  score?: number;
}
// On the WebSocket the members that are empty are left out, `author` and `event` too where they say nothing.
export type Message = Replace<
  Sure<Schemas['Message'], 'conv' | 'kind' | 'at'>,
  { author?: Author; event?: number; activity?: Activity; attachments?: Attachment[] }
>;
export type MessageKind = Message['kind'];
export type Conversation = Replace<
  Sure<Schemas['Conversation'], 'inbox' | 'state' | 'contact' | 'created_at' | 'updated_at'>,
  { last_message?: Message | null }
>;
export type ConversationState = Conversation['state'];

// ---- customers
export type Contact = Sure<Schemas['Contact'], 'created_at'>;

// ---- knowledge
export type Faq = Schemas['Faq'];
export type Article = Schemas['Article'];
export type KnowledgeHit = Schemas['KnowledgeHit'];
export type ImportReport = Schemas['Import'];
export type Trace = Replace<Partial<Schemas['BotTrace']>, { verdict?: string }>;
export type AskResult = Replace<Schemas['AskAnswer'], { trace: Trace }>;
