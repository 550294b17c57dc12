// A conversation's messages as this page has them: one run of seq without a gap, and what came too early. Messages carry seq 1, 2, 3 …, so
// what is missing can be named, and "older ones exist" is simply a first seq above 1.
import type { Message } from '../types.ts';

export interface Transcript {
  messages: Message[]; // ascending, without a gap
  held: Message[];     // above a gap; shown when it is filled
}

export const emptyTranscript: Transcript = { messages: [], held: [] };

export const firstSeq = (t: Transcript) => t.messages[0]?.seq ?? 0;
export const lastSeq = (t: Transcript) => t.messages[t.messages.length - 1]?.seq ?? 0;

export function merge(t: Transcript, incoming: Message[]): Transcript {
  if (incoming.length === 0) return t;
  const only = incoming.length === 1 ? incoming[0] : undefined;
  if (only && t.held.length === 0 && t.messages.length > 0 && only.seq === lastSeq(t) + 1)
    return { messages: [...t.messages, only], held: t.held };
  const bySeq = new Map<number, Message>();
  for (const part of [t.messages, t.held, incoming]) for (const message of part) bySeq.set(message.seq, message);
  const anchor = lastSeq(t) || Math.max(...incoming.map((message) => message.seq));
  let low = anchor;
  let high = anchor;
  while (bySeq.has(low - 1)) low--;
  while (bySeq.has(high + 1)) high++;
  const messages: Message[] = [];
  for (let seq = low; seq <= high; seq++) messages.push(bySeq.get(seq)!);
  const held = [...bySeq.values()].filter((message) => message.seq > high).sort((a, b) => a.seq - b.seq);
  return { messages, held };
}

// The seq after which messages are missing, or null. `known` is the last seq that the server has spoken of.
export function missingAfter(t: Transcript, known: number): number | null {
  const have = lastSeq(t);
  return t.held.length > 0 || known > have ? have : null;
}
