// Independent clients against our server: other people's WebSocket libraries, h2load on HTTP/2, testssl.sh on TLS.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import http2 from 'node:http2';
import { Server, furnish, freePort, root, engine } from './server.mjs';

const run = promisify(execFile);
let server, inbox, dir, tls;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'yingda-tls-'));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')], { stdio: 'ignore' });
  tls = await freePort();
  server = await new Server({ env: { YINGDA_HTTP_TLS_PORT: String(tls), YINGDA_HTTP_TLS_CERTIFICATE: join(dir, 'cert.pem'), YINGDA_HTTP_TLS_KEY: join(dir, 'key.pem') } }).start();
  ({ inbox } = await furnish(server));
});
after(async () => {
  await server.remove();
  rmSync(dir, { recursive: true, force: true });
});
// The interpreter of Debian, which has Debian's packages.
const python = async (script) => {
  const url = `${server.url.replace('http', 'ws')}/ws/widget?inbox=${inbox.key}`;
  const done = await run('/usr/bin/python3', [join(root, 'tests/api/clients', script), url, server.url], { timeout: 120000 }).catch((e) => e);
  assert.ok(!done.code, `${done.stdout}\n${done.stderr}`);
  assert.doesNotMatch(done.stdout, /^FAIL/m);
};
test('python3-websockets: fragments, pings, compression, close codes', () => python('websockets_client.py'));
test('python3-autobahn: frames, pings, compression, close codes', () => python('autobahn_client.py'));

test('h2load: 20,000 requests on HTTP/2 over TLS, all answered', async () => {
  const { stdout } = await run('h2load', ['-n', '20000', '-c', '20', '-m', '10', `https://127.0.0.1:${tls}/api/v1/health`], { timeout: 120000 });
  assert.match(stdout, /Application protocol: h2/);
  assert.match(stdout, /20000 succeeded, 0 failed, 0 errored, 0 timeout/);
});
test('HTTP/2: many streams of one connection, a body, and a refused one', async () => {
  const client = http2.connect(`https://127.0.0.1:${tls}`, { ca: readFileSync(join(dir, 'cert.pem')), servername: 'localhost' });
  const ask = (headers, body) => new Promise((done, refuse) => {
    const q = client.request(headers);
    let status, text = '';
    q.on('response', (h) => { status = h[':status']; });
    q.on('data', (d) => { text += d; });
    q.on('end', () => done({ status, text }));
    q.on('error', refuse);
    q.end(body);
  });
  const all = await Promise.all(Array.from({ length: 60 }, () => ask({ ':path': '/api/v1/health' })));
  assert.ok(all.every((r) => r.status === 200));
  const wrong = await ask({ ':method': 'POST', ':path': '/api/v1/session', 'content-type': 'application/json' }, JSON.stringify({ email: 'a@b.example', password: 'x'.repeat(20) }));
  assert.equal(wrong.status, 401);
  const missing = await ask({ ':path': '/api/v1/nothing' });
  assert.equal(missing.status, 404);
  client.close();
});
test('testssl.sh finds nothing of medium or higher weight but the test certificate', { skip: engine === 'postgres' && 'the same on both stores', timeout: 400000 }, async () => {
  const file = join(dir, 'testssl.json');
  await run('testssl', ['--quiet', '--color', '0', '--fast', '--warnings', 'off', '--ip', 'one', '--phone-out', 'false', '-p', '-s', '-f', '-P', '-U', '--jsonfile', file, `127.0.0.1:${tls}`].filter((a, i, l) => a !== '--phone-out' && l[i - 1] !== '--phone-out'),
    { timeout: 380000, maxBuffer: 2 ** 26 }).catch((e) => { if (e.killed) throw e; });
  const findings = JSON.parse(readFileSync(file, 'utf8'));
  assert.ok(findings.length > 30, 'the tool looked at the server');
  const bad = findings.filter((f) => /^(MEDIUM|HIGH|CRITICAL|WARN|FATAL)$/.test(f.severity) && !/^(cert_|DNS_CAArecord|OCSP|engine_problem|scanTime|clientAuth)/.test(f.id));
  // (The local OpenSSL, by which the tool works, has no RC4 to try with.)
  assert.deepEqual(bad.filter((f) => !/not supported by local OpenSSL/.test(f.finding)).map((f) => `${f.id}: ${f.finding}`), []);
});
