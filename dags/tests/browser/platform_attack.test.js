// Pages of other origins attack txflow platform and the ML API with whatever a page can send. The same pages reach a server
// without protection, so that each request is known to be sent. TXFLOW: the binary, else it is built.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch } from './browser.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const START_LIMIT = 120_000; // ms
const dir = mkdtempSync(join(tmpdir(), 'txflow-attack-'));
const children = [];
let browser, clickhouse, registry, mlAPI, naive, evil;
let reached = 0; // requests at the server without protection

/** Starts txflow and calls found with each line of its output until it returns something. */
function start(args, found) {
  const child = spawn(process.env.TXFLOW ?? join(dir, 'txflow'), args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`txflow ${args.join(' ')} does not start`)), START_LIMIT);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const value = found(line);
        if (value) done(clearTimeout(timer) ?? value);
      });
    }
    child.on('exit', (code) => fail(new Error(`txflow ${args.join(' ')} ended with ${code}`)));
  });
}

function serve(handler) {
  return new Promise((done) => {
    const server = createServer(handler).listen(0, '127.0.0.1', () => done(server));
  });
}

const port = (server) => server.address().port;

async function sql(text) {
  const answer = await fetch(clickhouse, { method: 'POST', body: text });
  return (await answer.text()).trim();
}

before(async () => {
  if (!process.env.TXFLOW) execFileSync('go', ['build', '-o', join(dir, 'txflow'), './cmd/txflow'], { cwd: ROOT, stdio: 'inherit' });
  const addresses = {};
  await start(['platform', '--clickhouse-addr', '127.0.0.1:0', '--kafka-addr', '', '--registry-addr', '127.0.0.1:0'], (line) => {
    const [, name, value] = line.match(/^(\w+)=(http.*)$/) ?? [];
    if (name) addresses[name] = value;
    return addresses.CLICKHOUSE_URL && addresses.SCHEMA_REGISTRY_URL;
  });
  ({ CLICKHOUSE_URL: clickhouse, SCHEMA_REGISTRY_URL: registry } = addresses);
  mlAPI = await start(['--log-format', 'json', 'ml-api', '--addr', '127.0.0.1:0'], (line) => line.match(/"url":"(http[^"]+)"/)?.[1]);
  naive = await serve((_, res) => {
    reached++;
    res.setHeader('Access-Control-Allow-Origin', '*').setHeader('Content-Type', 'text/plain').end('secret');
  });
  evil = await serve((_, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html><title>evil</title><body>'));
  browser = await launch('--host-resolver-rules=MAP *.example 127.0.0.1');
  await sql('CREATE TABLE victim (n UInt8) ENGINE = MergeTree ORDER BY n');
  await sql('INSERT INTO victim VALUES (1), (2)');
});

after(async () => {
  await browser?.close();
  for (const child of children) child.kill('SIGTERM');
  naive?.close();
  evil?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs in the page: sends a body to a URL in each way that a page has, and returns the texts that it could read. */
async function attack({ url, query, body }) {
  const read = [];
  const attempt = async (work) => {
    try {
      const text = await work();
      if (text) read.push(text);
    } catch {
      // refused, as it should be
    }
  };
  const loaded = (element, parent = document.body) =>
    new Promise((done) => {
      element.onload = element.onerror = done;
      setTimeout(done, 2000);
      parent.append(element);
    });
  const target = url + query;
  await attempt(() => fetch(target).then((r) => r.text()));
  await attempt(() => fetch(url, { method: 'POST', body }).then((r) => r.text()));
  await attempt(() => fetch(url, { method: 'POST', body, mode: 'no-cors' }).then((r) => r.text()));
  await attempt(() => fetch(url, { method: 'POST', body, mode: 'no-cors', credentials: 'include' }).then((r) => r.text()));
  await attempt(() => fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } }).then((r) => r.text()));
  await attempt(() => fetch(url, { method: 'PUT', body }).then((r) => r.text()));
  await attempt(() => navigator.sendBeacon(url, body) && '');
  await attempt(() => loaded(Object.assign(new Image(), { src: target })) && '');
  await attempt(() => loaded(Object.assign(document.createElement('script'), { src: target })).then(() => ''));
  await attempt(() => loaded(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: target })).then(() => ''));
  await attempt(async () => {
    const frame = Object.assign(document.createElement('iframe'), { src: target, name: `f${Math.random()}` });
    await loaded(frame);
    return frame.contentDocument?.body?.innerText; // null for a page of another origin
  });
  await attempt(async () => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'posted' });
    document.body.append(frame);
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, enctype: 'text/plain', target: 'posted' });
    form.append(Object.assign(document.createElement('input'), { name: body, value: '' }));
    document.body.append(form);
    await new Promise((done) => {
      frame.onload = done;
      setTimeout(done, 2000);
      form.submit();
    });
    frame.remove();
  });
  await attempt(() => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.onloadend = () => done(request.responseText);
    request.send(body);
  }));
  return read;
}

const origins = { 'another host': (p) => `http://evil.example:${p}/`, 'another port': (p) => `http://127.0.0.1:${p}/`, localhost: (p) => `http://localhost:${p}/` };

for (const [name, origin] of Object.entries(origins)) {
  test(`a page of ${name} changes and reads nothing`, async () => {
    const page = await browser.newPage();
    await page.goto(origin(port(evil)));
    const drop = '?query=' + encodeURIComponent('DROP TABLE victim'), select = '?query=' + encodeURIComponent('SELECT n FROM victim');
    const schema = JSON.stringify({ schema: '"string"' });
    const targets = [
      { url: `${clickhouse}/`, query: drop, body: 'DROP TABLE victim' },
      { url: `${clickhouse}/`, query: select, body: 'INSERT INTO victim SELECT 3' },
      { url: `${clickhouse}/`, query: select, body: `SELECT 1 INTO OUTFILE '${dir}/written'` },
      { url: `${registry}/subjects/evil/versions`, query: '', body: schema },
      { url: `${mlAPI}/predict`, query: '', body: '[]' },
    ];
    for (const target of targets) assert.deepEqual(await page.evaluate(attack, target), [], target.url);
    assert.equal(await sql('SELECT groupArray(n) FROM (SELECT n FROM victim ORDER BY n)'), '[1,2]');
    assert.equal(await (await fetch(`${registry}/subjects`)).text().then((t) => t.includes('evil')), false);
    assert.ok(!readdirSync(dir).includes('written'));

    reached = 0;
    const read = await page.evaluate(attack, { url: `http://127.0.0.1:${port(naive)}/`, query: '?x=1', body: 'x' });
    assert.ok(reached >= 12 && read.includes('secret'), `the page sends its requests: ${reached} came, ${read.length} were read`);
    await page.close();
  });
}

test('a name that leads here is refused (DNS rebinding)', async () => {
  const page = await browser.newPage();
  for (const url of [`${clickhouse}/?query=SELECT+n+FROM+victim`, `${registry}/subjects`, `${mlAPI}/openapi.json`]) {
    const answer = await page.goto(url.replace('127.0.0.1', 'rebind.example'));
    assert.equal(answer.status(), 421, url);
  }
  await page.close();
});

test('a link to a query opens, and the documentation of the ML API works', async () => {
  const page = await browser.newPage();
  await page.goto(origins['another port'](port(evil)));
  await page.setContent(`<a href="${clickhouse}/?query=${encodeURIComponent('SELECT sum(n) AS n FROM victim FORMAT JSONCompact')}">rows</a>`);
  await page.click('a');
  await page.waitForURL((url) => url.href.startsWith(clickhouse));
  assert.match(await page.innerText('body'), /"rows": 1/);

  const refused = [];
  page.on('console', (message) => /Content Security Policy/i.test(message.text()) && refused.push(message.text()));
  assert.equal((await page.goto(`${mlAPI}/docs`)).status(), 200);
  await page.waitForLoadState('networkidle');
  assert.deepEqual(refused, []);
  assert.equal(await page.evaluate(() => {
    document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.ran = true">');
    return new Promise((done) => setTimeout(() => done(window.ran ?? false), 300));
  }), false, 'an injected script ran');
  await page.close();
});
