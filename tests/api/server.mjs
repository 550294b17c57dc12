// Starts the real program on a free port with a data folder of its own, on SQLite or PostgreSQL, and talks to it as clients do.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'node:net';
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const program = process.env.YINGDA_PROGRAM || join(root, 'build', 'yingda');
export const shared = join(root, '..', 'shared', 'data');
export const engine = process.env.YINGDA_TEST_PG ? 'postgres' : 'sqlite';
export const owner = { email: 'owner@test.example', password: 'correct horse battery 9', name: 'Owner' };

export async function freePort() {
  const s = createServer();
  await new Promise((done) => s.listen(0, '127.0.0.1', done));
  const { port } = s.address();
  await new Promise((done) => s.close(done));
  return port;
}

let databases = 0;
function freshDatabase() {
  const url = new URL(process.env.YINGDA_TEST_PG);
  const name = `t${process.pid}_${++databases}`;
  execFileSync('psql', [process.env.YINGDA_TEST_PG, '-qc', `CREATE DATABASE ${name}`], { stdio: 'inherit' });
  url.pathname = '/' + name;
  return url.toString();
}

export class Server {
  constructor({ env = {}, init = true, args = [], dataDir } = {}) {
    this.dir = dataDir || mkdtempSync(join(tmpdir(), 'yingda-test-'));
    this.env = { ...process.env, LANG: 'en_US.UTF-8', YINGDA_LOG_LEVEL: 'warn', YINGDA_IDENTITY_ARGON2_MIB: '8',
      YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '100000', ...env };
    delete this.env.YINGDA_CONFIG;
    if (engine === 'postgres' && !this.env.YINGDA_STORE_URL) this.env.YINGDA_STORE_URL = freshDatabase();
    this.init = init;
    this.args = args;
    this.log = '';
  }
  command(...args) {
    return execFileSync(program, [...args, '--data', this.dir], { env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
  async start() {
    if (this.init) {
      this.command('init', '--company', 'Test', '--name', owner.name, '--email', owner.email, '--password', owner.password);
      this.init = false;
    }
    this.port ||= await freePort();
    this.child = spawn(program, ['serve', '--data', this.dir, ...this.args],
      { env: { ...this.env, YINGDA_HTTP_PORT: String(this.port) }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (d) => { this.log += d; });
    this.child.stderr.on('data', (d) => { this.log += d; });
    this.exited = new Promise((done) => this.child.on('exit', (code, signal) => done({ code, signal })));
    this.url = `http://127.0.0.1:${this.port}`;
    await until(async () => {
      if (this.child.exitCode !== null) throw new Error('the server ended:\n' + this.log);
      return (await fetch(this.url + '/api/v1/health').catch(() => null))?.ok;
    }, 20000, 'the server answers');
    return this;
  }
  async stop(signal = 'SIGTERM') {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode) return this.exited;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30000);
    const result = await this.exited;
    clearTimeout(timer);
    return result;
  }
  async remove() {
    const result = await this.stop();
    if (existsSync(this.dir)) rmSync(this.dir, { recursive: true, force: true });
    return result;
  }
  async client(credentials = owner, headers = {}) {
    const c = new Client(this.url, headers);
    if (credentials) await c.login(credentials);
    return c;
  }
}

// Waits for a condition, never for a time.
export async function until(condition, limit = 5000, what = 'a condition') {
  const end = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((done) => setTimeout(done, 15));
  }
}

export class Client {
  constructor(url, headers = {}) {
    this.url = url;
    this.headers = headers;
    this.cookies = new Map();
  }
  async request(method, path, body, headers = {}) {
    const h = { 'accept-language': 'en-US', ...this.headers, ...headers };
    if (this.cookies.size) h.cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    if (this.csrf && method !== 'GET') h['x-csrf-token'] = this.csrf;
    let payload = body;
    if (body !== undefined && !(body instanceof FormData) && typeof body !== 'string' && !(body instanceof Uint8Array)) {
      payload = JSON.stringify(body);
      h['content-type'] ??= 'application/json';
    }
    const r = await fetch(this.url + path, { method, headers: h, body: payload, redirect: 'manual' });
    for (const cookie of r.headers.getSetCookie?.() || []) {
      const [pair] = cookie.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0/i.test(cookie)) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await r.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return { status: r.status, headers: r.headers, text, body: json };
  }
  get(path, headers) { return this.request('GET', path, undefined, headers); }
  post(path, body, headers) { return this.request('POST', path, body ?? {}, headers); }
  patch(path, body, headers) { return this.request('PATCH', path, body, headers); }
  delete(path, headers) { return this.request('DELETE', path, undefined, headers); }
  async login({ email, password, totp }) {
    const r = await this.post('/api/v1/session', { email, password, ...(totp ? { totp } : {}) });
    if (r.status >= 300) throw new Error(`sign-in: ${r.status} ${r.text}`);
    const me = await this.get('/api/v1/session');
    this.csrf = me.body.csrf;
    this.me = me.body.user;
    return r;
  }
  cookieHeader() { return [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; '); }
}

// A WebSocket that keeps all frames and lets a test wait for one.
export class Socket {
  constructor(url, options = {}) {
    this.frames = [];
    this.waiting = new Set();
    this.socket = new WebSocket(url, options);
    this.opened = new Promise((done, refuse) => {
      this.socket.on('open', done);
      this.socket.on('error', (e) => { this.error = e; refuse(e); this.wake(); });
    });
    this.opened.catch(() => {});
    this.closed = new Promise((done) => this.socket.on('close', (code, reason) => { this.code = code; done({ code, reason: String(reason) }); this.wake(); }));
    this.socket.on('message', (data) => { this.frames.push(JSON.parse(data)); this.wake(); });
  }
  wake() { for (const w of this.waiting) w(); }
  send(frame) { this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)); }
  // The first frame after `from` that fits.
  async next(fits, limit = 5000, from = 0) {
    const test = typeof fits === 'string' ? (f) => f.t === fits : fits;
    const end = Date.now() + limit;
    for (;;) {
      const found = this.frames.slice(from).find(test);
      if (found) return found;
      if (this.code !== undefined || Date.now() > end) {
        throw new Error(`no such frame (${typeof fits === 'string' ? fits : fits}); closed: ${this.code}; got ${JSON.stringify(this.frames.slice(-6))}`);
      }
      await new Promise((done) => {
        const timer = setTimeout(() => { this.waiting.delete(w); done(); }, Math.min(end - Date.now() + 1, 1000));
        const w = () => { clearTimeout(timer); this.waiting.delete(w); done(); };
        this.waiting.add(w);
      });
    }
  }
  async ask(frame, answer = (f) => (f.t === 'ack' || f.t === 'error') && f.cid === frame.cid) {
    const from = this.frames.length;
    this.send(frame);
    return this.next(answer, 8000, from);
  }
  close() { this.socket.close(); return this.closed; }
  cut() { this.socket.terminate(); }
}

export const cid = () => randomUUID();

export async function widget(server, key, hello = {}, options = {}) {
  const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${key}`, { origin: server.url, ...options });
  await s.opened;
  s.send({ t: 'hello', locale: 'en-US', ...hello });
  s.welcome = await s.next((f) => f.t === 'welcome' || f.t === 'error');
  return s;
}

export async function staff(server, client, hello = {}) {
  const s = new Socket(`${server.url.replace('http', 'ws')}/ws/console`, { origin: server.url, headers: { cookie: client.cookieHeader() } });
  await s.opened;
  s.send({ t: 'hello', locale: 'en-US', ...hello });
  s.welcome = await s.next((f) => f.t === 'welcome' || f.t === 'error');
  return s;
}

// A company with one inbox, one agent and a few FAQs.
export async function furnish(server) {
  const boss = await server.client();
  const inbox = (await boss.post('/api/v1/inboxes', { name: 'Shop', bot: true })).body;
  const roles = (await boss.get('/api/v1/roles')).body.items;
  const role = roles.find((r) => r.key === 'agent' || r.name === 'agent') || roles.find((r) => /agent/i.test(JSON.stringify(r)));
  const agents = [];
  for (const n of [1, 2]) {
    const made = await boss.post('/api/v1/users', { email: `agent${n}@test.example`, name: `Agent ${n}`, password: `agent ${n} passphrase`, roles: [role.id], capacity: 3 });
    if (made.status !== 201) throw new Error(`user: ${made.status} ${made.text}`);
    agents.push({ ...made.body, email: `agent${n}@test.example`, password: `agent ${n} passphrase` });
  }
  for (const faq of faqs) {
    const made = await boss.post('/api/v1/faqs', faq);
    if (made.status !== 201) throw new Error(`faq: ${made.status} ${made.text}`);
  }
  return { boss, inbox, agents };
}
const faqs = [
  { language: 'en', question: 'How do I return a product?', similar: ['I want to send something back', 'return policy'], answer: 'You can return it within 7 days.' },
  { language: 'en', question: 'When will my order be shipped?', similar: ['shipping time', 'how long does dispatch take'], answer: 'We ship within 24 hours.' },
  { language: 'zh', question: '怎么申请退货？', similar: ['我要退货', '想退货怎么办', '东西不想要了能退吗'], answer: '签收后 7 天内可以退货。' },
  { language: 'zh', question: '什么时候发货？', similar: ['多久发货', '发货时间'], answer: '24 小时内发货。' },
];
