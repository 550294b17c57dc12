// kill -9 at random moments under load: every acknowledged message is there once, seq has no gap, every client resumes to the same transcript.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, Socket, widget, furnish, cid, until, engine } from '../api/server.mjs';

const kills = Number(process.env.KILLS || 5);
const visitors = 8;
let server;
after(() => server?.remove());

// A visitor that behaves as the widget does: keeps an outbox, resumes from its last seq, sends again what was not acknowledged.
class Visitor {
  constructor(key) {
    Object.assign(this, { key, seq: 0, transcript: new Map(), outbox: [], acked: new Map(), sent: 0, on: true });
  }
  async run() {
    while (this.on) {
      try {
        await this.session();
      } catch {
        await new Promise((done) => setTimeout(done, 30));
      }
    }
  }
  note(m) {
    const before = this.transcript.get(m.seq);
    if (before) assert.equal(before, m.cid ?? m.kind, `seq ${m.seq} changed its message`);
    this.transcript.set(m.seq, m.cid ?? m.kind);
    while (this.transcript.has(this.seq + 1)) this.seq++;
  }
  async session() {
    const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${this.key}`, { origin: server.url });
    await s.opened;
    s.socket.on('message', (data) => {
      const f = JSON.parse(data);
      if (f.t === 'msg') this.note(f.m);
      if (f.t === 'ack') {
        this.acked.set(f.cid, f.seq);
        this.conv = f.conv;
        this.outbox = this.outbox.filter((m) => m.cid !== f.cid);
      }
    });
    s.send({ t: 'hello', locale: 'en-US', ...(this.token ? { token: this.token } : {}), ...(this.conv ? { conv: this.conv, seq: this.seq } : {}) });
    const welcome = await s.next('welcome', 8000);
    this.token = welcome.token;
    for (const m of welcome.messages) this.note(m);
    for (const m of this.outbox) s.send(m);
    while (this.on && s.code === undefined) {
      if (this.outbox.length < 8 && !this.quiet) {
        const m = { t: 'send', cid: cid(), text: `message ${this.sent++}` };
        this.outbox.push(m);
        s.send(m);
      }
      await new Promise((done) => setTimeout(done, this.outbox.length < 8 ? 1 : 5));
      s.frames.length = 0;
    }
    s.cut();
  }
}

test(`${kills} kills under load lose, double and reorder nothing (${engine})`, { timeout: 600000 }, async (t) => {
  server = await new Server({ env: { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '1000000', YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '1000000' } }).start();
  const { boss } = await furnish(server);
  const inbox = (await boss.post('/api/v1/inboxes', { name: 'No bot', bot: false })).body;
  const people = Array.from({ length: visitors }, () => new Visitor(inbox.key));
  const running = people.map((p) => p.run());
  await until(() => people.every((p) => p.acked.size > 3), 20000, 'messages flow');
  for (let i = 0; i < kills; i++) {
    const before = people.reduce((n, p) => n + p.acked.size, 0);
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 400));
    await server.stop('SIGKILL');
    await server.start();
    await until(() => people.reduce((n, p) => n + p.acked.size, 0) > before + 20, 30000, 'messages flow again');
  }
  for (const p of people) p.quiet = true;
  await until(() => people.every((p) => p.outbox.length === 0), 30000, 'every message is acknowledged');
  for (const p of people) p.on = false;
  await Promise.all(running);

  const reader = await server.client();
  let total = 0;
  for (const p of people) {
    const stored = [];
    for (let at = 0; ;) {
      const r = await reader.get(`/api/v1/conversations/${p.conv}/messages?after=${at}&limit=100`);
      assert.equal(r.status, 200, r.text);
      if (!r.body.items.length) break;
      stored.push(...r.body.items);
      at = stored.at(-1).seq;
    }
    assert.deepEqual(stored.map((m) => m.seq), stored.map((_, i) => i + 1), 'seq has no gap');
    const cids = stored.filter((m) => m.cid).map((m) => m.cid);
    assert.equal(new Set(cids).size, cids.length, 'no message is doubled');
    for (const [id, seq] of p.acked) assert.equal(stored[seq - 1]?.cid, id, 'an acknowledged message is where it was acknowledged');
    assert.equal(p.acked.size, p.sent, 'all that was sent is acknowledged');
    const numbers = stored.filter((m) => /^message \d+$/.test(m.text ?? '')).map((m) => Number(m.text.slice(8)));
    assert.deepEqual(numbers, numbers.toSorted ? numbers.toSorted((a, b) => a - b) : [...numbers].sort((a, b) => a - b), 'in the order of sending');
    const again = await widget(server, inbox.key, { token: p.token, conv: p.conv, seq: p.seq });
    for (const m of again.welcome.messages) p.note(m);
    const last = stored.at(-1).seq;
    if (p.seq < last) {
      again.send({ t: 'history', after: p.seq, limit: 100 });
      for (const m of (await again.next('history')).messages) p.note(m);
    }
    assert.equal(p.seq, last, 'the client has the whole transcript');
    for (const m of stored) assert.equal(p.transcript.get(m.seq), m.cid ?? m.kind);
    again.cut();
    total += stored.length;
  }
  t.diagnostic(`kills: ${kills}, messages: ${total}`);
});
