// Drafts in the browser's storage, one a conversation.
export interface Draft {
  kind: 'text' | 'note';
  text: string;
  used: string[];
}
const name = (key: string) => `yd-draft:${key}`;

export function readDraft(key: string): Draft {
  try {
    const kept = JSON.parse(localStorage.getItem(name(key)) ?? 'null') as Draft | null;
    if (kept && typeof kept.text === 'string') return { kind: kept.kind === 'note' ? 'note' : 'text', text: kept.text, used: kept.used ?? [] };
  } catch {
    // what cannot be read is no draft
  }
  return { kind: 'text', text: '', used: [] };
}

export function keepDraft(key: string, draft: Draft) {
  try {
    if (draft.text.trim()) localStorage.setItem(name(key), JSON.stringify(draft));
    else localStorage.removeItem(name(key));
  } catch {
    // storage is full: the draft still lives in this page
  }
}

export const forgetDraft = (key: string) => localStorage.removeItem(name(key));
