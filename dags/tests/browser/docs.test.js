// The collector's documentation, /docs, in a real browser: a package is sent from the page with a token, and asked for by the id that was
// answered; light and dark, wide and narrow; axe finds no fault. TXFLOW: the binary, else it is built. SCREENSHOTS: a folder for pictures.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const LIMIT = 180_000; // ms
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TOKEN = 'shop-0123456789abcdef';
const dir = mkdtempSync(join(tmpdir(), 'txflow-docs-'));
const txflow = process.env.TXFLOW ?? join(dir, 'txflow');
const children = [];
let browser, url;

/** Starts txflow and returns what it prints as NAME=VALUE, once it has printed one of a name. */
function start(name, env, ...args) {
  const child = spawn(txflow, args, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, OTEL_TRACES_EXPORTER: 'none', ...env } });
  children.push(child);
  const found = {};
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`txflow ${args.join(' ')} does not start`)), LIMIT);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, key, value] = line.match(/^(\w+)=(.*)$/) ?? [];
      if (key) found[key] = value;
      if (found[name]) done(clearTimeout(timer) ?? found);
    });
    child.on('exit', (code) => fail(new Error(`txflow ${args.join(' ')} ended with ${code}`)));
  });
}

before(async () => {
  if (!process.env.TXFLOW) execFileSync('go', ['build', '-o', txflow, './cmd/txflow'], { cwd: ROOT, stdio: 'inherit' });
  const stored = await start('KAFKA_BROKERS', {}, 'platform', '--data', join(dir, 'platform'), '--clickhouse-addr', '127.0.0.1:0', '--kafka-addr', '127.0.0.1:0', '--registry-addr', '', '--ui-addr', '', '--jaeger-url', '');
  const env = { KAFKA_BROKERS: stored.KAFKA_BROKERS, CLICKHOUSE_URL: `${stored.CLICKHOUSE_URL}/?database=txflow` };
  execFileSync(txflow, ['topics', 'apply'], { cwd: dir, env: { ...process.env, ...env }, stdio: 'ignore' });
  writeFileSync(join(dir, 'tokens'), `shop ${TOKEN}\n`);
  url = `http://${(await start('TXFLOW_COLLECT_ADDR', env, 'collect', '--addr', '127.0.0.1:0', '--schema-id', '1', '--token-file', 'tokens')).TXFLOW_COLLECT_ADDR}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await Promise.all(children.map((child) => new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.removeAllListeners('exit').on('exit', done).kill('SIGTERM');
  })));
  rmSync(dir, { recursive: true, force: true });
});

/** Opens the page; fails on what a script or the policy of the page complains about. */
async function open(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, bypassCSP: false, ...options });
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (fault) => assert.fail(String(fault)));
  page.on('console', (message) => assert.ok(!/Content Security|Uncaught/.test(message.text()), message.text()));
  await page.goto(`${url}/docs`);
  return page;
}

/** Sends what a form of an endpoint says, and returns the status and the answer. */
async function tryIt(form) {
  await form.getByRole('button', { name: 'Try it' }).click();
  await form.locator('.answer').waitFor();
  return { status: await form.locator('.status').textContent(), answer: await form.locator('.answer').textContent() };
}

async function shoot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), animations: 'disabled' });
}

test('a package is sent with a token, and asked for', async () => {
  const page = await open();
  const collect = page.locator('form[data-path="/collect"]'), event = page.locator('form[data-path="/events/{id}"]');
  assert.match((await tryIt(collect)).status, /^401 /);
  await page.getByLabel('Bearer token').fill(TOKEN);
  await collect.getByLabel('Prefer').fill('handling=strict');
  const { status, answer } = await tryIt(collect);
  assert.match(status, /^200 /);
  const { id } = JSON.parse(answer).items[0];
  const command = await collect.locator('.command').textContent();
  assert.ok(command.includes("-H 'Prefer: handling=strict'") && command.includes('$TOKEN') && !command.includes(TOKEN), command);
  assert.equal(await event.getByLabel('id').inputValue(), id);
  for (const deadline = Date.now() + LIMIT; ; ) {
    const asked = await tryIt(event);
    if (/^200 /.test(asked.status)) {
      assert.equal(JSON.parse(asked.answer).id, id);
      break;
    }
    assert.ok(/^404 /.test(asked.status) && Date.now() < deadline, `${asked.status} ${asked.answer}`);
  }
  await page.setViewportSize({ width: 1200, height: 1500 });
  await page.evaluate(() => window.scrollTo({ top: 0, behavior: 'instant' }));
  await shoot(page, 'collect-docs');
  await page.close();
});

for (const [name, options] of Object.entries({ light: {}, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 390, height: 844 } } })) {
  test(`${name}: axe finds nothing, and nothing is wider than the page`, async () => {
    const page = await open({ ...options, bypassCSP: true }); // axe is a script of ours
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'it scrolls sideways');
    await shoot(page, `collect-docs-${name}`);
    await page.close();
  });
}
