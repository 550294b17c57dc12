// The main job over the real protocols: a question is answered by the bot or reaches a person.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Server, widget, staff, furnish, cid, until } from './server.mjs';

let server, boss, inbox, agents;
before(async () => {
  server = await new Server().start();
  ({ boss, inbox, agents } = await furnish(server));
});
after(() => server.remove());

test('the bot answers in the language of the question and names its source', async () => {
  const visitor = await widget(server, inbox.key);
  assert.equal(visitor.welcome.t, 'welcome');
  for (const [question, answer] of [['how can I return a product', /within 7 days/], ['我想退货怎么办', /7 天/]]) {
    const ack = await visitor.ask({ t: 'send', cid: cid(), text: question });
    assert.equal(ack.t, 'ack');
    const reply = await visitor.next((f) => f.t === 'msg' && f.m.author.kind === 'bot' && f.m.seq > ack.seq);
    assert.match(reply.m.text, answer);
    assert.equal(reply.m.sources.length, 1);
    assert.match(reply.m.sources[0].id, /^kf_/);
  }
  assert.ok(visitor.frames.some((f) => f.t === 'typing' && f.by.kind === 'bot'), 'the bot shows that it types');
  await visitor.close();
});

test('an unknown question is not answered wrongly and a second miss hands off', async () => {
  const visitor = await widget(server, inbox.key);
  await visitor.ask({ t: 'send', cid: cid(), text: 'xylophone tuning lessons on mars' });
  await visitor.ask({ t: 'send', cid: cid(), text: 'qwerty plumbus zorblax' });
  const state = await visitor.next((f) => f.t === 'conv' && f.conversation.state === 'queued', 8000);
  assert.ok(state);
  await visitor.next('queue');
  await visitor.close();
});

test('a person takes over with the whole history, both sides see typing and reads, and the customer rates', async () => {
  const client = await server.client(agents[0]);
  const agent = await staff(server, client);
  assert.equal(agent.welcome.t, 'welcome');
  agent.send({ t: 'presence', state: 'online' });
  await agent.next((f) => f.t === 'presence' && f.state === 'online');

  const visitor = await widget(server, inbox.key);
  await visitor.ask({ t: 'send', cid: cid(), text: 'when do you ship?' });
  await visitor.next((f) => f.t === 'msg' && f.m.author.kind === 'bot');
  const asked = await visitor.ask({ t: 'handoff', cid: cid() });
  assert.equal(asked.t, 'ack');
  const offer = await agent.next((f) => f.t === 'offer' && f.conversation.id === asked.conv, 8000);
  const conv = offer.conversation.id;
  await visitor.next((f) => f.t === 'conv' && f.conversation.state === 'open');

  agent.send({ t: 'follow', conv });
  const history = await agent.next((f) => f.t === 'history' && f.conv === conv);
  const seqs = history.messages.map((m) => m.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => i + 1), 'the transcript has no gap');
  assert.ok(history.messages.some((m) => m.author.kind === 'bot' && m.trace));
  const answered = history.messages.find((m) => m.author.kind === 'bot' && m.trace);
  const trace = await client.get(`/api/v1/conversations/${conv}/trace?seq=${answered.seq}`);
  assert.equal(trace.status, 200);
  assert.match(trace.text, /candidates|score/);

  visitor.send({ t: 'typing', on: true });
  await agent.next((f) => f.t === 'typing' && f.by.kind === 'visitor' && f.on);
  agent.send({ t: 'typing', conv, on: true });
  await visitor.next((f) => f.t === 'typing' && f.by.kind === 'agent' && f.on);

  const note = await agent.ask({ t: 'send', conv, cid: cid(), kind: 'note', text: 'secret note' });
  assert.equal(note.t, 'ack');
  const reply = await agent.ask({ t: 'send', conv, cid: cid(), kind: 'text', text: 'Hello, I am a person.' });
  const got = await visitor.next((f) => f.t === 'msg' && f.m.seq === reply.seq);
  assert.equal(got.m.text, 'Hello, I am a person.');
  assert.ok(!JSON.stringify(visitor.frames).includes('secret note'), 'a note never reaches the visitor');
  visitor.send({ t: 'read', seq: reply.seq });
  await agent.next((f) => f.t === 'read' && f.by === 'visitor' && f.seq >= reply.seq);

  const form = new FormData();
  form.append('file', new Blob([Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')], { type: 'image/png' }), 'dot.png');
  const upload = await client.request('POST', '/api/v1/uploads', form);
  assert.ok(upload.status < 300, upload.text);
  const picture = await agent.ask({ t: 'send', conv, cid: cid(), kind: 'text', attachments: [upload.body.id] });
  const seen = await visitor.next((f) => f.t === 'msg' && f.m.seq === picture.seq);
  assert.equal(seen.m.attachments[0].type, 'image/png');
  assert.equal(seen.m.attachments[0].width, 1);
  const file = await fetch(new URL(seen.m.attachments[0].url, server.url));
  assert.equal(file.status, 200);
  assert.equal(file.headers.get('x-content-type-options'), 'nosniff');

  const codes = (await client.get('/api/v1/wrap-up-codes')).body.items;
  const code = codes[0]?.code ?? (await boss.post('/api/v1/wrap-up-codes', { code: 'other', name: 'Other' })).body.code;
  const resolved = await client.post(`/api/v1/conversations/${conv}/resolve`, { wrap_up: { code, note: 'done' } });
  assert.ok(resolved.status < 300, resolved.text);
  await visitor.next((f) => f.t === 'conv' && f.conversation.state === 'resolved');
  const rated = await visitor.ask({ t: 'rate', cid: cid(), score: 5, comment: 'very good' });
  assert.equal(rated.t, 'ack');
  const after_ = await client.get(`/api/v1/conversations/${conv}`);
  assert.equal(after_.body.state, 'resolved');
  assert.equal(after_.body.rating.score, 5);
  await visitor.close();
  await agent.close();
});

test('the same cid is stored once and acknowledged with the same seq', async () => {
  const visitor = await widget(server, inbox.key);
  const id = cid();
  const one = await visitor.ask({ t: 'send', cid: id, text: 'only once' });
  const two = await visitor.ask({ t: 'send', cid: id, text: 'only once' });
  assert.equal(one.seq, two.seq);
  assert.equal(one.conv, two.conv);
  const list = await boss.get(`/api/v1/conversations/${one.conv}/messages?limit=100`);
  assert.equal(list.body.items.filter((m) => m.text === 'only once').length, 1);
  await visitor.close();
});

test('a client that was away resumes from its last seq without gap or double', async () => {
  const visitor = await widget(server, inbox.key);
  const token = visitor.welcome.token;
  const first = await visitor.ask({ t: 'send', cid: cid(), text: 'before the drop' });
  visitor.cut();
  await visitor.closed;
  for (let i = 0; i < 5; i++) {
    const r = await boss.post(`/api/v1/conversations/${first.conv}/messages`, { kind: 'text', text: `meanwhile ${i}`, cid: cid() });
    assert.ok(r.status < 300, r.text);
  }
  const again = await widget(server, inbox.key, { token, conv: first.conv, seq: first.seq });
  const got = again.welcome.messages.map((m) => m.seq);
  assert.deepEqual(got, got.map((_, i) => first.seq + 1 + i));
  assert.equal(again.welcome.messages.filter((m) => /^meanwhile/.test(m.text ?? '')).length, 5);
  await again.close();
});

test('a restarted server goes on where it stopped', async () => {
  const visitor = await widget(server, inbox.key);
  const token = visitor.welcome.token;
  const sent = await visitor.ask({ t: 'send', cid: cid(), text: 'I want to talk to a human' });
  await visitor.next((f) => f.t === 'conv' && f.conversation.state !== 'bot', 8000);
  await server.stop('SIGKILL');
  await server.start();
  const again = await until(() => widget(server, inbox.key, { token, conv: sent.conv, seq: 0 }).catch(() => null), 8000, 'the widget is back');
  assert.equal(again.welcome.conversation.id, sent.conv);
  const seqs = again.welcome.messages.map((m) => m.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
  await again.close();
});

test('a signed identity is recognised on another device and cannot be forged', async () => {
  const { createHmac } = await import('node:crypto');
  const secret = (await boss.post(`/api/v1/inboxes/${inbox.id}/secret`)).body.secret;
  const hash = createHmac('sha256', secret).update('customer-77').digest('hex');
  const one = await widget(server, inbox.key, { identity: { id: 'customer-77', name: 'Lee', hash } });
  const two = await widget(server, inbox.key, { identity: { id: 'customer-77', hash } });
  assert.equal(one.welcome.contact.id, two.welcome.contact.id);
  assert.equal(one.welcome.contact.verified, true);
  const forged = await widget(server, inbox.key, { identity: { id: 'customer-77', hash: '0'.repeat(64) } });
  assert.notEqual(forged.welcome?.contact?.id, one.welcome.contact.id);
  for (const s of [one, two, forged]) s.cut();
});
