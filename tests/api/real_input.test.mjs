// Real input: the share-trading app's questions (../shared/data/zh-stock-faq) are imported into an empty instance, and every query of its dev
// file is asked through the widget's protocol. What it measures is printed; what must hold (all answered, all traces readable) is asserted.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server, Socket, cid, shared, engine } from './server.mjs';

const data = join(shared, 'zh-stock-faq');
const skip = !existsSync(data) ? 'the evaluation data is not there' : engine === 'postgres' && !process.env.YINGDA_SLOW ? 'once is enough: runs on SQLite' : false;

test('every real query is answered through the widget, and each decision can be read', { skip, timeout: 900000 }, async (t) => {
  const open = { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '1000000', YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '1000000', YINGDA_HTTP_MAX_CONNECTIONS_PER_ADDRESS: '10000' };
  const server = new Server({ env: open });
  server.command('init', '--company', 'Test', '--name', 'Owner', '--email', 'owner@test.example', '--password', 'correct horse battery 9');
  server.init = false;
  const from = process.hrtime.bigint();
  const said = server.command('import', 'knowledge', join(data, 'kb.jsonl'), '--default-answer', '{question}');
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  assert.match(said, /240/);
  t.diagnostic(`import: 240 questions in ${seconds.toFixed(2)} s, command included`);
  await server.start();
  try {
    const boss = await server.client();
    const inbox = (await boss.post('/api/v1/inboxes', { name: 'Real', bot: true })).body;
    const standard = new Map(readFileSync(join(data, 'kb.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l)).map((e) => [String(e.id), e.question]));
    const queries = readFileSync(join(data, 'queries_dev.tsv'), 'utf8').trim().split('\n').map((l) => l.split('\t'));
    let first = 0, three = 0, answered = 0, traced = 0, at = 0;
    const verdicts = {};
    const one = async ([id, text]) => {
      const s = new Socket(`${server.url.replace('http', 'ws')}/ws/widget?inbox=${inbox.key}`, { origin: server.url });
      await s.opened;
      s.send({ t: 'hello', locale: 'zh-CN' });
      await s.next('welcome');
      const ack = await s.ask({ t: 'send', cid: cid(), text });
      assert.equal(ack.t, 'ack', JSON.stringify(ack));
      const reply = await s.next((f) => f.t === 'msg' && f.m.author.kind === 'bot' && f.m.seq > ack.seq, 20000);
      answered++;
      const trace = await boss.get(`/api/v1/conversations/${ack.conv}/trace?seq=${reply.m.seq}`);
      if (trace.status === 200 && Array.isArray(trace.body.candidates)) traced++;
      verdicts[trace.body.verdict] = (verdicts[trace.body.verdict] || 0) + 1;
      const titles = (trace.body.candidates || []).map((c) => c.title);
      const wanted = standard.get(id);
      if (titles[0] === wanted) first++;
      if (titles.slice(0, 3).includes(wanted)) three++;
      s.cut();
    };
    await Promise.all(Array.from({ length: 8 }, async () => { while (at < queries.length) await one(queries[at++]); }));
    t.diagnostic(`${queries.length} queries: answered ${answered}, right at first ${(first / queries.length).toFixed(3)}, among three ${(three / queries.length).toFixed(3)}, traces ${traced}, verdicts ${JSON.stringify(verdicts)}`);
    assert.equal(answered, queries.length);
    assert.equal(traced, queries.length);
    assert.ok(first / queries.length > 0.7 && three / queries.length > 0.85, 'far from what plain BM25 gives');
  } finally {
    await server.remove();
  }
});
