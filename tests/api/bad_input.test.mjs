// Bad input gets a clear 4xx problem document or is cut off; the server goes on, nothing is stored half-way.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { Server, Socket, widget, furnish, cid, until } from './server.mjs';

let server, boss, inbox;
before(async () => {
  server = await new Server({ env: { YINGDA_HTTP_IDLE_SECONDS: '2', YINGDA_HTTP_MAX_CONNECTIONS_PER_ADDRESS: '300' } }).start();
  ({ boss, inbox } = await furnish(server));
});
after(() => server.remove());

// On a connection of its own: fetch may take one that the server, idle for two seconds, closes just then.
const alive = () => new Promise((done, failed) => {
  http.get(server.url + '/api/v1/health', { agent: false }, (r) => { r.resume(); done(assert.equal(r.statusCode, 200)); }).on('error', failed);
});
const problem = (r, status) => {
  assert.equal(r.status, status, r.text);
  assert.match(r.headers.get('content-type'), /application\/problem\+json/);
  assert.ok(r.body.code && r.body.title, r.text);
};
const raw = (text, wait = 4000) => new Promise((done) => {
  const s = net.connect(server.port, '127.0.0.1', () => s.write(text));
  let got = '';
  const timer = setTimeout(() => { s.destroy(); done({ got, open: true }); }, wait);
  s.on('data', (d) => { got += d; });
  s.on('error', () => {});
  s.on('close', () => { clearTimeout(timer); done({ got, open: false }); });
});

test('malformed JSON, broken UTF-8, NUL and deep nesting are refused with a problem document', async () => {
  const bytes = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)));
  for (const body of ['{', '[]', 'nul', '{"name":"a","name":"b"}', bytes('{"name":"', Buffer.from([0xff]), '"}'), '{"name":"\\u0000"}', '['.repeat(500) + ']'.repeat(500)]) {
    const r = await boss.request('POST', '/api/v1/contacts', body, { 'content-type': 'application/json' });
    assert.ok(r.status === 400 || r.status === 422, `${body}: ${r.status}`);
    problem(r, r.status);
  }
});

test('all field errors come at once, with pointers, in the language of the caller', async () => {
  const r = await boss.post('/api/v1/contacts', { name: 7, email: 'nonsense', phone: 'abc', nonsense: 1 }, { 'accept-language': 'zh-CN' });
  problem(r, 422);
  const fields = (r.body.errors ?? r.body.fields).map((f) => f.field ?? f.pointer).join(' ');
  for (const name of ['name', 'email', 'phone', 'nonsense']) assert.ok(fields.includes(name), `${name} in ${fields}`);
  assert.match(r.body.title, /[\u4e00-\u9fff]/);
});

test('over-long texts, large bodies and wrong media types are refused', async () => {
  problem(await boss.post('/api/v1/contacts', { name: 'x'.repeat(5000) }), 422);
  const large = await boss.request('POST', '/api/v1/contacts', 'x'.repeat(10 * 1024 * 1024), { 'content-type': 'application/json' }).catch((e) => ({ cut: e }));
  if (!large.cut) problem(large, 413);
  problem(await boss.request('POST', '/api/v1/contacts', '<a/>', { 'content-type': 'text/xml' }), 415);
  await alive();
});

test('unknown paths, wrong methods and path traversal find nothing', async () => {
  problem(await boss.get('/api/v1/nothing'), 404);
  const wrong = await boss.request('PUT', '/api/v1/contacts');
  problem(wrong, 405);
  assert.match(wrong.headers.get('allow'), /GET/);
  for (const path of ['/../../etc/passwd', '/console/..%2f..%2f..%2fetc/passwd', '/files/..%2f..%2fyingda.db', '/%00', '/help/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd']) {
    const { got } = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.match(got, /^HTTP\/1\.1 (30[0-9]|40[0-9])/, path);
    assert.ok(!got.includes('root:'), path);
  }
});

test('HTML and script in messages, names and file names come back as data only', async () => {
  const nasty = '<script>alert(1)</script><img src=x onerror=alert(1)>';
  const made = await boss.post('/api/v1/contacts', { name: nasty });
  assert.equal(made.status, 201, made.text);
  const visitor = await widget(server, inbox.key);
  const ack = await visitor.ask({ t: 'send', cid: cid(), text: nasty });
  assert.equal(ack.t, 'ack');
  const form = new FormData();
  form.append('file', new Blob(['<script>alert(1)</script>'], { type: 'image/png' }), '../../<b>evil</b>.html');
  const upload = await boss.request('POST', '/api/v1/uploads', form);
  if (upload.status < 300) {
    const file = await fetch(new URL(upload.body.url, server.url));
    assert.match(file.headers.get('content-disposition') ?? '', /attachment/);
    assert.ok(!/image\/png/.test(file.headers.get('content-type')), 'the type is sniffed, not believed');
    assert.ok(!upload.body.name.includes('/'));
  } else problem(upload, upload.status);
  visitor.cut();
});

test('an image bomb is refused', async () => {
  // A PNG header that says 60,000 × 60,000 pixels.
  const head = Buffer.from('89504e470d0a1a0a0000000d494844520000ea600000ea60080200000000000000', 'hex');
  const form = new FormData();
  form.append('file', new Blob([head], { type: 'image/png' }), 'bomb.png');
  const r = await boss.request('POST', '/api/v1/uploads', form);
  assert.ok(r.status >= 400 && r.status < 500, `${r.status} ${r.text}`);
});

test('a forged, a foreign and a missing session are refused, and so is a change without its CSRF token', async () => {
  problem(await (await server.client(null)).get('/api/v1/contacts'), 401);
  const forged = await server.client(null);
  forged.cookies.set('yd_session', 'x'.repeat(43));
  problem(await forged.get('/api/v1/contacts'), 401);
  problem(await (await server.client(null, { authorization: 'Bearer nonsense' })).get('/api/v1/contacts'), 401);
  const mine = await server.client();
  mine.csrf = 'wrong';
  problem(await mine.post('/api/v1/contacts', { name: 'x' }), 403);
});

test('a slow request is cut off and half-open connections do not stop the others', async () => {
  const { got, open } = await raw('GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ', 12000);
  assert.equal(open, false, 'the connection is closed');
  assert.ok(!got.includes('200 OK'));
  const half = Array.from({ length: 100 }, () => net.connect(server.port, '127.0.0.1').on('error', () => {}));
  await alive();
  half.forEach((s) => s.destroy());
});

test('a flood of connections from one address is bounded and the server goes on', async () => {
  const flood = Array.from({ length: 600 }, () => net.connect(server.port, '127.0.0.1').on('error', () => {}));
  await until(() => flood.some((s) => s.destroyed || s.closed), 10000, 'some are refused');
  flood.forEach((s) => s.destroy());
  await until(async () => (await fetch(server.url + '/api/v1/health').catch(() => ({}))).ok, 10000, 'it serves again');
});

test('malformed WebSocket frames close with the right code and change nothing', async () => {
  const visitor = await widget(server, inbox.key);
  visitor.send('{"t":"send",');
  await visitor.closed;
  assert.ok([1007, 1003, 1008].includes(visitor.code), String(visitor.code));
  const unknown = await widget(server, inbox.key);
  unknown.send({ t: 'frobnicate' });
  assert.equal((await unknown.next('error')).t, 'error');
  const wrong = await unknown.ask({ t: 'send', cid: 'x', text: 7 }, (f) => f.t === 'error');
  assert.ok(wrong.code);
  const large = await widget(server, inbox.key);
  large.send({ t: 'send', cid: cid(), text: 'x'.repeat(100000) });
  await large.closed;
  assert.equal(large.code, 1009);
  const long = await unknown.ask({ t: 'send', cid: cid(), text: 'x'.repeat(20000) });
  assert.equal(long.t, 'error');
  unknown.cut();
});

test('a widget of a foreign origin or an unknown inbox is refused', async () => {
  await boss.patch(`/api/v1/inboxes/${inbox.id}`, { origins: ['https://shop.example'] });
  const refused = async (key, origin) => {
    const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${key}`, { origin });
    const open = await s.opened.then(() => true, () => false);
    if (!open) return true;
    s.send({ t: 'hello' });
    await s.closed;
    return s.code === 4003;
  };
  assert.ok(await refused(inbox.key, 'https://evil.example'));
  assert.ok(await refused('nonsense', 'https://shop.example'));
  await boss.patch(`/api/v1/inboxes/${inbox.id}`, { origins: [] });
});

test('wrong passwords are throttled', async () => {
  const stranger = await server.client(null);
  let last;
  for (let i = 0; i < 12; i++) {
    last = await stranger.post('/api/v1/session', { email: 'agent2@test.example', password: 'wrong ' + i });
    if (last.status === 429) break;
    problem(last, 401);
  }
  problem(last, 429);
  assert.ok(Number(last.headers.get('retry-after')) > 0);
});
