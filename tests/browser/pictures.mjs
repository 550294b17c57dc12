// Makes the README's pictures from the demo company: node tests/browser/pictures.mjs (needs a built program). Not a test.
import { join } from 'node:path';
import { root } from '../api/server.mjs';
import { launch, demoServer, demoPassword } from './browser.mjs';

const server = await demoServer();
const browser = await launch();
const folder = join(root, 'docs', 'pictures');
const save = (page, name) => page.screenshot({ path: join(folder, name) });
for (const [language, shop, agent, ask, suffix] of [
  ['en-US', '/shop/en/', 'agent4@demo.example', ['How long until my order is dispatched?', 'What is your return policy?'], ''],
  ['zh-CN', '/shop/', 'agent1@demo.example', ['下单后多久发货？', '支持七天无理由退货吗'], '.zh-CN'],
]) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: language });
  const page = await context.newPage();
  await page.goto(server.url + shop);
  await page.locator('yingda-widget .launcher').click();
  for (const [i, text] of ask.entries()) {
    await page.locator('yingda-widget .composer textarea').fill(text);
    await page.keyboard.press('Enter');
    await page.locator('yingda-widget .source').nth(i).waitFor();
  }
  await page.waitForTimeout(500);
  await save(page, `widget${suffix}.png`);

  const boss = await server.client({ email: 'owner@demo.example', password: demoPassword });
  const items = (await boss.get('/api/v1/conversations?filter[state]=resolved&limit=100')).body.items;
  const wanted = language === 'zh-CN' ? 'zh' : 'en';
  const best = items.filter((c) => c.language === wanted && c.rating && c.last_seq >= 10 && c.last_seq <= 18).sort((a, b) => b.last_seq - a.last_seq)[0] ?? items[0];
  await page.goto(server.url + '/console/');
  await page.locator('#email').fill(agent.replace(/agent\d/, 'supervisor'));
  await page.locator('#password').fill(demoPassword);
  await page.keyboard.press('Enter');
  await page.locator('.rail-presence').waitFor();
  if (language === 'en-US') {
    const me = await server.client({ email: 'supervisor@demo.example', password: demoPassword });
    await me.patch('/api/v1/me', { locale: 'en-US' });
    await page.reload();
  }
  await page.goto(`${server.url}/console/inbox/resolved/${best.id}`);
  await page.locator('.msg .bubble').first().waitFor();
  await page.waitForTimeout(800);
  await save(page, `console${suffix}.png`);
  await context.close();
}
await browser.close();
await server.remove();
