// The page of txflow ui in a real browser: every page with the data of a demo and with hostile text, empty, and with ClickHouse unavailable;
// light and dark, wide and narrow, with and without JavaScript; axe finds no fault. TXFLOW: the binary, else it is built.
// SCREENSHOTS: a folder for pictures.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const START_LIMIT = 180_000; // ms
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'txflow-ui-'));
const txflow = process.env.TXFLOW ?? join(dir, 'txflow');
const children = [];
let browser, full, empty, unavailable, paths;

// Texts that a merchant may have. Those with control characters are rejected, and shown as dead letters.
const HOSTILE = [
  '<script>window.ran = 1</script>', '"><img src=x onerror="window.ran = 1">', "' onmouseover='window.ran=1", 'javascript:window.ran=1',
  '</title><svg onload=window.ran=1>', '{{.Data}}', '=1+1', 'a\u202egnp.exe', 'zero\u200bwidth', 'bell\u0007', 'שלום עולם', 'W'.repeat(3000), '\ufdfa'.repeat(200),
];

/** Starts txflow and returns the first address of its page. */
function start(...args) {
  const child = spawn(txflow, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' } });
  children.push(child);
  const found = {};
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`txflow ${args.join(' ')} does not start`)), START_LIMIT);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const [, name, value] = line.match(/^(\w+)=(http.*)$/) ?? [, 'ML', line.match(/"url":"(http[^"]+)"/)?.[1]];
        if (value) found[name] = value;
        if (found.TXFLOW_UI_URL || found.ML) done(clearTimeout(timer) ?? found);
      });
    }
    child.on('exit', (code) => fail(new Error(`txflow ${args.join(' ')} ended with ${code}`)));
  });
}

function run(args, env) {
  return execFileSync(txflow, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, OTEL_TRACES_EXPORTER: 'none', ...env }, encoding: 'utf8' });
}

const platform = (data) => start('platform', '--data', data, '--clickhouse-addr', '127.0.0.1:0', '--kafka-addr', '127.0.0.1:0', '--registry-addr', '', '--ui-addr', '127.0.0.1:0', '--jaeger-url', '');

async function json(path) {
  const answer = await fetch(new URL(path, full));
  assert.equal(answer.status, 200, path);
  return (await answer.json()).parts;
}

before(async () => {
  if (!process.env.TXFLOW) execFileSync('go', ['build', '-o', txflow, './cmd/txflow'], { cwd: ROOT, stdio: 'inherit' });
  run(['demo', '--file', join(ROOT, 'data/transactions.csv'), '--data', join(dir, 'demo')]);
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  writeFileSync(join(dir, 'hostile.csv'), ['id,description,amount,timestamp,merchant,operation_type,side',
    ...HOSTILE.map((text, i) => `${i + 1},${cell('paid at ' + text)},-${i + 1}.50,2023-0${1 + (i % 9)}-05 10:00:00,${cell(text)},card,debit`)].join('\n') + '\n');
  const [stored, ml] = await Promise.all([platform(join(dir, 'demo')), start('--log-format', 'json', 'ml-api', '--addr', '127.0.0.1:0')]);
  full = stored.TXFLOW_UI_URL;
  run(['run', '--source', '<b>hostile</b>', '--max-reject-ratio', '1', 'hostile.csv'], { CLICKHOUSE_URL: stored.CLICKHOUSE_URL, ML_API_URL: ml.ML });
  empty = (await platform(join(dir, 'empty'))).TXFLOW_UI_URL;
  unavailable = (await start('ui', '--addr', '127.0.0.1:0', '--clickhouse-url', 'http://127.0.0.1:1', '--kafka-brokers', '127.0.0.1:1', '--jaeger-url', '')).TXFLOW_UI_URL;
  browser = await launch();

  const runs = (await json('/runs?format=json')).runs;
  const hostile = runs.find((r) => r.source.includes('hostile')), demo = runs.find((r) => r.source === 'demo');
  const merchants = (await json(`/runs/${hostile.run_id}/rows?format=json`)).rows;
  const dead = (await json('/dead-letters?format=json')).dead_letters;
  const one = (d) => `/dead-letters/one?raw=1&origin=${encodeURIComponent(d.origin)}&partition=${d.partition}&position=${d.position}`;
  paths = {
    overview: '/', net: '/?measure=net', runs: '/runs', run: `/runs/${demo.run_id}`, 'hostile-run': `/runs/${hostile.run_id}`, rows: `/runs/${demo.run_id}/rows`,
    'hostile-rows': `/runs/${hostile.run_id}/rows`, rejected: `/runs/${hostile.run_id}/rejected?raw=1`, duplicates: `/runs/${demo.run_id}/duplicates`, transactions: '/transactions',
    category: '/transactions?category=Rent', 'dead-letters': '/dead-letters?state=all', 'dead-letter': one(dead.find((d) => d.pipeline === 'stream')), 'hostile-dead-letter': one(dead.find((d) => d.pipeline === 'batch')),
    events: '/events', event: `/events/${(await json('/events?format=json')).events[0].event_id}`, stream: '/stream', trace: `/traces/${demo.trace_id}`, nothing: '/nothing',
    transaction: `/transactions/${(await json(`/runs/${demo.run_id}/rows?format=json`)).rows[0].id}`,
    ...Object.fromEntries(merchants.map((m, i) => [`hostile-${i}`, `/transactions/${m.id}`])),
    ...Object.fromEntries(merchants.slice(0, 5).map((m, i) => [`merchant-${i}`, `/transactions?merchant=${encodeURIComponent(m.merchant)}`])),
  };
});

after(async () => {
  await browser?.close();
  await Promise.all(children.map((child) => new Promise((ended) => {
    if (child.exitCode !== null) ended();
    child.on('exit', ended);
    child.kill('SIGTERM');
  })));
  rmSync(dir, { recursive: true, force: true });
});

/** Walks pages: each is whole, runs nothing of what was stored, breaks no policy, fits a phone, and axe finds nothing. */
async function walk(base, all, look) {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme: 'light' });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => /error|warning/.test(message.type()) && !/503|404/.test(message.text()) && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  for (const [name, path] of Object.entries(all)) {
    const answer = await page.goto(base + path);
    await look?.(page, answer, name);
    assert.equal(await page.evaluate('window.ran'), undefined, `${name}: stored text ran`);
    assert.equal(await page.locator('h1').count() > 0, true, `${name} has no heading`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name} is ${over} pixels wider than a phone`);
    await page.evaluate(AXE);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate('axe.run()');
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`), [], `${name}, ${colorScheme}`);
    }
    assert.deepEqual(faults, [], name);
  }
  await context.close();
}

test('every page with the data of a demo and hostile text', () => walk(full, paths, async (page, answer, name) => {
  assert.equal(answer.status(), name === 'nothing' ? 404 : 200, name);
  const markup = await page.locator('main script, main img, main iframe, main [onerror], main [onload], main [onmouseover], main a[href^="javascript:"]').count();
  assert.equal(markup, 0, `${name} has markup of stored text`);
}));

test('every page of an empty platform', async () => {
  const all = { overview: '/', runs: '/runs', transactions: '/transactions', events: '/events', 'dead-letters': '/dead-letters', stream: '/stream', search: '/transactions?q=1' };
  const says = { overview: /Nothing is stored yet/, runs: /No file was run yet/, transactions: /Nothing is stored yet/, events: /No event is stored yet/, 'dead-letters': /None is open/, stream: /txflow stream classify/, search: /No source has this id/ };
  await walk(empty, all, async (page, _, name) => assert.match(await page.innerText('main'), says[name], name));
});

test('every page while ClickHouse is unavailable says what to start', async () => {
  const all = { overview: '/', runs: '/runs', run: '/runs/x', transactions: '/transactions', transaction: '/transactions/81fe8d20-b855-5e84-9566-f6693045d336', 'dead-letters': '/dead-letters', stream: '/stream' };
  await walk(unavailable, all, async (page, answer, name) => {
    assert.equal(answer.status(), 503, name);
    assert.match(await page.innerText('main'), /start one with txflow platform/, name);
  });
});

test('it is read without JavaScript, and a form finds a transaction', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(full);
  assert.match(await page.innerText('main'), /Money by month[\s\S]*Categories[\s\S]*Last runs/);
  await page.fill('#q', '17');
  await page.press('#q', 'Enter');
  await page.waitForURL(/\/transactions/);
  assert.match(await page.innerText('main'), /17/);
  await page.goto(full + '/dead-letters');
  await page.selectOption('#state', 'all');
  await page.click('.filters button');
  await page.waitForURL(/state=all/);
  await context.close();
});

test('the keyboard leads to everything', async () => {
  const page = await browser.newPage();
  await page.goto(full + '/runs');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
  await page.keyboard.press('/');
  assert.equal(await page.evaluate('document.activeElement.id'), 'q');
  await page.locator('main tbody a').first().focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/runs\/./);
  await page.close();
});

test('the stream is looked at again by itself, until that is stopped', async () => {
  const page = await browser.newPage();
  await page.goto(full + '/stream');
  await page.waitForResponse((response) => response.url().endsWith('/stream'), { timeout: 30_000 });
  await page.click('button.live');
  assert.equal(await page.getAttribute('button.live', 'aria-pressed'), 'false');
  await page.close();
});

test('pages of another origin neither read nor frame it', async () => {
  const evil = await new Promise((done) => {
    const server = createServer((_, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html><title>evil</title><body>')).listen(0, '127.0.0.1', () => done(server));
  });
  const page = await browser.newPage();
  await page.goto(`http://localhost:${evil.address().port}/`);
  const read = await page.evaluate(async (target) => {
    const texts = [];
    for (const mode of ['cors', 'no-cors']) await fetch(target + '/runs?format=json', { mode }).then((r) => r.text()).then((text) => text && texts.push(text), () => {});
    const frame = Object.assign(document.createElement('iframe'), { src: target });
    await new Promise((loaded) => { frame.onload = frame.onerror = loaded; document.body.append(frame); });
    try {
      if (frame.contentDocument?.body?.innerText) texts.push('frame');
    } catch { /* refused */ }
    return texts;
  }, full);
  assert.deepEqual(read, []);
  await page.close();
  evil.close();
});

test('pictures', { skip: !process.env.SCREENSHOTS }, async () => {
  mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  for (const [name, path, width, height, colorScheme] of [
    ['ui-overview', '/', 1280, 1500, 'light'], ['ui-overview-dark', '/', 1280, 1500, 'dark'], ['ui-overview-phone', '/', 390, 1100, 'dark'], ['ui-run', paths.run, 1280, 900, 'light'],
    ['ui-event', paths.event, 1280, 900, 'light'], ['ui-rows', paths.rows, 1280, 700, 'light'], ['ui-transaction', paths.transaction, 1280, 900, 'light'], ['ui-dead-letters', '/dead-letters', 1280, 900, 'light'], ['ui-stream', '/stream', 1280, 900, 'dark'],
  ]) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(full + path);
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
    await page.close();
  }
});
