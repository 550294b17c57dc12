// What the agent sent and the server has not acknowledged. Each letter is kept under its own key in the browser's storage until then, so a
// reload, a crash or another tab loses nothing; its cid makes sending twice harmless.
import type { Attachment } from '../types.ts';
import type { Outgoing } from './frames.ts';

export interface Letter {
  cid: string;
  conv: string;
  kind: 'text' | 'note';
  text?: string;
  attachments?: Attachment[];
  used?: string[];
  at: string;
  state: 'waiting' | 'acknowledged' | 'failed';
  seq?: number;
  error?: string;
}

export interface Shelf {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class Outbox {
  letters: Letter[] = [];
  private readonly prefix: string;

  constructor(
    private readonly shelf: Shelf,
    user: string,
  ) {
    this.prefix = `yd-out:${user}:`;
    this.load();
  }

  add(letter: Letter) {
    this.letters = [...this.letters, letter];
    this.keep(letter);
  }

  // Everything that still has to be said, in the order in which it was written.
  waiting(): Letter[] {
    return this.letters.filter((letter) => letter.state === 'waiting');
  }

  acknowledge(cid: string, seq: number): boolean {
    this.shelf.removeItem(this.prefix + cid);
    return this.change(cid, { state: 'acknowledged', seq });
  }

  fail(cid: string, error: string): boolean {
    const done = this.change(cid, { state: 'failed', error });
    const letter = this.letters.find((other) => other.cid === cid);
    if (letter) this.keep(letter);
    return done;
  }

  again(cid: string): boolean {
    return this.change(cid, { state: 'waiting', error: undefined });
  }

  drop(cid: string) {
    this.shelf.removeItem(this.prefix + cid);
    this.letters = this.letters.filter((letter) => letter.cid !== cid);
  }

  // The transcript has them now.
  arrived(cids: Set<string>): boolean {
    const before = this.letters.length;
    for (const letter of this.letters) if (cids.has(letter.cid)) this.shelf.removeItem(this.prefix + letter.cid);
    this.letters = this.letters.filter((letter) => !cids.has(letter.cid));
    return this.letters.length !== before;
  }

  private change(cid: string, to: Partial<Letter>): boolean {
    if (!this.letters.some((letter) => letter.cid === cid)) return false;
    this.letters = this.letters.map((letter) => (letter.cid === cid ? { ...letter, ...to } : letter));
    return true;
  }

  private keep(letter: Letter) {
    try {
      this.shelf.setItem(this.prefix + letter.cid, JSON.stringify(letter));
    } catch {
      // storage is full or refused: the letter still lives in this page
    }
  }

  private load() {
    const letters: Letter[] = [];
    for (let i = 0; i < this.shelf.length; i++) {
      const key = this.shelf.key(i);
      if (!key?.startsWith(this.prefix)) continue;
      try {
        letters.push(JSON.parse(this.shelf.getItem(key) ?? '') as Letter);
      } catch {
        this.shelf.removeItem(key);
      }
    }
    this.letters = letters.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  }
}

export function letterFrame(letter: Letter): Outgoing {
  return {
    t: 'send',
    conv: letter.conv,
    cid: letter.cid,
    kind: letter.kind,
    ...(letter.text ? { text: letter.text } : {}),
    ...(letter.attachments?.length ? { attachments: letter.attachments.map((attachment) => attachment.id) } : {}),
    ...(letter.used?.length ? { used: letter.used } : {}),
  };
}
