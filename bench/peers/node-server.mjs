// A peer of the same kind: what a careful Node developer would write. WebSocket chat with durable messages: ws and better-sqlite3 in WAL with
// synchronous=FULL, one transaction for all messages that arrived in one turn of the event loop (group commit), ack after the commit.
import { WebSocketServer } from 'ws';
import Database from 'better-sqlite3';
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';

const [port, file] = [Number(process.argv[2]), process.argv[3]];
const db = new Database(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`CREATE TABLE conversation (id INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE message (id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL, seq INTEGER NOT NULL, cid TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL,
    UNIQUE (conversation_id, seq), UNIQUE (conversation_id, cid));`);
const create = db.prepare('INSERT INTO conversation DEFAULT VALUES');
const known = db.prepare('SELECT seq FROM message WHERE conversation_id = ? AND cid = ?');
const next = db.prepare('UPDATE conversation SET last_seq = last_seq + 1 WHERE id = ? RETURNING last_seq');
const insert = db.prepare('INSERT INTO message (conversation_id, seq, cid, text, at) VALUES (?, ?, ?, ?, ?)');

const followers = new Map(); // conversation → sockets
let waiting = [];
function commit() {
  const batch = waiting;
  waiting = [];
  db.exec('BEGIN IMMEDIATE');
  for (const m of batch) {
    const before = known.get(m.conv, m.cid);
    if (before) m.seq = before.seq;
    else {
      m.seq = next.get(m.conv).last_seq;
      m.at = Date.now();
      insert.run(m.conv, m.seq, m.cid, m.text, m.at);
      m.fresh = true;
    }
  }
  db.exec('COMMIT');
  for (const m of batch) {
    m.socket.send(JSON.stringify({ t: 'ack', cid: m.cid, conv: 'cv_' + m.conv, seq: m.seq, at: m.at }));
    if (!m.fresh) continue;
    const frame = JSON.stringify({ t: 'msg', m: { conv: 'cv_' + m.conv, seq: m.seq, kind: 'text', text: m.text, at: m.at } });
    for (const s of followers.get(m.conv) ?? []) s.send(frame);
  }
}

const http = createServer((_, r) => r.end('ok'));
const wss = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 65536 });
wss.on('connection', (socket) => {
  socket.on('message', (data) => {
    const f = JSON.parse(data);
    if (f.t === 'hello') socket.send(JSON.stringify({ t: 'welcome', token: randomUUID(), conversation: null, messages: [] }));
    else if (f.t === 'send') {
      const conv = f.conv ? Number(f.conv.slice(3)) : (socket.conv ??= Number(create.run().lastInsertRowid));
      if (!waiting.length) setImmediate(commit);
      waiting.push({ socket, conv, cid: f.cid, text: f.text });
    } else if (f.t === 'follow') {
      const conv = Number(f.conv.slice(3));
      if (!followers.has(conv)) followers.set(conv, new Set());
      followers.get(conv).add(socket);
      socket.send(JSON.stringify({ t: 'history', conv: f.conv, messages: [] }));
    } else if (f.t === 'typing') {
      const frame = JSON.stringify({ t: 'typing', conv: 'cv_' + socket.conv, by: { kind: 'visitor' }, on: true, text: f.text });
      for (const s of followers.get(socket.conv) ?? []) s.send(frame);
    } else if (f.t === 'ping') socket.send('{"t":"pong"}');
  });
});
http.listen(port, '127.0.0.1', () => console.log('listening'));
process.on('SIGTERM', () => process.exit(0));
