// The disk fills (SQLite) or the database restarts (PostgreSQL) under load: clear errors meanwhile, recovery without a restart.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, widget, furnish, cid, until, engine } from '../api/server.mjs';

let server, mount;
after(async () => {
  await server?.stop();
  if (mount) { try { execFileSync('umount', [mount]); rmSync(mount, { recursive: true }); } catch { /* gone already */ } }
});
const quiet = { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '1000000', YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '1000000' };

test('a full disk refuses clearly, loses nothing acknowledged, and is over when there is room again', { skip: engine !== 'sqlite' && 'SQLite only', timeout: 120000 }, async (t) => {
  mount = mkdtempSync(join(tmpdir(), 'yingda-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch {
    rmSync(mount, { recursive: true });
    mount = undefined;
    return t.skip('this needs the right to mount a small file system');
  }
  server = await new Server({ env: quiet, dataDir: mount }).start();
  const { boss } = await furnish(server);
  const inbox = (await boss.post('/api/v1/inboxes', { name: 'No bot', bot: false })).body;
  const visitor = await widget(server, inbox.key);
  const acked = [];
  const say = async (text) => {
    const frame = { t: 'send', cid: cid(), text };
    const answer = await visitor.ask(frame);
    if (answer.t === 'ack') acked.push([frame.cid, answer.seq]);
    return answer;
  };
  await say('before');
  const { bavail, bsize } = statfsSync(mount);
  const filler = join(mount, 'filler');
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 96 * 1024)));
  let refusal;
  for (let i = 0; i < 4000 && !refusal; i++) {
    const answer = await say('x'.repeat(4000));
    if (answer.t === 'error') refusal = answer;
  }
  assert.ok(refusal, 'a full disk refuses');
  assert.match(refusal.code, /^store\./);
  assert.ok(refusal.retry_after > 0 && refusal.title);
  const health = await fetch(server.url + '/api/v1/health').catch(() => null);
  assert.ok(health, 'the server goes on');
  rmSync(filler);
  await until(async () => (await say('after')).t === 'ack', 20000, 'messages are taken again');
  const conv = visitor.frames.findLast((f) => f.t === 'ack').conv;
  const stored = [];
  for (let at = 0; ;) {
    const r = await boss.get(`/api/v1/conversations/${conv}/messages?after=${at}&limit=100`);
    if (!r.body.items.length) break;
    stored.push(...r.body.items);
    at = stored.at(-1).seq;
  }
  assert.deepEqual(stored.map((m) => m.seq), stored.map((_, i) => i + 1));
  for (const [id, seq] of acked) assert.equal(stored[seq - 1].cid, id);
  t.diagnostic(`outage: full disk refused with ${refusal.code}, ${acked.length} acknowledged messages kept`);
});

test('a restart of PostgreSQL under load gives clear errors and is over without a restart of ours', { skip: engine !== 'postgres' && 'PostgreSQL only', timeout: 180000 }, async (t) => {
  if (!process.env.YINGDA_TEST_PG_RESTART) return t.skip('the cluster is not ours to restart');
  server = await new Server({ env: quiet }).start();
  const { boss } = await furnish(server);
  const inbox = (await boss.post('/api/v1/inboxes', { name: 'No bot', bot: false })).body;
  const visitor = await widget(server, inbox.key);
  const acked = [];
  let errors = 0, on = true;
  const load = (async () => {
    while (on) {
      const frame = { t: 'send', cid: cid(), text: 'again' };
      for (;;) {
        const answer = await visitor.ask(frame).catch(() => null);
        if (answer?.t === 'ack') { acked.push([frame.cid, answer.seq]); break; }
        if (answer) { errors++; assert.match(answer.code, /^store\./); }
        await new Promise((done) => setTimeout(done, 50));
        if (!on) break;
      }
    }
  })();
  await until(() => acked.length > 50, 20000, 'messages flow');
  execFileSync('bash', ['-c', process.env.YINGDA_TEST_PG_RESTART], { stdio: 'ignore' });
  const before = acked.length;
  await until(() => acked.length > before + 50, 60000, 'messages flow again');
  on = false;
  await load;
  const conv = visitor.frames.findLast((f) => f.t === 'ack').conv;
  const stored = [];
  for (let at = 0; ;) {
    const r = await boss.get(`/api/v1/conversations/${conv}/messages?after=${at}&limit=100`);
    assert.equal(r.status, 200, r.text);
    if (!r.body.items.length) break;
    stored.push(...r.body.items);
    at = stored.at(-1).seq;
  }
  assert.deepEqual(stored.map((m) => m.seq), stored.map((_, i) => i + 1));
  for (const [id, seq] of acked) assert.equal(stored[seq - 1].cid, id);
  t.diagnostic(`outage: PostgreSQL restarted, ${errors} clear errors, ${acked.length} acknowledged messages kept`);
});
