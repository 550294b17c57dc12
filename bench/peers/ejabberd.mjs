// ejabberd of Debian in a temporary folder, with message archive on (SQLite, every message), on loopback.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync, readdirSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';

const schema = '/usr/share/ejabberd/sql/lite.sql'; // Debian's package

export async function ejabberd(port) {
  const dir = mkdtempSync(join(tmpdir(), 'yingda-ejabberd-'));
  chmodSync(dir, 0o777);
  writeFileSync(join(dir, 'ejabberd.yml'), `
loglevel: error
hosts: ["localhost"]
auth_method: internal
auth_password_format: plain
default_db: mnesia
sql_type: sqlite
sql_database: "${dir}/archive.db"
registration_timeout: infinity
acl: {local: {user_regexp: ""}}
access_rules: {local: {allow: local}, c2s: {allow: all}, register: {allow: all}, trusted: {allow: all}}
shaper: {}
shaper_rules: {max_user_sessions: 10, max_user_offline_messages: 100}
listen:
  - {port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, access: c2s, max_stanza_size: 65536, starttls: false}
modules:
  mod_disco: {}
  mod_mam: {default: always, db_type: sql, request_activates_archiving: false, assume_mam_usage: true}
  mod_register: {access: register, ip_access: trusted}
  mod_roster: {}
  mod_stream_mgmt: {}
`);
  writeFileSync(join(dir, 'ejabberdctl.cfg'), `ERLANG_NODE=yingda_bench_${process.pid}@localhost\nINET_DIST_INTERFACE=127.0.0.1\n`);
  execFileSync('sqlite3', [join(dir, 'archive.db'), `.read ${schema}`, 'PRAGMA journal_mode=WAL'], { stdio: ['ignore', 'ignore', 'inherit'] });
  chmodSync(join(dir, 'archive.db'), 0o666);
  const child = spawn('ejabberdctl', ['--config', join(dir, 'ejabberd.yml'), '--ctl-config', join(dir, 'ejabberdctl.cfg'), '--spool', join(dir, 'spool'), '--logs', join(dir, 'log'), 'foreground'],
    { stdio: 'ignore', detached: true, env: { ...process.env, HOME: dir } });
  const up = await new Promise((done) => {
    const end = Date.now() + 60000;
    const look = () => {
      const s = connect(port, '127.0.0.1', () => { s.destroy(); done(true); });
      s.on('error', () => (Date.now() > end ? done(false) : setTimeout(look, 200)));
    };
    look();
  });
  const beam = () => {
    for (const pid of readdirSync('/proc').filter((p) => /^\d+$/.test(p))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (/beam/.test(line.split('\0')[0]) && line.includes(dir)) return Number(pid);
      } catch { /* it ended meanwhile */ }
    }
    return 0;
  };
  const pid = beam();
  return {
    up, pid, dir, port,
    stop() {
      for (const one of [pid, beam()]) if (one) try { process.kill(one, 'SIGKILL'); } catch { /* gone */ }
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* gone */ }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
