// 1,000 conversations with the bot and an agent while valgrind watches the server; it must end with no leak and no error.
import { writeFileSync, readFileSync, mkdtempSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'yingda-valgrind-'));
const log = join(dir, 'log');
const wrapper = join(dir, 'yingda');
const root = new URL('../..', import.meta.url).pathname;
// Only `serve` runs under valgrind.
writeFileSync(wrapper, `#!/bin/bash
if [ "$1" = serve ]; then
  exec valgrind --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=9 --suppressions=${root}tests/sanitize/valgrind.supp --log-file=${log} ${root}build/yingda "$@"
fi
exec ${root}build/yingda "$@"
`);
chmodSync(wrapper, 0o755);
process.env.YINGDA_PROGRAM = wrapper;
const { Server, widget, furnish, cid, until } = await import('../api/server.mjs');

const count = Number(process.env.CONVERSATIONS || 1000);
const server = await new Server({ env: { YINGDA_DESK_MESSAGES_PER_10_SECONDS: '100000' } }).start();
let ended;
try {
  const { boss, inbox } = await furnish(server);
  let at = 0;
  const worker = async () => {
    while (at++ < count) {
      const v = await widget(server, inbox.key);
      const ack = await v.ask({ t: 'send', cid: cid(), text: at % 3 ? 'how can I return a product' : '什么时候发货' }, (f) => f.t === 'ack' || f.t === 'error');
      await v.next((f) => f.t === 'msg' && f.m.author.kind === 'bot' && f.m.seq > ack.seq, 60000);
      if (at % 5 === 0) await boss.post(`/api/v1/conversations/${ack.conv}/messages`, { kind: 'text', text: 'hello', cid: cid() });
      await v.close();
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
} finally {
  ended = await server.remove();
}
const report = readFileSync(log, 'utf8');
console.log(report.split('\n').filter((l) => /ERROR SUMMARY|definitely|indirectly|lost:/.test(l)).join('\n'));
if (ended?.code !== 0) {
  console.log(report.slice(-6000));
  console.log(`the server ended with ${JSON.stringify(ended)}`);
  process.exit(1);
}
console.log(`${count} conversations, no leak, no error`);
