// The public Autobahn case list (sections 1 to 7, 9, 10, 12, 13) worked through against our endpoint, with a client of raw frames. Ours is no echo server: where
// the list expects an echo, a JSON ping of the wanted length must be answered; where it expects a failure, the close code is checked.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import zlib from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { Server, furnish } from './server.mjs';

let server, inbox;
before(async () => {
  server = await new Server().start();
  ({ inbox } = await furnish(server));
});
after(() => server.remove());

class Raw {
  static async open(extensions = '') {
    const r = new Raw();
    r.socket = net.connect(server.port, '127.0.0.1');
    r.data = Buffer.alloc(0);
    r.frames = [];
    r.wake = () => {};
    r.socket.on('data', (d) => { r.data = Buffer.concat([r.data, d]); r.parse(); r.wake(); });
    r.socket.on('error', () => {});
    r.socket.on('close', () => { r.ended = true; r.wake(); });
    r.socket.setNoDelay(true);
    r.socket.write(`GET /ws/widget?inbox=${inbox.key} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\nOrigin: ${server.url}\r\n${extensions ? `Sec-WebSocket-Extensions: ${extensions}\r\n` : ''}\r\n`);
    await r.until(() => r.head || r.ended);
    return r;
  }
  parse() {
    if (!this.head) {
      const end = this.data.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.data.subarray(0, end).toString();
      this.data = this.data.subarray(end + 4);
    }
    for (;;) {
      const d = this.data;
      if (d.length < 2) return;
      let at = 2, size = d[1] & 127;
      if (size === 126) { if (d.length < 4) return; size = d.readUInt16BE(2); at = 4; } else if (size === 127) { if (d.length < 10) return; size = Number(d.readBigUInt64BE(2)); at = 10; }
      if (d.length < at + size) return;
      this.frames.push({ fin: d[0] >> 7, rsv: (d[0] >> 4) & 7, op: d[0] & 15, masked: d[1] >> 7, body: Buffer.from(d.subarray(at, at + size)) });
      this.data = d.subarray(at + size);
    }
  }
  async until(test, limit = 4000) {
    const end = Date.now() + limit;
    while (!test()) {
      if (Date.now() > end) throw new Error('waited in vain; frames: ' + this.frames.map((f) => `${f.op}:${f.body.subarray(0, 60)}`).join(' | ') + (this.ended ? ' (closed)' : ''));
      await new Promise((done) => { this.wake = done; setTimeout(done, 50); });
    }
  }
  frame(op, body, { fin = 1, rsv = 0, mask = true } = {}) {
    body = Buffer.from(body);
    const long = body.length > 65535 ? 10 : body.length > 125 ? 4 : 2;
    const head = Buffer.alloc(long + (mask ? 4 : 0));
    head[0] = (fin << 7) | (rsv << 4) | op;
    if (long === 2) head[1] = body.length;
    else if (long === 4) { head[1] = 126; head.writeUInt16BE(body.length, 2); } else { head[1] = 127; head.writeBigUInt64BE(BigInt(body.length), 2); }
    if (mask) {
      head[1] |= 128;
      const key = randomBytes(4);
      key.copy(head, long);
      body = Buffer.from(body.map((b, i) => b ^ key[i & 3]));
    }
    return Buffer.concat([head, body]);
  }
  send(...args) { this.socket.write(this.frame(...args)); }
  async hello() { // the protocol's first frame
    this.send(1, '{"t":"hello","locale":"en-US"}');
    await this.text('"welcome"');
    return this;
  }
  async text(part) {
    let found;
    await this.until(() => (found = this.frames.find((f) => f.op === 1 && f.body.includes(part) && !f.seen)) || this.ended);
    assert.ok(found, `an answer with ${part}; closed ${this.code}`);
    found.seen = true;
    return found;
  }
  get code() {
    const f = this.frames.find((x) => x.op === 8);
    return f ? (f.body.length >= 2 ? f.body.readUInt16BE(0) : 1005) : this.ended ? 1006 : undefined;
  }
  async closes(...codes) {
    await this.until(() => this.code !== undefined);
    assert.ok(codes.includes(this.code), `closed with ${this.code}, wanted ${codes}`);
    await this.until(() => this.ended);
  }
  end() { this.socket.destroy(); }
}
const ping = (size = 12) => '{"t":"ping"}'.padEnd(Math.max(size, 12), ' ');
const answered = async (r) => { await r.text('"pong"'); };

test('1 framing: texts of every length encoding are answered, frames of the server are not masked', async () => {
  const r = await (await Raw.open()).hello();
  for (const size of [12, 125, 126, 127, 128, 1024, 32767, 60000]) { r.send(1, ping(size)); await answered(r); }
  assert.ok(r.frames.every((f) => !f.masked && f.rsv === 0));
  r.end();
});
test('1.1.1 an empty text and 1.2 binary are refused without harm', async () => {
  const r = await (await Raw.open()).hello();
  r.send(1, '');
  await r.until(() => r.code !== undefined || r.frames.some((f) => f.body.includes('"error"')));
  r.end();
  const b = await (await Raw.open()).hello();
  b.send(2, Buffer.from([1, 2, 3]));
  await b.closes(1003, 1007, 1008);
});
test('1 framing: a frame that arrives byte by byte is answered', async () => {
  const r = await (await Raw.open()).hello();
  for (const byte of r.frame(1, ping(200))) { r.socket.write(Buffer.from([byte])); await new Promise((done) => setImmediate(done)); }
  await answered(r);
  r.end();
});
test('2 pings are answered with their bytes, pongs that nobody asked for are ignored', async () => {
  const r = await (await Raw.open()).hello();
  for (const body of ['', 'Hello, world!', Buffer.from([0, 255, 254, 253]), 'x'.repeat(125)]) {
    const before = r.frames.length;
    r.send(9, body);
    await r.until(() => r.frames.slice(before).some((f) => f.op === 10 && f.body.equals(Buffer.from(body))));
  }
  r.send(10, 'unasked');
  r.send(1, ping());
  await answered(r);
  for (let i = 0; i < 10; i++) r.send(9, 'n' + i);
  await r.until(() => r.frames.filter((f) => f.op === 10 && /^n\d$/.test(f.body)).length >= 1);
  r.end();
  const long = await (await Raw.open()).hello();
  long.send(9, 'x'.repeat(126)); // 2.5: a control frame of more than 125 bytes
  await long.closes(1002, 1006);
});
test('3 reserved bits without an extension fail the connection', async () => {
  for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
    const r = await (await Raw.open()).hello();
    r.send(1, ping(), { rsv });
    await r.closes(1002, 1006);
  }
});
test('4 reserved opcodes fail the connection', async () => {
  for (const op of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    const r = await (await Raw.open()).hello();
    r.send(op, 'x');
    await r.closes(1002, 1003, 1006);
  }
});
test('5 fragments are joined, with control frames between them, and misuse fails the connection', async () => {
  const r = await (await Raw.open()).hello();
  for (const cuts of [[3], [1, 2, 5], [0, 0, 4]]) {
    const text = ping(20);
    let at = 0;
    const parts = [...cuts.map((n) => { const p = text.slice(at, at + n); at += n; return p; }), text.slice(at)];
    parts.forEach((p, i) => {
      r.send(i ? 0 : 1, p, { fin: i === parts.length - 1 ? 1 : 0 });
      if (i === 0) r.send(9, 'between');
    });
    await r.until(() => r.frames.some((f) => f.op === 10 && String(f.body) === 'between'));
    await answered(r);
  }
  r.end();
  const misuse = [
    (x) => { x.send(9, 'a', { fin: 0 }); x.send(0, 'b'); },                 // 5.1 a fragmented ping
    (x) => { x.send(0, 'nothing to go on with'); },                         // 5.9
    (x) => { x.send(1, '{"t":', { fin: 0 }); x.send(1, '"ping"}'); },        // 5.18 a new text before the last ended
    (x) => { x.send(8, '', { fin: 0 }); },
  ];
  for (const act of misuse) {
    const x = await (await Raw.open()).hello();
    act(x);
    await x.closes(1002, 1006);
  }
});
test('6 broken UTF-8 closes with 1007, whole or in fragments', async () => {
  const bad = ['cebae1bdb9cf83cebcceb5eda080656469746564', 'c080', 'fc8080808080', 'f4908080', 'ff', 'c2', 'eda080', 'e28288' + 'c3', 'f7bfbfbf'];
  for (const hex of bad) {
    const r = await (await Raw.open()).hello();
    r.send(1, Buffer.concat([Buffer.from('{"t":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]));
    await r.closes(1007);
    const f = await (await Raw.open()).hello();
    const bytes = Buffer.concat([Buffer.from('{"t":"'), Buffer.from(hex, 'hex'), Buffer.from('"}')]);
    f.send(1, bytes.subarray(0, 7), { fin: 0 });
    f.send(0, bytes.subarray(7));
    await f.closes(1007);
  }
  const good = await (await Raw.open()).hello();
  const text = Buffer.from('{"t":"κόσμε😀"}'); // cut inside a character
  good.send(1, text.subarray(0, 9), { fin: 0 });
  good.send(0, text.subarray(9));
  await good.text('"error"');
  good.end();
});
test('7 closing: codes are echoed, bad codes and bodies fail, nothing is answered after a close', async () => {
  const code = (n, reason = '') => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return Buffer.concat([b, Buffer.from(reason)]); };
  for (const n of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
    const r = await (await Raw.open()).hello();
    r.send(8, code(n));
    await r.closes(n, 1000, 1005);
  }
  const empty = await (await Raw.open()).hello();
  empty.send(8, '');
  await empty.closes(1000, 1005);
  for (const body of [Buffer.from([3]), code(0), code(999), code(1004), code(1005), code(1006), code(1016), code(1100), code(2000), code(2999), Buffer.concat([code(1000), Buffer.from([0xff, 0xfe])])]) {
    const r = await (await Raw.open()).hello();
    r.send(8, body);
    await r.closes(1002, 1007, 1006);
  }
  const late = await (await Raw.open()).hello();
  late.socket.write(Buffer.concat([late.frame(8, code(1000)), late.frame(1, ping())]));
  await late.closes(1000, 1005);
  assert.ok(!late.frames.some((f) => f.body.includes('"pong"')));
  const twice = await (await Raw.open()).hello();
  twice.socket.write(Buffer.concat([twice.frame(8, code(1000)), twice.frame(8, code(1000))]));
  await twice.closes(1000, 1005);
});
test('9 limits: a message over 64 KiB closes with 1009, whole or in fragments', async () => {
  const r = await (await Raw.open()).hello();
  r.send(1, 'x'.repeat(70000));
  await r.closes(1009);
  const f = await (await Raw.open()).hello();
  for (let i = 0; i < 80; i++) f.send(i ? 0 : 1, 'x'.repeat(1000), { fin: 0 });
  await f.closes(1009);
  const many = await (await Raw.open()).hello();
  many.socket.write(Buffer.concat(Array.from({ length: 500 }, () => many.frame(1, ping()))));
  await many.until(() => many.frames.filter((x) => x.body.includes('"pong"')).length === 500, 8000);
  many.end();
});
test('an unmasked frame of a client fails the connection', async () => {
  const r = await (await Raw.open()).hello();
  r.send(1, ping(), { mask: false });
  await r.closes(1002, 1006);
});
test('12 and 13 compression: negotiated when offered, used right both ways, garbage fails the connection', async () => {
  for (const offer of ['permessage-deflate', 'permessage-deflate; client_no_context_takeover; server_no_context_takeover', 'permessage-deflate; client_max_window_bits']) {
    const r = await Raw.open(offer);
    if (!/sec-websocket-extensions: *permessage-deflate/i.test(r.head)) { assert.match(r.head, /^HTTP\/1\.1 101/); r.end(); continue; }
    const pack = (text) => zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const inflate = zlib.createInflateRaw();
    let plain = '';
    inflate.on('data', (d) => { plain += d; });
    let fed = 0;
    const feed = () => { for (; fed < r.frames.length; fed++) { const f = r.frames[fed]; if (f.op === 1) { if (f.rsv & 4) { inflate.write(f.body); inflate.write(Buffer.from([0, 0, 255, 255])); } else plain += f.body; } } };
    r.send(1, pack('{"t":"hello","locale":"en-US"}'), { rsv: 4 });
    await r.until(() => { feed(); return plain.includes('"welcome"'); });
    r.send(1, pack(ping(5000)), { rsv: 4 });
    await r.until(() => { feed(); return plain.includes('"pong"'); });
    r.send(1, ping(), {});
    await r.until(() => { feed(); return plain.split('"pong"').length === 3; });
    r.send(1, randomBytes(50), { rsv: 4 });
    await r.until(() => r.code !== undefined);
    r.end();
  }
});
test('the upgrade itself is checked: version, key, method', async () => {
  const ask = (head) => new Promise((done) => {
    const s = net.connect(server.port, '127.0.0.1', () => s.write(head));
    let got = '';
    s.on('data', (d) => { got += d; s.destroy(); });
    s.on('error', () => {});
    s.on('close', () => done(got));
    setTimeout(() => s.destroy(), 3000);
  });
  const path = `/ws/widget?inbox=${inbox.key}`;
  for (const head of [
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    `POST ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]) assert.ok(!/^HTTP\/1\.1 101/.test(await ask(head)));
});
