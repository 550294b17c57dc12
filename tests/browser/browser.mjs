// Chromium as a person uses it, and a wire between browser and server that can be cut.
import { chromium } from 'playwright-core';
import { createServer, connect } from 'node:net';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { Server, root, freePort } from '../api/server.mjs';

export const screens = join(root, 'build', 'reports', 'screens');
mkdirSync(screens, { recursive: true });

export async function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required', ...more],
  });
}

// A TCP relay: `cut` breaks every connection and takes no new one, `hang` lets bytes vanish without a word, `mend` is a good network again.
export class Wire {
  constructor(port) { Object.assign(this, { to: port, pairs: new Set(), state: 'good' }); }
  async start() {
    this.port = await freePort();
    this.server = createServer((near) => {
      if (this.state === 'cut') return near.destroy();
      const far = connect(this.to, '127.0.0.1');
      const pair = { near, far };
      this.pairs.add(pair);
      const end = () => { near.destroy(); far.destroy(); this.pairs.delete(pair); };
      near.on('data', (d) => { if (this.state === 'good' && !pair.dead) far.write(d); else pair.dead = true; });
      far.on('data', (d) => { if (this.state === 'good' && !pair.dead) near.write(d); else pair.dead = true; });
      for (const s of [near, far]) { s.on('error', end); s.on('close', end); }
    });
    await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }
  cut() { this.state = 'cut'; for (const p of this.pairs) { p.near.destroy(); p.far.destroy(); } }
  hang() { this.state = 'hang'; for (const p of this.pairs) p.dead = true; }
  mend() { this.state = 'good'; for (const p of [...this.pairs]) if (p.dead) { p.near.destroy(); p.far.destroy(); } }
  stop() { this.cut(); this.server.close(); }
}

// The demo company in a fresh data folder.
export async function demoServer(env = {}) {
  const server = new Server({ init: false, env: { YINGDA_IDENTITY_ARGON2_MIB: '8', ...env } });
  server.command('demo', 'load');
  await server.start();
  return server;
}
export const demoPassword = 'demo-password-2026';

// Errors that a page logs are failures, but for the network ones that a cut wire makes.
export function watchErrors(page, errors, label) {
  page.on('pageerror', (e) => errors.push(`${label}: ${e.message}`));
  page.on('console', (m) => {
    if (m.type() !== 'error' && !/Content Security Policy/.test(m.text())) return;
    if (/WebSocket connection|ERR_CONNECTION|ERR_EMPTY|ERR_INTERNET|Failed to load resource/.test(m.text())) return;
    errors.push(`${label}: ${m.text()}`);
  });
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// Serious and critical violations of the page as it stands, shadow roots included.
export async function axe(page) {
  const session = await page.context().newCDPSession(page);
  // By the debugger, since the pages' own policy lets no foreign script in.
  await session.send('Runtime.evaluate', { expression: `${axeSource};0` });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then((r) => JSON.stringify(r.violations.filter((v) => /serious|critical/.test(v.impact)).map((v) => v.id + ': ' + v.help + ' — ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | '))))`,
    awaitPromise: true, returnByValue: true,
  });
  await session.detach();
  return JSON.parse(result.value);
}
export const shot = (page, name) => page.screenshot({ path: join(screens, `${name}.png`) });
