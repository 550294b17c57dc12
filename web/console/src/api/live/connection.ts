// One WebSocket that is always coming back: 0.5 s doubling to 15 s with jitter, at once when the browser says `online` or the page is looked
// at again; a ping every 20 s, and 40 s of silence count as a lost connection. What is said on it is the desk's matter.
import type { Incoming, Outgoing } from './frames.ts';

export type Link = 'connecting' | 'online' | 'offline' | 'stopped';

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface World {
  open(): SocketLike;
  random(): number;
  now(): number;
  later(fn: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

export interface Listener {
  hello(): Outgoing;
  frame(frame: Incoming): void;
  link(link: Link, retryAt: number | null): void;
  refused(code: 4001 | 4003): void;
}

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const PING_EVERY = 20_000;
const SILENCE = 40_000;
const WELCOME_WITHIN = 10_000;

export function delayOf(attempt: number, random: number): number {
  return Math.min(FIRST_DELAY * 2 ** attempt, LONGEST_DELAY) * (0.75 + random * 0.5);
}

export class Connection {
  private socket: SocketLike | null = null;
  private attempt = 0;
  private heard = 0;
  private ready = false;
  private stopped = true;
  private retry: unknown = null;
  private beat: unknown = null;
  private limit: unknown = null;

  constructor(
    private readonly world: World,
    private readonly listener: Listener,
  ) {}

  start() {
    this.stopped = false;
    this.connect();
  }

  stop() {
    this.stopped = true;
    this.clear();
    this.drop();
    this.listener.link('stopped', null);
  }

  // The browser says that the network is back, or the page is seen again: no need to wait.
  wake() {
    if (this.stopped || this.ready || (this.socket && !this.retry)) return;
    this.attempt = 0;
    this.connect();
  }

  // The browser says that the network is gone. It may be wrong, so the next attempt is made anyway.
  lost() {
    if (!this.stopped && this.socket) this.closed(1006);
  }

  send(frame: Outgoing): boolean {
    if (!this.ready || !this.socket) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  get online() {
    return this.ready;
  }

  private connect() {
    this.clear();
    this.drop();
    this.listener.link('connecting', null);
    const socket = this.world.open();
    this.socket = socket;
    this.heard = this.world.now();
    socket.onopen = () => {
      if (this.socket === socket) socket.send(JSON.stringify(this.listener.hello()));
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.hear(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event.code);
    };
    socket.onerror = () => {};
    this.limit = this.world.later(() => this.closed(1006), WELCOME_WITHIN);
    this.beat = this.world.later(() => this.pulse(), PING_EVERY);
  }

  private hear(data: unknown) {
    this.heard = this.world.now();
    let frame: Incoming;
    try {
      frame = JSON.parse(String(data)) as Incoming;
    } catch {
      return;
    }
    if (frame.t === 'welcome') {
      this.world.cancel(this.limit);
      this.limit = null;
      this.attempt = 0;
      this.ready = true;
      this.listener.frame(frame);
      this.listener.link('online', null);
      return;
    }
    this.listener.frame(frame);
  }

  private pulse() {
    if (this.world.now() - this.heard >= SILENCE) {
      this.closed(1006);
      return;
    }
    this.send({ t: 'ping' });
    this.beat = this.world.later(() => this.pulse(), Math.min(PING_EVERY, SILENCE / 2));
  }

  private closed(code: number) {
    this.clear();
    this.drop();
    if (this.stopped) return;
    if (code === 4001 || code === 4003) this.listener.refused(code);
    if (this.stopped) return;
    // Another sign-in or changed rights: look again, but slowly.
    if (code === 4003) this.attempt = Math.max(this.attempt, 5);
    const delay = delayOf(this.attempt++, this.world.random());
    this.listener.link('offline', this.world.now() + delay);
    this.retry = this.world.later(() => this.connect(), delay);
  }

  private drop() {
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    try {
      socket.close();
    } catch {
      // it was closed already
    }
  }

  private clear() {
    for (const timer of [this.retry, this.beat, this.limit]) if (timer !== null) this.world.cancel(timer);
    this.retry = this.beat = this.limit = null;
  }
}

export function browserWorld(url: string): World {
  return {
    open: () => new WebSocket(url) as unknown as SocketLike,
    random: () => Math.random(),
    now: () => Date.now(),
    later: (fn, ms) => window.setTimeout(fn, ms),
    cancel: (timer) => window.clearTimeout(timer as number),
  };
}
