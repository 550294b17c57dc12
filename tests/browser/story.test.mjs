// The main job as people see it, in both languages: a customer asks, the bot answers, a person takes over, the network drops, the server is
// killed, the customer rates. Nothing is lost, doubled or out of order, and no page is reloaded.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { launch, demoServer, demoPassword, Wire, watchErrors, axe, shot } from './browser.mjs';
import { root, until } from '../api/server.mjs';

const seconds = Number(process.env.YINGDA_DROP_SECONDS || 60);
const texts = (language) => JSON.parse(readFileSync(join(root, 'web/console/src/locales', `${language}.json`), 'utf8'));
const widgetTexts = (language) => JSON.parse(readFileSync(join(root, 'web/widget/src/locales', `${language}.json`), 'utf8'));
const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

let server, browser, near, far;
const errors = [];
before(async () => {
  server = await demoServer();
  browser = await launch();
  // The demo leaves customers waiting and served; here everybody begins with free hands.
  const boss = await server.client({ email: 'owner@demo.example', password: demoPassword });
  for (let more = true; more;) {
    const running = (await boss.get('/api/v1/conversations?filter[state]=queued,open,pending&limit=100')).body.items;
    for (const one of running) {
      await boss.post(`/api/v1/conversations/${one.id}/take`);
      const done = await boss.post(`/api/v1/conversations/${one.id}/resolve`, { wrap_up: { code: 'order' } });
      assert.ok(done.status < 300, done.text);
    }
    more = running.length > 0;
  }
  near = await new Wire(server.port).start(); // the customer's network
  far = await new Wire(server.port).start(); // the agent's
});
after(async () => {
  await browser?.close();
  near?.stop();
  far?.stop();
  await server?.remove();
});

// The lines of a transcript as a person reads them, oldest first. The console draws only what fits the window: a tall one shows all.
const customerSees = (page) => page.locator('yingda-widget .line:not(.pending) .bubble:not(.typing)').allInnerTexts();
const said = (list) => list.filter((t) => /^story /.test(t)).map((t) => t.trim());

for (const { language, path, agent, question, answer, scheme } of [
  { language: 'zh-CN', path: '/shop/', agent: 'agent1@demo.example', question: '下单后多久发货', answer: /48|16:00/, scheme: 'light' },
  { language: 'en-US', path: '/shop/en/', agent: 'agent4@demo.example', question: 'how long until my order is dispatched', answer: /48|16:00/, scheme: 'dark' },
]) {
  test(`the three steps in ${language}`, { timeout: 400000 }, async () => {
    const t = texts(language), w = widgetTexts(language);
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, locale: language, colorScheme: scheme });
    const shop = await context.newPage();
    watchErrors(shop, errors, `shop ${language}`);
    let loads = 0;

    // 1. The customer and the bot.
    await shop.goto(near.url + path);
    await shop.locator('yingda-widget .launcher').click();
    const box = shop.locator('yingda-widget .composer textarea');
    await box.fill(question);
    await box.press('Enter');
    await shop.locator('yingda-widget .source').first().waitFor();
    assert.match((await customerSees(shop)).join('\n'), answer);
    await box.fill(language === 'zh-CN' ? '退货运费和换货' : 'returns and exchange postage');
    await box.press('Enter');
    await until(async () => (await customerSees(shop)).length >= 5, 8000, 'the second answer');

    // 2. The agent signs in, goes online, and gets the conversation.
    const desk = await context.newPage();
    watchErrors(desk, errors, `console ${language}`);
    await desk.goto(far.url + '/console/');
    await desk.getByLabel(t.signin.email).fill(agent);
    await desk.getByLabel(t.signin.password, { exact: true }).fill(demoPassword);
    await shot(desk, `signin-${language}`);
    await desk.getByRole('button', { name: t.signin.submit }).click();
    await desk.locator('.rail-presence').waitFor();
    desk.on('load', () => loads++);
    shop.on('load', () => loads++);
    await desk.locator('.rail-presence').click();
    await desk.getByRole('menuitem', { name: t.presence.online }).click();
    await desk.locator('.rail-presence .dot-online').waitFor();
    await shop.locator('yingda-widget .person').click();
    await shop.locator('yingda-widget .title p', { hasText: new RegExp(w.with_agent.replace('{0}', '.+')) }).waitFor({ timeout: 10000 });
    await desk.locator('.list .row').first().click();
    await desk.locator('.msg-bot').first().waitFor();
    assert.match(await desk.locator('.transcript').innerText(), answer, 'the whole history is there');
    await desk.getByRole('button', { name: t.transcript.why }).first().click();
    await desk.locator('.ant-drawer').getByText(t.trace.normalised).waitFor();
    await shot(desk, `trace-${language}-${scheme}`);
    await desk.keyboard.press('Escape');

    // Typing and reading, both ways.
    const reply = desk.getByRole('textbox', { name: t.composer.text });
    await reply.pressSequentially('story 1 hello', { delay: 5 });
    await shop.locator('yingda-widget .typing').waitFor();
    await reply.press('Enter');
    await shop.locator('yingda-widget .theirs .bubble', { hasText: 'story 1 hello' }).waitFor();
    await desk.locator('.msg-mine .read').waitFor();
    await box.pressSequentially('story 2 hi', { delay: 5 });
    await desk.getByText(t.inbox.typing).or(desk.locator('.transcript').getByText(/…$/)).first().waitFor();
    await box.press('Enter');
    await desk.locator('.msg-visitor .bubble', { hasText: 'story 2 hi' }).waitFor();
    await shop.locator('yingda-widget .mine .when', { hasText: w.read }).waitFor();

    // A picture, a file, and a note that the customer never sees.
    const file = join(tmpdir(), `yingda-story-${process.pid}.txt`);
    writeFileSync(file, 'what was agreed');
    const picker = desk.locator('.composer input[type=file]');
    await picker.setInputFiles([{ name: 'dot.png', mimeType: 'image/png', buffer: picture }]);
    await desk.getByRole('button', { name: t.composer.send, exact: true }).click();
    await shop.locator('yingda-widget .picture img').waitFor();
    await picker.setInputFiles(file);
    await desk.getByRole('button', { name: t.composer.send, exact: true }).click();
    await shop.locator('yingda-widget .file').waitFor();
    await desk.getByRole('tab', { name: t.composer.note }).click();
    await desk.getByRole('textbox', { name: t.composer.note }).fill('a private thought');
    await desk.getByRole('button', { name: t.composer.addNote }).click();
    await desk.locator('.msg-note', { hasText: 'a private thought' }).waitFor();
    await desk.getByRole('tab', { name: t.composer.text }).click();
    assert.doesNotMatch(await shop.content() + (await customerSees(shop)).join(), /private thought/);
    await shot(desk, `conversation-${language}-${scheme}`);
    await shot(shop, `talk-${language}-${scheme}`);
    assert.deepEqual(await axe(desk), []);
    assert.deepEqual(await axe(shop), []);

    // 3. The customer's network breaks, the agent's goes silent; both write on.
    near.cut();
    far.hang();
    await box.fill('story 3 while away');
    await box.press('Enter');
    await shop.locator('yingda-widget .pending', { hasText: 'story 3 while away' }).waitFor();
    await reply.fill('story 4 from the silence');
    await reply.press('Enter');
    await shop.locator('yingda-widget .banner').waitFor();
    const until_ = Date.now() + seconds * 1000;
    await shot(shop, `away-${language}`);
    await until(() => Date.now() >= until_, seconds * 1000 + 5000, 'a minute without a network');
    near.mend();
    far.mend();
    await shop.locator('yingda-widget .theirs .bubble', { hasText: 'story 4 from the silence' }).waitFor({ timeout: 40000 });
    await desk.locator('.msg-visitor .bubble', { hasText: 'story 3 while away' }).waitFor({ timeout: 40000 });

    // The server is killed in the middle and comes back.
    await server.stop('SIGKILL');
    await box.fill('story 5 to a dead server');
    await box.press('Enter');
    await reply.fill('story 6 to a dead server');
    await reply.press('Enter');
    await server.start();
    await shop.locator('yingda-widget .theirs .bubble', { hasText: 'story 6' }).waitFor({ timeout: 40000 });
    await desk.locator('.msg-visitor .bubble', { hasText: 'story 5' }).waitFor({ timeout: 40000 });
    await until(async () => (await shop.locator('yingda-widget .pending').count()) === 0, 20000, 'nothing waits');
    const customer = said(await customerSees(shop));
    assert.deepEqual([...customer].sort(), ['story 1 hello', 'story 2 hi', 'story 3 while away', 'story 4 from the silence', 'story 5 to a dead server', 'story 6 to a dead server']);
    const staff = said(await desk.locator('.msg .bubble').allInnerTexts());
    assert.deepEqual(staff, customer, 'both sides read the same in the same order');
    assert.equal(loads, 0, 'no page was loaded again');

    // Wrap-up and rating.
    await desk.getByRole('button', { name: t.conversation.resolve, exact: true }).first().click();
    const dialog = desk.getByRole('dialog');
    await dialog.getByRole('radio').first().check();
    await dialog.locator('textarea').fill('all fine');
    await shot(desk, `wrapup-${language}-${scheme}`);
    await dialog.getByRole('button', { name: t.conversation.resolve }).click();
    await shop.locator('yingda-widget .stars button').nth(4).click();
    await shot(shop, `rating-${language}-${scheme}`);
    await shop.locator('yingda-widget .rating .main').click();
    await shop.locator('yingda-widget .activity', { hasText: w.rated }).waitFor();
    await desk.locator('.activity', { hasText: '5' }).last().waitFor();
    await desk.locator('.rail-presence').click();
    await desk.getByRole('menuitem', { name: t.presence.offline }).click();
    await context.close();
  });
}

test('no page logged an error', () => assert.deepEqual(errors, []));
