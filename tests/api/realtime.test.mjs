// What the two real-time protocols promise beyond the story: resuming, tabs, rights, limits, the queue, typing.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { Server, Socket, widget, staff, furnish, cid, until } from './server.mjs';

let server, boss, inbox, agents, plain; // plain: an inbox without the bot
before(async () => {
  server = await new Server({ env: { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '40' } }).start();
  ({ boss, inbox, agents } = await furnish(server));
  plain = (await boss.post('/api/v1/inboxes', { name: 'Plain', bot: false })).body;
});
after(() => server.remove());

const started = async (text = 'hello there', key = inbox.key) => {
  const visitor = await widget(server, key);
  const ack = await visitor.ask({ t: 'send', cid: cid(), text });
  assert.equal(ack.t, 'ack', JSON.stringify(ack));
  return { visitor, conv: ack.conv, seq: ack.seq };
};
const post = async (conv, text, kind = 'text') => {
  const r = await boss.post(`/api/v1/conversations/${conv}/messages`, { kind, text, cid: cid() });
  assert.ok(r.status < 300, r.text);
  return r.body;
};

test('two tabs of one visitor see the same conversation from its first message on', async () => {
  const one = await widget(server, plain.key);
  const two = await widget(server, plain.key, { token: one.welcome.token });
  assert.equal(one.welcome.contact.id, two.welcome.contact.id);
  const ack = await one.ask({ t: 'send', cid: cid(), text: 'from the first tab' });
  const seen = await two.next((f) => f.t === 'msg' && f.m.seq === ack.seq);
  assert.equal(seen.m.text, 'from the first tab');
  const started_ = await two.next((f) => f.t === 'msg' && f.m.seq === 1);
  assert.equal(started_.m.activity.name, 'started');
  const back = await two.ask({ t: 'send', cid: cid(), text: 'from the second' });
  assert.equal(back.conv, ack.conv);
  await one.next((f) => f.t === 'msg' && f.m.seq === back.seq);
  one.cut(); two.cut();
});

test('a note is withheld from the visitor as hidden, so that seq has no gap', async () => {
  const { visitor, conv } = await started('a question', plain.key);
  const note = await post(conv, 'only for us', 'note');
  const hidden = await visitor.next((f) => f.t === 'msg' && f.m.seq === note.seq);
  assert.equal(hidden.m.kind, 'hidden');
  const from = visitor.frames.length;
  visitor.send({ t: 'history', after: 0, limit: 100 });
  const history = await visitor.next('history', 5000, from);
  assert.deepEqual(history.messages.map((m) => m.seq), history.messages.map((_, i) => i + 1));
  assert.ok(!JSON.stringify(visitor.frames).includes('only for us'));
  visitor.cut();
});

test('history pages in both directions and refuses both at once', async () => {
  const { visitor, conv } = await started('0', plain.key);
  for (let i = 1; i <= 6; i++) await post(conv, String(i));
  const ask = async (frame) => { const from = visitor.frames.length; visitor.send({ t: 'history', ...frame }); return visitor.next((f) => f.t === 'history' || f.t === 'error', 5000, from); };
  const last = await ask({ limit: 2 });
  assert.deepEqual([last.messages.length, last.more], [2, true]);
  const older = await ask({ before: last.messages[0].seq, limit: 2 });
  assert.equal(older.messages[1].seq, last.messages[0].seq - 1);
  const newer = await ask({ after: older.messages[1].seq, limit: 100 });
  assert.deepEqual([newer.messages[0].seq, newer.more], [last.messages[0].seq, false]);
  assert.equal((await ask({ after: 1, before: 3 })).t, 'error');
  visitor.cut();
});

test('frames are refused as a whole, with every fault and in the language of the page', async () => {
  const visitor = await widget(server, inbox.key, { locale: 'zh-CN' });
  const id = cid();
  const e = await visitor.ask({ t: 'send', cid: id, text: 7, nonsense: 1 });
  assert.equal(e.t, 'error');
  assert.deepEqual(e.fields.map((f) => f.field).sort(), ['nonsense', 'text']);
  assert.match(e.title, /[\u4e00-\u9fff]/);
  for (const frame of [{ t: 'send', cid: cid(), text: 'x', attachments: ['at_nonsense'] }, { t: 'send', cid: cid(), text: '   ' }, { t: 'send', cid: cid() },
    { t: 'send', cid: cid(), text: 'x', option: 'kf_nonsense' }, { t: 'rate', cid: cid(), score: 5 }, { t: 'send', cid: cid(), text: 'a\u202eb' }]) {
    assert.equal((await visitor.ask(frame)).t, 'error', JSON.stringify(frame));
  }
  visitor.send({ t: 'hello', locale: 'zh-CN' });
  await visitor.next((f) => f.t === 'error' && f.code === 'frame.greeted');
  assert.equal((await boss.get(`/api/v1/contacts/${visitor.welcome.contact.id}/conversations`)).body.items.length, 0, 'nothing was stored');
  visitor.cut();
});

test('frames before hello are refused and a foreign conversation is not resumed', async () => {
  const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${inbox.key}`, { origin: server.url });
  await s.opened;
  assert.equal((await s.ask({ t: 'send', cid: cid(), text: 'x' })).code, 'frame.hello_first');
  s.cut();
  const { visitor, conv } = await started('secret of the first', plain.key);
  const thief = await widget(server, plain.key, { conv, seq: 0, token: 'v1.forged.token' });
  assert.equal(thief.welcome.conversation, null);
  assert.notEqual(thief.welcome.contact.id, visitor.welcome.contact.id);
  visitor.cut(); thief.cut();
});

test('a visitor who sends too fast is told when to go on, and goes on then', async () => {
  const { visitor } = await started('0', plain.key);
  const ids = Array.from({ length: 60 }, cid);
  ids.forEach((id, i) => visitor.send({ t: 'send', cid: id, text: `m${i}` }));
  const answers = await Promise.all(ids.map((id) => visitor.next((f) => (f.t === 'ack' || f.t === 'error') && f.cid === id, 8000)));
  const refused = answers.filter((a) => a.t === 'error');
  assert.ok(refused.length > 0 && refused.length < 60, `${refused.length} refused`);
  assert.ok(refused.every((a) => a.retry_after > 0 && a.title));
  const seqs = answers.filter((a) => a.t === 'ack').map((a) => a.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), 'what was taken keeps its order');
  visitor.cut();
});

test('asking for a person before any message starts a conversation; places move up as the queue does', async () => {
  const waiting = [];
  for (let i = 0; i < 3; i++) {
    const v = await widget(server, inbox.key);
    const ack = await v.ask({ t: 'handoff', cid: cid() });
    assert.equal(ack.t, 'ack');
    v.conv = ack.conv;
    v.place = (await v.next('queue')).position;
    waiting.push(v);
  }
  assert.ok(waiting[0].place < waiting[1].place && waiting[1].place < waiting[2].place);
  assert.equal(waiting[0].frames.findLast((f) => f.t === 'queue').wait_s, null, 'nobody is online');
  const taken = await boss.post(`/api/v1/conversations/${waiting[0].conv}/take`);
  assert.ok(taken.status < 300, taken.text);
  await waiting[0].next((f) => f.t === 'conv' && f.conversation.state === 'open');
  await waiting[2].next((f) => f.t === 'queue' && f.position === waiting[2].place - 1);
  const again = await widget(server, inbox.key, { token: waiting[2].welcome.token });
  assert.equal((await again.next('queue')).position, waiting[2].place - 1, 'a reloaded page knows its place');
  for (const v of [...waiting, again]) { await boss.post(`/api/v1/conversations/${v.conv}/take`); v.cut(); }
});

test('the console resumes its list after the last event that it saw', async () => {
  const client = await server.client();
  const first = await staff(server, client);
  assert.equal(first.welcome.reset, true);
  assert.ok(Array.isArray(first.welcome.me.permissions) && Number.isInteger(first.welcome.counts.queued));
  const event = first.welcome.event;
  first.cut();
  const { visitor, conv, seq } = await started('while you were away', plain.key);
  const again = await staff(server, client, { event, follow: [{ conv, seq: 1 }] });
  assert.equal(again.welcome.reset, false);
  assert.ok(again.welcome.conversations.some((c) => c.id === conv));
  assert.ok(again.welcome.event > event);
  const history = await again.next((f) => f.t === 'history' && f.conv === conv);
  assert.deepEqual(history.messages.map((m) => m.seq), Array.from({ length: history.messages.length }, (_, i) => i + 2));
  const next = await visitor.ask({ t: 'send', cid: cid(), text: 'and now' });
  await again.next((f) => f.t === 'msg' && f.m.conv === conv && f.m.seq === next.seq);
  await again.next((f) => f.t === 'conv' && f.conversation.id === conv && f.conversation.last_seq >= next.seq);
  const idle = await staff(server, client, { event: again.welcome.event + 1000000 });
  assert.deepEqual(idle.welcome.conversations, []);
  assert.ok(next.seq > seq);
  for (const s of [visitor, again, idle]) s.cut();
});

test('whoever follows learns who looks at the conversation, who types and what the visitor types', async () => {
  const { visitor, conv } = await started('look at this', plain.key);
  const a = await staff(server, await server.client());
  const b = await staff(server, await server.client());
  for (const s of [a, b]) { s.send({ t: 'follow', conv }); await s.next((f) => f.t === 'history' && f.conv === conv); }
  a.send({ t: 'viewing', conv });
  const seen = await b.next((f) => f.t === 'viewers' && f.users.length === 1);
  assert.equal(seen.users[0].id, a.welcome.me.id);
  a.send({ t: 'viewing', conv: null });
  await b.next((f) => f.t === 'viewers' && f.users.length === 0);
  visitor.send({ t: 'typing', on: true, text: 'I wanted to ask' });
  const typing = await b.next((f) => f.t === 'typing' && f.by.kind === 'visitor' && f.on);
  assert.equal(typing.text, 'I wanted to ask');
  await b.next((f) => f.t === 'typing' && f.by.kind === 'visitor' && !f.on, 8500); // nobody repeated it
  a.send({ t: 'typing', conv, on: true });
  await visitor.next((f) => f.t === 'typing' && f.by.kind === 'agent' && f.on);
  const mine = a.frames.filter((f) => f.t === 'typing' && f.by.kind === 'agent');
  a.cut(); // a socket that is gone types no more
  await visitor.next((f) => f.t === 'typing' && f.by.kind === 'agent' && !f.on);
  assert.equal(mine.length, 0, 'one does not see oneself type');
  visitor.cut(); b.cut();
});

test('reads are clipped to what there is', async () => {
  const { visitor, conv, seq } = await started('read me', plain.key);
  const a = await staff(server, await server.client());
  a.send({ t: 'follow', conv });
  await a.next((f) => f.t === 'history' && f.conv === conv);
  visitor.send({ t: 'read', seq: 1e9 });
  const read = await a.next((f) => f.t === 'read' && f.by === 'visitor');
  assert.ok(read.seq >= seq && read.seq < seq + 10);
  a.send({ t: 'read', conv, seq });
  assert.equal((await visitor.next((f) => f.t === 'read' && f.by === 'agent')).seq, seq);
  visitor.cut(); a.cut();
});

test('an agent sees and follows the team\'s and the own conversations, and no colleague\'s', async () => {
  const { visitor, conv } = await started('for the team', plain.key);
  const one = await staff(server, await server.client(agents[0]));
  const two = await staff(server, await server.client(agents[1]));
  for (const s of [one, two]) { s.send({ t: 'follow', conv }); await s.next((f) => f.t === 'history' && f.conv === conv); }
  const taken = await (await server.client(agents[0])).post(`/api/v1/conversations/${conv}/take`);
  assert.ok(taken.status < 300, taken.text);
  await one.next((f) => f.t === 'conv' && f.conversation.id === conv && f.conversation.assignee?.id === one.welcome.me.id);
  await two.next((f) => f.t === 'conv' && f.conversation.id === conv && f.conversation.state === 'open');
  const ack = await visitor.ask({ t: 'send', cid: cid(), text: 'for one pair of eyes' });
  await one.next((f) => f.t === 'msg' && f.m.seq === ack.seq);
  for (const frame of [{ t: 'follow', conv }, { t: 'history', conv }, { t: 'send', conv, cid: cid(), kind: 'text', text: 'x' }, { t: 'send', conv, cid: cid(), kind: 'note', text: 'x' },
    { t: 'viewing', conv }, { t: 'typing', conv, on: true }, { t: 'read', conv, seq: 1 }]) {
    const from = two.frames.length;
    two.send(frame);
    assert.equal((await two.next((f) => f.t === 'error' || f.t === 'ack' || f.t === 'history', 5000, from)).t, 'error', JSON.stringify(frame));
  }
  assert.ok(!JSON.stringify(two.frames).includes('for one pair of eyes'));
  for (const s of [visitor, one, two]) s.cut();
});

test('whoever has nothing to do with conversations is refused, and whoever is signed out is cut off with 4001', async () => {
  const roles = (await boss.get('/api/v1/roles')).body.items;
  const clerk = { email: 'clerk@test.example', password: 'clerk passphrase 1', name: 'Clerk', roles: [roles.find((r) => r.key === 'finance').id] };
  assert.equal((await boss.post('/api/v1/users', clerk)).status, 201);
  const refused = new Socket(`${server.url.replace('http', 'ws')}/ws/console`, { origin: server.url, headers: { cookie: (await server.client(clerk)).cookieHeader() } });
  await refused.opened;
  refused.send({ t: 'hello' });
  assert.equal((await refused.closed).code, 4003);
  const client = await server.client(agents[0]);
  const s = await staff(server, client);
  assert.equal(s.welcome.t, 'welcome');
  await client.delete('/api/v1/session');
  assert.equal((await s.closed).code, 4001);
  const nobody = new Socket(`${server.url.replace('http', 'ws')}/ws/console`, { origin: server.url });
  assert.equal(await nobody.opened.then(() => nobody.closed.then((c) => c.code), () => 4001), 4001);
});

test('a browser that proves an account brings its conversation along', async () => {
  const secret = (await boss.post(`/api/v1/inboxes/${plain.id}/secret`)).body.secret;
  const identity = { id: 'buyer-5', name: 'Kim', hash: createHmac('sha256', secret).update('buyer-5').digest('hex') };
  const known = await widget(server, plain.key, { identity });
  const { visitor, conv } = await started('before I signed in', plain.key);
  const same = await widget(server, plain.key, { token: visitor.welcome.token, identity });
  assert.equal(same.welcome.contact.id, known.welcome.contact.id);
  assert.equal(same.welcome.contact.name, 'Kim');
  assert.equal(same.welcome.conversation.id, conv);
  assert.ok(same.welcome.messages.some((m) => m.activity?.name === 'identified'));
  assert.equal((await visitor.closed).code, 1012, 'the anonymous socket comes back as the account');
  const again = await widget(server, plain.key, { token: visitor.welcome.token });
  assert.equal(again.welcome.contact.id, known.welcome.contact.id, 'its token leads on');
  for (const s of [known, same, again]) s.cut();
});

test('a socket that never says hello is closed', { timeout: 20000 }, async () => {
  const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${inbox.key}`, { origin: server.url });
  await s.opened;
  const { code } = await s.closed;
  assert.equal(code, 4003);
});

test('limits of new visitors from one address come with a time to wait', async () => {
  const strict = await new Server({ env: { YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '2' } }).start();
  try {
    const owner = await strict.client();
    const { key } = (await owner.post('/api/v1/inboxes', { name: 'Strict', bot: false })).body;
    const first = await widget(strict, key);
    await widget(strict, key);
    const third = await widget(strict, key);
    assert.equal(third.welcome.t, 'error');
    assert.ok(third.welcome.retry_after > 0);
    const back = await widget(strict, key, { token: first.welcome.token });
    assert.equal(back.welcome.t, 'welcome', 'who is known comes in');
    await until(() => true);
  } finally {
    await strict.remove();
  }
});
