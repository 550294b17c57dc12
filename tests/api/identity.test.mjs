// Who may do what over HTTP: sessions, CSRF, roles, tokens, second factor, throttling, idempotency, If-Match, the audit log.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { Server, Client, Socket, owner, until } from './server.mjs';

let server, boss, roles;
before(async () => {
  server = await new Server().start();
  boss = await server.client();
  roles = Object.fromEntries((await boss.get('/api/v1/roles')).body.items.map((r) => [r.key || r.name, r]));
});
after(() => server.remove());

const problem = (r, status, code) => {
  assert.equal(r.status, status, r.text);
  assert.match(r.headers.get('content-type'), /application\/problem\+json/);
  if (code) assert.equal(r.body.code, code, r.text);
};
const fieldProblem = (r, field, code) => {
  problem(r, 422);
  const errors = r.body.errors ?? r.body.fields;
  assert.ok(errors.some((e) => (e.field ?? e.pointer).replace(/^\//, '') === field && e.code === code), r.text);
};
let made = 0;
async function hire(role, more = {}) {
  const email = `user${++made}@test.example`, password = `passphrase of ${made}`;
  const r = await boss.post('/api/v1/users', { name: `User ${made}`, email, password, roles: [roles[role].id], ...more });
  assert.equal(r.status, 201, r.text);
  return { ...r.body, email, password };
}
function totp(secret, at = Date.now()) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = '';
  for (const ch of secret) bits += letters.indexOf(ch).toString(2).padStart(5, '0');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}
// Far enough from the end of a time step that a code stays the present one while a test uses it.
const calmStep = () => until(() => Date.now() % 30000 < 24000, 10000, 'a fresh time step');

test('a new installation is set up once, in the browser, and signs its owner in', async () => {
  const fresh = await new Server({ init: false }).start();
  try {
    const c = await fresh.client(null);
    assert.deepEqual((await c.get('/api/v1/setup')).body, { needed: true });
    const input = { company: 'Pine', name: 'Olive', email: 'Olive@Test.example', password: 'long enough here', locale: 'zh-CN' };
    fieldProblem(await c.post('/api/v1/setup', { ...input, password: 'short' }), 'password', 'identity.password_short');
    problem(await c.post('/api/v1/setup', input, { origin: 'https://evil.example' }), 403, 'identity.foreign_origin');
    const done = await c.post('/api/v1/setup', input);
    assert.equal(done.status, 201, done.text);
    assert.equal(done.body.user.email, 'olive@test.example');
    assert.ok(done.body.permissions.includes('company.write'));
    assert.equal(done.body.company.timezone, 'Asia/Shanghai');
    assert.deepEqual((await c.get('/api/v1/setup')).body, { needed: false });
    c.csrf = done.body.csrf;
    assert.equal((await c.patch('/api/v1/company', { name: 'Pine & Co' })).body.name, 'Pine & Co');
    problem(await (await fresh.client(null)).post('/api/v1/setup', input), 409, 'identity.already_set_up');
  } finally { await fresh.remove(); }
});

test('the session cookie is HttpOnly and SameSite, and GET /session says who one is', async () => {
  const c = new Client(server.url);
  const r = await c.post('/api/v1/session', { email: owner.email.toUpperCase(), password: owner.password });
  assert.equal(r.status, 200, r.text);
  const cookie = r.headers.getSetCookie().find((x) => x.startsWith('yd_session='));
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Lax/i);
  assert.match(cookie, /Path=\//i);
  const s = (await c.get('/api/v1/session')).body;
  assert.equal(s.user.email, owner.email);
  assert.equal(s.company.name, 'Test');
  assert.ok(s.csrf && s.permissions.length > 20);
  assert.ok(!r.text.includes('argon2') && !('password' in s.user));
});

test('a change with the cookie needs its own CSRF token and an origin of ours', async () => {
  const c = await server.client();
  const change = (headers) => c.patch('/api/v1/me', { theme: 'dark' }, headers);
  const token = c.csrf;
  delete c.csrf;
  problem(await change(), 403, 'identity.csrf');
  problem(await change({ 'x-csrf-token': 'x'.repeat(43) }), 403, 'identity.csrf');
  problem(await change({ 'x-csrf-token': boss.csrf }), 403, 'identity.csrf'); // of another session
  problem(await change({ 'x-csrf-token': token, origin: 'https://evil.example' }), 403, 'identity.foreign_origin');
  problem(await change({ 'x-csrf-token': token, origin: 'null' }), 403, 'identity.foreign_origin');
  problem(await change({ 'x-csrf-token': token, 'sec-fetch-site': 'cross-site' }), 403, 'identity.foreign_origin');
  assert.equal((await change({ 'x-csrf-token': token, origin: server.url })).body.theme, 'dark');
  problem(await new Client(server.url).post('/api/v1/session', { email: owner.email, password: owner.password }, { origin: 'https://evil.example' }), 403);
});

test('signing out ends the session for good, and one may end other browsers', async () => {
  const user = await hire('agent');
  const one = await server.client(user), two = await server.client(user), three = await server.client(user);
  const list = (await one.get('/api/v1/me/sessions')).body.items;
  assert.equal(list.length, 3);
  assert.equal(list.filter((s) => s.current).length, 1);
  const old = two.cookies.get('yd_session');
  assert.equal((await two.delete('/api/v1/session')).status, 204);
  two.cookies.set('yd_session', old);
  problem(await two.get('/api/v1/session'), 401, 'identity.session_over');
  const other = (await one.get('/api/v1/me/sessions')).body.items.find((s) => !s.current);
  assert.equal((await one.delete(`/api/v1/me/sessions/${other.id}`)).status, 204);
  problem(await three.get('/api/v1/session'), 401);
  const foreign = (await boss.get('/api/v1/me/sessions')).body.items[0];
  problem(await one.delete(`/api/v1/me/sessions/${foreign.id}`), 404);
  assert.equal((await one.get('/api/v1/session')).status, 200);
});

test('each role gets what its bundle says, and no more', async () => {
  const agent = await server.client(await hire('agent'));
  assert.equal((await agent.get('/api/v1/contacts')).status, 200);
  for (const path of ['/users', '/roles', '/audit', '/tokens', '/permissions']) problem(await agent.get('/api/v1' + path), 403, 'forbidden');
  problem(await agent.patch('/api/v1/company', { name: 'Mine' }), 403);
  problem(await agent.post('/api/v1/users', { name: 'x', email: 'x@test.example' }), 403);
  const auditor = await server.client(await hire('auditor'));
  for (const path of ['/users', '/roles', '/audit', '/contacts', '/faqs']) assert.equal((await auditor.get('/api/v1' + path)).status, 200, path);
  problem(await auditor.post('/api/v1/contacts', { name: 'x' }), 403);
  assert.deepEqual(['owner', 'supervisor', 'agent', 'editor', 'planner', 'finance', 'auditor'].filter((k) => !roles[k]?.built_in), []);
});

test("a role of the company's own is made, given, changed with effect at once, and deleted when nobody has it", async () => {
  const names = (await boss.get('/api/v1/permissions')).body.items.map((p) => p.name);
  assert.ok(names.includes('contact.read'));
  fieldProblem(await boss.post('/api/v1/roles', { name: 'Odd', permissions: ['contact.frobnicate'] }), 'permissions/0', 'identity.no_such_permission');
  const role = (await boss.post('/api/v1/roles', { name: 'Clerk', permissions: ['user.read', 'user.write'] })).body;
  const clerk = await hire('agent', { roles: [role.id] });
  const c = await server.client(clerk);
  assert.equal((await c.get('/api/v1/users')).status, 200);
  problem(await c.get('/api/v1/contacts'), 403);
  // user.write alone must not lead to the owner's rights
  problem(await c.post('/api/v1/users', { name: 'x', email: 'x@test.example', roles: [roles.owner.id] }), 403, 'identity.more_than_own');
  problem(await c.patch(`/api/v1/users/${boss.me.id}`, { password: 'taken over today' }), 403, 'identity.more_than_own');
  problem(await c.post(`/api/v1/users/${boss.me.id}/disable`), 403, 'identity.more_than_own');
  problem(await c.patch(`/api/v1/users/${clerk.id}`, { roles: [roles.owner.id] }), 403, 'identity.more_than_own');
  assert.equal((await boss.patch(`/api/v1/roles/${role.id}`, { permissions: ['contact.read'] })).status, 200);
  problem(await c.get('/api/v1/users'), 403);
  assert.equal((await c.get('/api/v1/contacts')).status, 200);
  problem(await boss.delete(`/api/v1/roles/${role.id}`), 409, 'identity.role_in_use');
  assert.equal((await boss.patch(`/api/v1/users/${clerk.id}`, { roles: [] })).status, 200);
  assert.equal((await boss.delete(`/api/v1/roles/${role.id}`)).status, 204);
  problem(await boss.patch(`/api/v1/roles/${roles.agent.id}`, { name: 'x' }), 409, 'identity.built_in_role');
  problem(await boss.get('/api/v1/roles/ro_0000000000000'), 404);
});

test('users are listed, searched and sorted page by page, and two cannot share an address', async () => {
  await hire('agent', { name: 'Zoë Zimmer' });
  const found = await boss.get('/api/v1/users?filter[name]=zimmer');
  assert.deepEqual(found.body.items.map((u) => u.name), ['Zoë Zimmer']);
  const all = [];
  let cursor = '';
  do {
    const page = (await boss.get(`/api/v1/users?limit=2&sort=email${cursor && '&cursor=' + cursor}`)).body;
    all.push(...page.items.map((u) => u.email));
    cursor = page.next;
  } while (cursor);
  assert.deepEqual(all, [...all].sort());
  assert.equal(new Set(all).size, all.length);
  fieldProblem(await boss.post('/api/v1/users', { name: 'x', email: owner.email.toUpperCase() }), 'email', 'identity.email_taken');
  fieldProblem(await boss.post('/api/v1/users', { name: 'x', email: 'y@test.example', password: 'password123' }), 'password', 'identity.password_common');
});

test('a disabled user is out at once, sockets too, and may come back', async () => {
  const user = await hire('agent');
  const c = await server.client(user);
  const socket = new Socket(`${server.url.replace('http', 'ws')}/ws/console`, { origin: server.url, headers: { cookie: c.cookieHeader() } });
  await socket.opened;
  socket.send({ t: 'hello', locale: 'en-US' });
  await socket.next('welcome');
  assert.equal((await boss.post(`/api/v1/users/${user.id}/disable`)).body.state, 'disabled');
  problem(await c.get('/api/v1/session'), 401);
  assert.equal((await socket.closed).code, 4001);
  problem(await new Client(server.url).post('/api/v1/session', user), 422); // unknown members are refused
  problem(await new Client(server.url).post('/api/v1/session', { email: user.email, password: user.password }), 401, 'identity.wrong_login');
  assert.equal((await boss.post(`/api/v1/users/${user.id}/enable`)).body.state, 'active');
  await server.client(user);
  problem(await boss.post(`/api/v1/users/${boss.me.id}/disable`), 409, 'identity.last_owner');
});

test('a new password needs the present one and signs the other browsers out', async () => {
  const user = await hire('agent');
  const one = await server.client(user), two = await server.client(user);
  fieldProblem(await one.post('/api/v1/me/password', { current: 'not this one', password: 'quite a new one' }), 'current', 'identity.wrong_password');
  fieldProblem(await one.post('/api/v1/me/password', { current: user.password, password: 'short' }), 'password', 'identity.password_short');
  assert.equal((await one.post('/api/v1/me/password', { current: user.password, password: 'quite a new one' })).status, 204);
  assert.equal((await one.get('/api/v1/session')).status, 200);
  problem(await two.get('/api/v1/session'), 401);
  await server.client({ ...user, password: 'quite a new one' });
});

test('a second factor is asked for, serves each code once, and recovery codes help out', async () => {
  const user = await hire('agent');
  const c = await server.client(user);
  problem(await c.post('/api/v1/me/totp', { password: 'wrong password' }), 422);
  const { secret, url, qr } = (await c.post('/api/v1/me/totp', { password: user.password })).body;
  assert.match(url, /^otpauth:\/\/totp\/Test:user\d+%40test\.example\?secret=[A-Z2-7]{32}&issuer=Test/);
  assert.match(qr, /^<svg /);
  fieldProblem(await c.post('/api/v1/me/totp/confirm', { code: 'abcdef' }), 'code', 'identity.totp_wrong');
  await calmStep();
  const first = totp(secret, Date.now() - 30000);
  const { recovery_codes } = (await c.post('/api/v1/me/totp/confirm', { code: first })).body;
  assert.equal(recovery_codes.length, 10);
  assert.equal((await c.get('/api/v1/me')).body.totp, true);
  const login = (code) => new Client(server.url).post('/api/v1/session', { email: user.email, password: user.password, ...(code ? { totp: code } : {}) });
  problem(await login(), 401, 'identity.totp_needed');
  problem(await login(first), 401, 'identity.totp_wrong');
  const now = totp(secret);
  assert.equal((await login(now)).status, 200);
  problem(await login(now), 401, 'identity.totp_wrong');
  assert.equal((await login(recovery_codes[0].toUpperCase())).status, 200);
  problem(await login(recovery_codes[0]), 401, 'identity.totp_wrong');
  assert.equal((await c.delete('/api/v1/me/totp')).status >= 400, true);
  const gone = await c.request('DELETE', '/api/v1/me/totp', { password: user.password });
  assert.equal(gone.status, 204, gone.text);
  assert.equal((await login()).status, 200);
});

test('wrong passwords are throttled by account, with Retry-After, across a restart', async () => {
  const user = await hire('agent');
  const attempt = (password) => new Client(server.url).post('/api/v1/session', { email: user.email, password });
  for (let i = 0; i < 5; i++) problem(await attempt('wrong password ' + i), 401, 'identity.wrong_login');
  const waits = await attempt(user.password);
  problem(waits, 429, 'identity.throttled');
  assert.ok(Number(waits.headers.get('retry-after')) > 0);
  await server.stop();
  await server.start();
  problem(await attempt(user.password), 429, 'identity.throttled');
  assert.equal((await boss.get('/api/v1/session')).status, 200, 'a session outlives a restart');
});

test('an API token has its scopes, is shown once, and ends by expiry, by hand and with its user', async () => {
  const r = await boss.post('/api/v1/tokens', { name: 'Shop', scopes: ['contact.read', 'contact.write'] });
  assert.equal(r.status, 201, r.text);
  assert.match(r.body.token, /^yd_[\w-]{43}$/);
  const bearer = (token) => new Client(server.url, { authorization: `Bearer ${token}` });
  const shop = bearer(r.body.token);
  const contact = await shop.post('/api/v1/contacts', { name: 'From the shop' }); // no CSRF token needed
  assert.equal(contact.status, 201, contact.text);
  problem(await shop.get('/api/v1/users'), 403);
  problem(await shop.post('/api/v1/me/password', { current: owner.password, password: 'quite a new one' }), 403, 'identity.session_needed');
  const listed = (await boss.get('/api/v1/tokens')).body.items.find((t) => t.id === r.body.id);
  assert.ok(listed && !listed.token && listed.hint === r.body.token.slice(-4) && listed.last_used_at);
  problem(await bearer(r.body.token.slice(0, -1) + (r.body.token.endsWith('A') ? 'B' : 'A')).get('/api/v1/contacts'), 401, 'identity.bad_token');
  problem(await bearer('yd_').get('/api/v1/contacts'), 401);
  fieldProblem(await boss.post('/api/v1/tokens', { name: 'x', scopes: ['contact.read'], expires_at: '2020-01-01T00:00:00Z' }), 'expires_at', 'identity.expires_in_past');
  problem(await boss.post('/api/v1/tokens', { name: 'x', scopes: [] }), 422);
  const short = (await boss.post('/api/v1/tokens', { name: 'Short', scopes: ['contact.read'], expires_at: new Date(Date.now() + 1500).toISOString() })).body;
  assert.equal((await bearer(short.token).get('/api/v1/contacts')).status, 200);
  await until(async () => (await bearer(short.token).get('/api/v1/contacts')).status === 401, 8000, 'the token expires');
  assert.equal((await boss.delete(`/api/v1/tokens/${r.body.id}`)).status, 204);
  problem(await shop.get('/api/v1/contacts'), 401, 'identity.bad_token');
});

test('nobody makes a token that may do more than they', async () => {
  const role = (await boss.post('/api/v1/roles', { name: 'Integrator', permissions: ['token.write', 'contact.read'] })).body;
  const user = await hire('agent', { roles: [role.id] });
  const c = await server.client(user);
  problem(await c.post('/api/v1/tokens', { name: 'x', scopes: ['user.write'] }), 403, 'identity.more_than_own');
  const { token, id } = (await c.post('/api/v1/tokens', { name: 'x', scopes: ['contact.read'] })).body;
  const program = new Client(server.url, { authorization: `Bearer ${token}` });
  assert.equal((await program.get('/api/v1/contacts')).status, 200);
  assert.deepEqual((await c.get('/api/v1/tokens')).body.items.map((t) => t.id), [id], 'sees only their own');
  await boss.patch(`/api/v1/users/${user.id}`, { roles: [roles.planner.id] });
  problem(await program.get('/api/v1/contacts'), 403);
  await boss.post(`/api/v1/users/${user.id}/disable`);
  problem(await program.get('/api/v1/contacts'), 401);
});

test('the same Idempotency-Key creates once, and another body under it is refused', async () => {
  const key = randomUUID();
  const body = { name: 'Once', email: 'once@test.example' };
  const one = await boss.post('/api/v1/users', body, { 'idempotency-key': key });
  const two = await boss.post('/api/v1/users', body, { 'idempotency-key': key });
  assert.equal(one.status, 201, one.text);
  assert.equal(two.status, 201, two.text);
  assert.equal(two.text, one.text);
  assert.equal(two.headers.get('idempotency-replayed'), 'true');
  assert.equal(two.headers.get('etag'), one.headers.get('etag'));
  problem(await boss.post('/api/v1/users', { ...body, name: 'Other' }, { 'idempotency-key': key }), 422, 'identity.key_other_body');
  problem(await boss.post('/api/v1/users', body, { 'idempotency-key': 'white space' }), 400, 'identity.key_malformed');
  const many = await Promise.all(Array.from({ length: 8 }, () => boss.post('/api/v1/tokens', { name: 'Race', scopes: ['contact.read'] }, { 'idempotency-key': key })));
  assert.ok(many.every((r) => r.status === 201 || r.status === 409), many.map((r) => r.status).join());
  assert.equal((await boss.get('/api/v1/tokens')).body.items.filter((t) => t.name === 'Race').length, 1);
  // an error is not kept: the corrected request may use the key again
  const again = randomUUID();
  problem(await boss.post('/api/v1/users', body, { 'idempotency-key': again }), 422);
  assert.equal((await boss.post('/api/v1/users', { ...body, email: 'corrected@test.example' }, { 'idempotency-key': again })).status, 201);
});

test('If-Match keeps one change from overwriting another', async () => {
  for (const path of ['/api/v1/company', '/api/v1/me', `/api/v1/users/${(await hire('agent')).id}`]) {
    const etag = (await boss.get(path)).headers.get('etag');
    assert.ok(etag, path);
    const one = await boss.patch(path, { name: 'First' }, { 'if-match': etag });
    assert.equal(one.status, 200, one.text);
    assert.notEqual(one.headers.get('etag'), etag);
    problem(await boss.patch(path, { name: 'Second' }, { 'if-match': etag }), 412, 'schema.changed_meanwhile');
    assert.equal((await boss.get(path)).body.name, 'First');
  }
  const path = `/api/v1/users/${(await hire('agent')).id}`, etag = (await boss.get(path)).headers.get('etag');
  const race = await Promise.all(['A', 'B', 'C', 'D'].map((name) => boss.patch(path, { name }, { 'if-match': etag })));
  assert.deepEqual(race.map((r) => r.status).sort(), [200, 412, 412, 412]);
});

test('every change stands in the audit log without its secrets, and the chain holds', async () => {
  const user = await hire('agent');
  const contact = (await boss.post('/api/v1/contacts', { name: 'Audited', email: 'audited@test.example' })).body;
  await boss.patch(`/api/v1/contacts/${contact.id}`, { name: 'Changed' });
  const of = async (object) => (await boss.get(`/api/v1/audit?filter[object]=${object}`)).body.items.map((e) => e.action);
  assert.deepEqual(await of(user.id), ['user.create']);
  assert.deepEqual(await of(contact.id), ['contact.change', 'contact.create']);
  const all = await boss.get('/api/v1/audit?limit=200');
  assert.ok(all.body.items[0].id > all.body.items.at(-1).id, 'newest first');
  for (const secret of [user.password, owner.password, 'audited@test.example', 'argon2id', 'yd_']) assert.ok(!all.text.includes(secret), secret);
  const entry = all.body.items.find((e) => e.action === 'contact.create' && e.object === contact.id);
  assert.equal(entry.actor_id, boss.me.id);
  assert.equal(entry.actor_kind, 'user');
  assert.ok(entry.address);
  assert.match((await boss.get('/api/v1/audit?filter[action]=session.refuse')).text, /session\.refuse/);
  assert.match(server.command('audit', 'verify'), /\d+/);
});

test('keys rotate while the server runs, and what was sealed before still opens', async () => {
  const user = await hire('agent');
  const c = await server.client(user);
  const { secret } = (await c.post('/api/v1/me/totp', { password: user.password })).body;
  await calmStep();
  assert.equal((await c.post('/api/v1/me/totp/confirm', { code: totp(secret, Date.now() - 30000) })).status, 200);
  server.command('keys', 'rotate');
  await server.client({ ...user, totp: totp(secret) });
  server.command('audit', 'verify');
});
