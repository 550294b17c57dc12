// The desk over REST: lists and rights, the acts, wrap-up codes, inboxes, uploads and how files are served.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, widget, staff, furnish, cid, until } from './server.mjs';

let server, boss, inbox, agents, one, two;
before(async () => {
  server = await new Server().start();
  ({ boss, inbox, agents } = await furnish(server));
  one = await server.client(agents[0]);
  two = await server.client(agents[1]);
});
after(() => server.remove());

const refused = (r, status, code) => {
  assert.equal(r.status, status, r.text);
  assert.match(r.headers.get('content-type'), /application\/problem\+json/);
  if (code) assert.ok(r.text.includes(code), `${code} in ${r.text}`);
};
const fine = (r, status = 200) => {
  assert.equal(r.status, status, r.text);
  return r.body;
};
async function conversation(text = 'hello there', hello = {}) {
  const visitor = await widget(server, inbox.key, hello);
  const ack = await visitor.ask({ t: 'send', cid: cid(), text });
  assert.equal(ack.t, 'ack', JSON.stringify(ack));
  return { visitor, id: ack.conv, seq: ack.seq };
}
const form = (bytes, name, type) => {
  const f = new FormData();
  f.append('file', new Blob([bytes], { type }), name);
  return f;
};
const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

test('lists filter by state, assignee, inbox and contact, sort, and page without a double', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await conversation(`number ${i}`));
  const ids = new Set(made.map((m) => m.id));
  let seen = [], cursor = '';
  do {
    const page = fine(await boss.get(`/api/v1/conversations?sort=-updated_at&limit=2&filter[inbox]=${inbox.id}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`));
    seen.push(...page.items.map((c) => c.id));
    cursor = page.next;
  } while (cursor);
  assert.equal(new Set(seen).size, seen.length);
  for (const id of ids) assert.ok(seen.includes(id));
  fine(await boss.post(`/api/v1/conversations/${made[0].id}/take`));
  const mine = fine(await boss.get('/api/v1/conversations?filter[assignee]=me&filter[state]=open'));
  assert.deepEqual(mine.items.map((c) => c.id), [made[0].id]);
  assert.equal(mine.items[0].assignee.id, boss.me.id);
  const contact = mine.items[0].contact.id;
  const theirs = fine(await boss.get(`/api/v1/contacts/${contact}/conversations`));
  assert.deepEqual(theirs.items.map((c) => c.id), [made[0].id]);
  refused(await boss.get('/api/v1/conversations?filter[state]=odd'), 422, 'filter');
  refused(await boss.get('/api/v1/conversations/cv_nonsense'), 404);
  fine(await boss.post(`/api/v1/conversations/${made[0].id}/resolve`, { wrap_up: { code: 'other' } }));
  made.forEach((m) => m.visitor.cut());
});

test('an agent sees the team’s and their own, not a colleague’s', async () => {
  const { visitor, id } = await conversation('mine alone');
  fine(await one.post(`/api/v1/conversations/${id}/take`));
  fine(await one.get(`/api/v1/conversations/${id}`));
  refused(await two.get(`/api/v1/conversations/${id}`), 404);
  refused(await two.get(`/api/v1/conversations/${id}/messages`), 404);
  refused(await two.post(`/api/v1/conversations/${id}/messages`, { text: 'me too', cid: cid() }), 404);
  refused(await two.post(`/api/v1/conversations/${id}/take`), 404);
  assert.ok(!fine(await two.get('/api/v1/conversations?limit=200')).items.some((c) => c.id === id));
  fine(await boss.post(`/api/v1/conversations/${id}/assign`, { user: agents[1].id }));
  refused(await one.get(`/api/v1/conversations/${id}`), 404);
  assert.equal(fine(await two.get(`/api/v1/conversations/${id}`)).state, 'open');
  fine(await two.post(`/api/v1/conversations/${id}/resolve`, { wrap_up: { code: 'solved', note: 'done' } }));
  visitor.cut();
});

test('the acts follow the states and tell why not', async () => {
  const { visitor, id } = await conversation('acts');
  refused(await one.post(`/api/v1/conversations/${id}/pending`), 409, 'conversation.not_now');
  fine(await one.post(`/api/v1/conversations/${id}/take`));
  refused(await one.post(`/api/v1/conversations/${id}/take`), 409, 'conversation.assigned_already');
  assert.equal(fine(await one.post(`/api/v1/conversations/${id}/pending`)).state, 'pending');
  await visitor.ask({ t: 'send', cid: cid(), text: 'I am back' });
  assert.equal(fine(await one.get(`/api/v1/conversations/${id}`)).state, 'open');
  refused(await one.post(`/api/v1/conversations/${id}/resolve`, {}), 422, 'wrap_up');
  refused(await one.post(`/api/v1/conversations/${id}/resolve`, { wrap_up: { code: 'invented' } }), 422, 'wrap_up');
  const resolved = fine(await one.post(`/api/v1/conversations/${id}/resolve`, { wrap_up: { code: 'solved', note: 'secret wrap-up' } }));
  assert.deepEqual(resolved.wrap_up, { code: 'solved', note: 'secret wrap-up' });
  refused(await one.post(`/api/v1/conversations/${id}/messages`, { text: 'late', cid: cid() }), 409, 'conversation.resolved');
  assert.equal(fine(await one.post(`/api/v1/conversations/${id}/reopen`)).state, 'open');
  const queued = fine(await one.post(`/api/v1/conversations/${id}/assign`, {}));
  assert.equal(queued.state, 'queued');
  assert.ok(!queued.assignee);
  const names = fine(await boss.get(`/api/v1/conversations/${id}/messages?after=0&limit=100`)).items.filter((m) => m.kind === 'activity').map((m) => m.activity.name);
  assert.deepEqual(names, ['started', 'assigned', 'pending', 'reopened', 'resolved', 'reopened', 'unassigned']);
  await visitor.next((f) => f.t === 'msg' && f.m.activity?.name === 'unassigned');
  assert.ok(!JSON.stringify(visitor.frames).includes('secret wrap-up'), 'a wrap-up never reaches the visitor');
  fine(await boss.post(`/api/v1/conversations/${id}/resolve`, { wrap_up: { code: 'other' } }));
  visitor.cut();
});

test('a message by REST is stored once for its cid, and refused with its reason', async () => {
  const { visitor, id } = await conversation('by rest');
  const key = cid();
  const first = fine(await boss.post(`/api/v1/conversations/${id}/messages`, { text: 'once', cid: key }), 201);
  const again = await boss.post(`/api/v1/conversations/${id}/messages`, { text: 'once', cid: key });
  assert.ok(again.status < 300, again.text);
  assert.equal(again.body.seq, first.seq);
  refused(await boss.post(`/api/v1/conversations/${id}/messages`, { text: '   ', cid: cid() }), 422);
  refused(await boss.post(`/api/v1/conversations/${id}/messages`, { text: 'x', cid: 'not a cid' }), 422);
  refused(await boss.post(`/api/v1/conversations/${id}/messages`, { text: 'x', attachments: ['at_nonsense'] }), 422, 'attachments/0');
  refused(await boss.post(`/api/v1/conversations/${id}/messages`, { text: 'x', odd: 1 }), 422, 'odd');
  refused(await boss.get(`/api/v1/conversations/${id}/messages?limit=1000`), 422, 'limit');
  const page = fine(await boss.get(`/api/v1/conversations/${id}/messages?before=3&limit=1`));
  assert.equal(page.items[0].seq, 2);
  assert.equal(page.more, true);
  visitor.cut();
});

test('uploads are sniffed, belong to their owner, are sent once, and never run in our origin', async () => {
  const { visitor, id } = await conversation('files');
  const token = visitor.welcome.token;
  const visitors = (body, t = token) => fetch(`${server.url}/api/v1/widget/uploads`, { method: 'POST', body, headers: { authorization: `Visitor ${t}` } });
  const up = await visitors(form(dot, '图 片.png', 'text/plain'));
  assert.equal(up.status, 201);
  assert.equal(up.headers.get('access-control-allow-origin'), '*');
  const picture = await up.json();
  assert.deepEqual([picture.name, picture.type, picture.width, picture.height], ['图 片.png', 'image/png', 1, 1]);
  assert.equal((await visitors(form(dot, 'a.png', 'image/png'), 'forged')).status, 401);
  const preflight = await fetch(`${server.url}/api/v1/widget/uploads`, { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' } });
  assert.ok(preflight.status < 300);
  assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/i);
  refused(await boss.post(`/api/v1/conversations/${id}/messages`, { attachments: [picture.id], cid: cid() }), 422); // not the boss's
  const sent = await visitor.ask({ t: 'send', cid: cid(), attachments: [picture.id] });
  assert.equal(sent.t, 'ack');
  assert.equal((await visitor.ask({ t: 'send', cid: cid(), attachments: [picture.id] })).t, 'error');
  const shown = await fetch(new URL(picture.url, server.url));
  assert.equal(shown.status, 200);
  assert.match(shown.headers.get('content-disposition'), /^inline; filename\*=UTF-8''%E5%9B%BE%20/);
  assert.match(shown.headers.get('content-security-policy'), /sandbox/);
  assert.match(shown.headers.get('cache-control'), /private/);
  assert.deepEqual(Buffer.from(await shown.arrayBuffer()), dot);
  assert.equal((await fetch(new URL(picture.url, server.url), { headers: { 'if-none-match': shown.headers.get('etag') } })).status, 304);
  assert.equal((await fetch(new URL(picture.url.slice(0, -2) + 'xx', server.url))).status, 404);
  assert.equal((await fetch(new URL(picture.url.replace(/\?.*/, ''), server.url))).status, 404);
  for (const [name, bytes] of [['page.html', '<!doctype html><script>alert(1)</script>'], ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>']]) {
    const r = await boss.request('POST', '/api/v1/uploads', form(bytes, name, 'image/png'));
    if (r.status >= 300) continue;
    const file = await fetch(new URL(r.body.url, server.url));
    assert.match(file.headers.get('content-disposition'), /^attachment/);
    assert.doesNotMatch(file.headers.get('content-type'), /html|svg/);
    assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
  }
  refused(await boss.request('POST', '/api/v1/uploads', form('', 'empty.txt', 'text/plain')), 422);
  refused(await boss.request('POST', '/api/v1/uploads', form(Buffer.from('7f454c4602010100000000000000000002003e0001000000', 'hex'), 'run', 'image/png')), 415);
  refused(await boss.request('POST', '/api/v1/uploads', new FormData()), 422);
  visitor.cut();
});

test('inboxes and wrap-up codes: created, changed with If-Match, never overwritten by a stale one', async () => {
  const made = await boss.post('/api/v1/inboxes', { name: 'Second', color: '#ABCDEF', greeting: { zh_CN: '您好', en_US: 'Hello' }, origins: ['https://Shop.example/'] });
  const box = fine(made, 201);
  assert.equal(box.color, '#abcdef');
  assert.deepEqual(box.origins, ['https://shop.example']);
  assert.equal(box.enabled, true);
  const etag = (await boss.get(`/api/v1/inboxes/${box.id}`)).headers.get('etag');
  assert.equal(fine(await boss.patch(`/api/v1/inboxes/${box.id}`, { name: 'Renamed' }, { 'if-match': etag })).name, 'Renamed');
  refused(await boss.patch(`/api/v1/inboxes/${box.id}`, { name: 'Stale' }, { 'if-match': etag }), 412);
  refused(await boss.patch(`/api/v1/inboxes/${box.id}`, { origins: ['not an origin'] }), 422, 'origins/0');
  refused(await one.patch(`/api/v1/inboxes/${box.id}`, { name: 'Not mine' }), 403);
  const secret = fine(await boss.post(`/api/v1/inboxes/${box.id}/secret`)).secret;
  assert.ok(secret.length >= 40);
  assert.ok(!(await boss.get(`/api/v1/inboxes/${box.id}`)).text.includes(secret));
  const code = fine(await boss.post('/api/v1/wrap-up-codes', { code: 'vip', name: { zh_CN: '贵宾', en_US: 'VIP' }, position: 9 }), 201);
  refused(await boss.post('/api/v1/wrap-up-codes', { code: 'vip', name: { zh_CN: '又', en_US: 'Again' } }), 409, 'wrap_up.exists');
  refused(await boss.post('/api/v1/wrap-up-codes', { code: 'No Good', name: { zh_CN: '坏', en_US: 'Bad' } }), 422, 'code');
  assert.equal(fine(await boss.patch(`/api/v1/wrap-up-codes/${code.id}`, { enabled: false })).enabled, false);
  assert.ok(fine(await one.get('/api/v1/wrap-up-codes')).items.some((c) => c.code === 'vip'));
});

test('who is here, how much they have, and a queue that moves by itself', async () => {
  const s = await staff(server, one);
  s.send({ t: 'presence', state: 'online' });
  await s.next((f) => f.t === 'presence' && f.state === 'online');
  const me = fine(await one.get('/api/v1/agents')).items.find((a) => a.id === agents[0].id);
  assert.equal(me.presence, 'online');
  assert.equal(me.capacity, 3);
  const waiting = [];
  for (let i = 0; i < 4; i++) {
    const c = await conversation(`wait ${i}`);
    await c.visitor.ask({ t: 'handoff', cid: cid() });
    waiting.push(c);
  }
  const open = async () => fine(await one.get('/api/v1/conversations?filter[assignee]=me&filter[state]=open')).items.map((c) => c.id);
  await until(async () => (await open()).length === 3, 5000, 'three are assigned');
  const last = waiting[3];
  const place = await last.visitor.next('queue');
  assert.equal(place.position, 1);
  assert.ok(place.wait_s > 0);
  fine(await one.post(`/api/v1/conversations/${waiting[0].id}/resolve`, { wrap_up: { code: 'solved' } }));
  await last.visitor.next((f) => f.t === 'conv' && f.conversation.state === 'open');
  assert.ok((await open()).includes(last.id));
  waiting.forEach((w) => w.visitor.cut());
  s.cut();
});
