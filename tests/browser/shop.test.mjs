// The customer's side: the demo shop with the widget, and the help centre.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import lighthouse from 'lighthouse';
import { launch, demoServer, watchErrors, axe, shot } from './browser.mjs';
import { freePort } from '../api/server.mjs';

let server, browser;
const errors = [];
before(async () => {
  server = await demoServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.remove();
});

for (const [language, path, question, answer, scheme] of [
  ['zh-CN', '/shop/', '满多少钱包邮？', /99/, 'light'],
  ['en-US', '/shop/en/', 'How much do I have to spend for free shipping?', /99|120/, 'dark'],
]) {
  test(`a customer asks in ${language} and gets the answer with its source`, async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 820 }, colorScheme: scheme, locale: language });
    watchErrors(page, errors, language);
    await page.goto(server.url + path);
    await page.locator('yingda-widget .launcher').click();
    const box = page.locator('yingda-widget .composer textarea');
    await page.locator('yingda-widget .bubble').first().waitFor();
    await box.fill(question);
    await box.press('Enter');
    const source = page.locator('yingda-widget .source').first();
    await source.waitFor();
    assert.match(await page.locator('yingda-widget .theirs .bubble').last().innerText(), answer);
    const help = await source.getAttribute('href');
    await shot(page, `shop-${language}-${scheme}`);
    assert.deepEqual(await axe(page), []);
    const response = await page.request.get(help);
    assert.equal(response.status(), 200, 'the source can be read in the help centre');
    await page.close();
  });
}

test('the widget works under a strict policy, on a phone, and keeps the transcript over a reload', async () => {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: 'zh-CN' });
  watchErrors(page, errors, 'phone');
  const response = await page.goto(server.url + '/shop/');
  assert.match(response.headers()['content-security-policy'] ?? '', /script-src 'self'/);
  assert.doesNotMatch(response.headers()['content-security-policy'], /unsafe-inline|unsafe-eval/);
  await page.locator('yingda-widget .launcher').tap();
  const box = page.locator('yingda-widget .composer textarea');
  await box.fill('怎么开发票');
  await page.locator('yingda-widget .send').tap();
  await page.locator('yingda-widget .theirs .bubble').nth(1).waitFor();
  await shot(page, 'shop-phone');
  await page.reload();
  await page.locator('yingda-widget .launcher').tap();
  await page.locator('yingda-widget .mine .bubble', { hasText: '怎么开发票' }).waitFor();
  await page.close();
});

for (const [name, path] of [['help-zh', '/help/zh-CN/'], ['help-en', '/help/en-US/']]) {
  test(`the help centre (${name}) is readable by everyone`, async () => {
    for (const [width, scheme] of [[1280, 'light'], [390, 'dark']]) {
      const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme: scheme });
      watchErrors(page, errors, name);
      await page.goto(server.url + path);
      await shot(page, `${name}-${width}-${scheme}`);
      assert.deepEqual(await axe(page), []);
      await page.locator('main a').first().click();
      await page.waitForLoadState();
      assert.deepEqual(await axe(page), []);
      await page.close();
    }
  });
}

test('Lighthouse finds the shop page accessible and well made', { timeout: 180000 }, async (t) => {
  const port = await freePort();
  const own = await launch([`--remote-debugging-port=${port}`]);
  try {
    const { lhr } = await lighthouse(server.url + '/shop/', { port, output: 'json', logLevel: 'error', onlyCategories: ['performance', 'accessibility', 'best-practices'] });
    const score = (c) => Math.round(lhr.categories[c].score * 100);
    t.diagnostic(`lighthouse: performance ${score('performance')}, accessibility ${score('accessibility')}, best practices ${score('best-practices')}`);
    // Its performance is a measurement: `bench/run page` prints it.
    for (const what of ['accessibility', 'best-practices']) assert.ok(score(what) >= 95, `${what} ${score(what)}`);
    assert.ok(lhr.audits['total-byte-weight'].numericValue < 150e3, 'the page with the widget is light');
  } finally {
    await own.close();
  }
});

test('no page logged an error', () => assert.deepEqual(errors, []));
