// Runs each measurement against a server of its own with a fresh data folder and prints one line of JSON a measurement.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, readFileSync } from 'node:fs';
import { tmpdir, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { ejabberd } from './peers/ejabberd.mjs';
import { Server, Client, Socket, freePort, root, until, owner } from '../tests/api/server.mjs';

const load = join(root, 'build', 'bench', 'load');
const wanted = process.argv.slice(2);
const parts = wanted.length ? wanted : ['start', 'page', 'durable', 'delivery', 'idle', 'fanout', 'human', 'peers'];
const open = { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '1000000', YINGDA_DESK_NEW_VISITORS_PER_MINUTE: '1000000', YINGDA_DESK_TYPING_EVERY: '0',
  YINGDA_HTTP_MAX_CONNECTIONS_PER_ADDRESS: '100000', YINGDA_HTTP_MAX_CONNECTIONS: '100000' };
console.log(JSON.stringify({ machine: { cpu: cpus()[0].model, cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30) } }));

async function measure(name, mode, args, { env = {}, bot = false } = {}) {
  const server = await new Server({ env: { ...open, ...env } }).start();
  try {
    const boss = await server.client();
    const inbox = (await boss.post('/api/v1/inboxes', { name: 'Bench', bot })).body;
    const line = [mode, '--port', server.port, '--inbox', inbox.key, '--cookie', boss.cookieHeader(), '--pid', server.child.pid, ...args].map(String);
    const r = spawnSync(load, line, { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 900000 });
    const result = r.stdout ? JSON.parse(r.stdout) : { failed: r.stderr };
    if (r.stderr) console.error(r.stderr.slice(0, 2000));
    console.log(JSON.stringify({ name, command: `load ${[mode, ...args].join(' ')}`, ...result }));
    return result;
  } finally {
    await server.remove();
  }
}

async function peer(name, start, mode, args) {
  const dir = mkdtempSync(join(tmpdir(), 'yingda-peer-'));
  const port = await freePort();
  const child = start(port, dir);
  try {
    await until(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => null))?.ok, 20000, name);
    const r = spawnSync(load, [mode, '--port', port, '--inbox', 'x', '--cookie', 'x', '--pid', child.pid, ...args].map(String), { encoding: 'utf8', timeout: 900000 });
    const result = r.stdout ? JSON.parse(r.stdout) : { failed: r.stderr };
    console.log(JSON.stringify({ name, command: `load ${[mode, ...args].join(' ')}`, ...result }));
    return result;
  } finally {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}
const node = (port, dir) => spawn(process.execPath, [join(root, 'bench/peers/node-server.mjs'), port, join(dir, 'chat.db')], { stdio: 'ignore' });
const ratio = (what, ours, theirs, better) => console.log(JSON.stringify({ ratio: what, yingda: ours, peer: theirs, times: +(better === 'less' ? theirs / ours : ours / theirs).toFixed(2) }));

const durable = ['--conversations', 200, '--window', 2, '--seconds', 15];
const fanout = ['--conversations', 1000, '--followers', 5, '--window', 400, '--seconds', 15];
for (const part of parts) {
  if (part === 'start') {
    const server = new Server({ init: false });
    server.command('demo', 'load');
    const from = process.hrtime.bigint();
    await server.start();
    const ms = Number(process.hrtime.bigint() - from) / 1e6;
    const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
    console.log(JSON.stringify({ name: 'start with the demo', first_answer_ms: Math.round(ms), rss_mb: +(Number(status.match(/VmRSS:\s+(\d+)/)[1]) / 1024).toFixed(1),
      binary_mb: +(statSync(join(root, 'build/yingda')).size / 2 ** 20).toFixed(1) }));
    await server.remove();
  } else if (part === 'page') {
    const { default: lighthouse } = await import('../tests/node_modules/lighthouse/core/index.js');
    const { launch, demoServer } = await import('../tests/browser/browser.mjs');
    const server = await demoServer();
    const port = await freePort();
    const browser = await launch([`--remote-debugging-port=${port}`]);
    try {
      const { lhr } = await lighthouse(server.url + '/shop/', { port, output: 'json', logLevel: 'error' });
      const scores = Object.fromEntries(Object.entries(lhr.categories).map(([k, v]) => [k, Math.round(v.score * 100)]));
      console.log(JSON.stringify({ name: 'Lighthouse, the widget\'s demo page', version: lhr.lighthouseVersion, ...scores }));
    } finally {
      await browser.close();
      await server.remove();
    }
  } else if (part === 'durable') await measure('durable messages', 'durable', durable);
  else if (part === 'delivery') await measure('delivery', 'delivery', ['--conversations', 200, '--rate', 1000, '--idle', 5000, '--seconds', 15]);
  else if (part === 'idle') await measure('idle connections', 'idle', ['--steps', '1000,5000,15000']);
  else if (part === 'fanout') await measure('fan-out', 'fanout', fanout);
  else if (part === 'human') await measure('50 agents and 2,000 visitors', 'human', ['--agents', 50, '--visitors', 2000, '--seconds', 300]);
  else if (part === 'peers') {
    const ours = await measure('durable messages', 'durable', durable);
    const theirs = await peer('node: durable messages', node, 'durable', durable);
    ratio('durable messages a second', ours.per_second, theirs.per_second);
    ratio('p99 of the acknowledgement', ours.p99_ms, theirs.p99_ms, 'less');
    const other = await ejabberd(await freePort());
    try {
      const r = spawnSync(join(root, 'build', 'bench', 'xmpp'), ['--port', other.port, ...durable, '--pid', other.pid].map(String), { encoding: 'utf8', timeout: 120000 });
      const archived = r.stdout ? JSON.parse(r.stdout) : { failed: r.stderr };
      console.log(JSON.stringify({ name: 'ejabberd: archived messages', command: `xmpp ${durable.join(' ')}`, ...archived }));
      ratio('durable messages a second, beside ejabberd', ours.per_second, archived.per_second);
    } finally {
      other.stop();
    }
    const a = await measure('fan-out', 'fanout', fanout);
    const b = await peer('node: fan-out', node, 'fanout', fanout);
    ratio('fan-out a second and core', a.per_second_and_core, b.per_second_and_core);
    const c = await measure('idle connections', 'idle', ['--steps', '1000,15000']);
    const d = await peer('node: idle connections', node, 'idle', ['--steps', '1000,15000']);
    ratio('memory of an idle connection', c.bytes_per_connection, d.bytes_per_connection, 'less');
  } else throw new Error(`unknown part ${part}`);
}
