// A user's way through transactions_batch: form, green run, mapped tasks, trace, rows. `make test-browser` runs it.
// BROWSER_FILE: another file of 10,000 rows.
import assert from 'node:assert/strict';
import { basename, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { open, poll, RUN_LIMIT, shoot, STEP_LIMIT } from './session.js';

const FILE = process.env.BROWSER_FILE ?? resolve(import.meta.dirname, '../../../data/transactions.csv');
const ROWS = 10_000, CHUNKS = 4;

let browser, page, airflow;

before(async () => ({ browser, page, airflow } = await open()));
after(() => browser?.close());

test('a file is run from the form, and its trace and rows are one click further', async () => {
  await airflow.openForm('transactions_batch');
  await airflow.fill('Source file', FILE);
  await airflow.fill('Source name', 'browser');
  await shoot(page, 'airflow-form');
  await airflow.openSection('Advanced');
  await airflow.fill('Rows a chunk', String(ROWS / CHUNKS));
  const run = await airflow.trigger();

  assert.equal(await airflow.outcome(run, RUN_LIMIT), 'Success', `the run ${run}`);
  await shoot(page, 'airflow-run');
  assert.deepEqual(await airflow.mapped(run, 'classify'), Array(CHUNKS).fill('Success'));
  await shoot(page, 'airflow-classify');
  await airflow.openInstance(0);
  await shoot(page, 'airflow-log');
  await airflow.openDetails();
  await shoot(page, 'airflow-links');

  const rows = await airflow.follow('Rows');
  const table = await rows.locator('body').innerText();
  assert.match(table, /category/i);
  assert.ok(table.includes(basename(FILE)), `the rows do not name the file that they are from:\n${table.slice(0, 1000)}`);
  await rows.setViewportSize({ width: 1300, height: 520 });
  await shoot(rows, 'airflow-rows');
  await rows.close();

  const trace = await airflow.follow('Trace');
  const [, id] = trace.url().match(/\/trace\/([0-9a-f]{32})$/) ?? assert.fail(`no address of a trace: ${trace.url()}`);
  const services = await servicesOf(new URL(`/api/traces/${id}`, trace.url()));
  for (const service of ['airflow', 'txflow-classify', 'txflow-ml-api']) assert.ok(services.has(service), `${service} is not in the trace, only ${[...services]}`);
});

/** The services that have spans in a trace, when Airflow's are there: they arrive a little after the task's end. */
function servicesOf(url) {
  return poll(async () => {
    const answer = await fetch(url);
    if (!answer.ok) return null;
    const [{ processes }] = (await answer.json()).data;
    const services = new Set(Object.values(processes).map((process) => process.serviceName));
    return services.has('airflow') && services;
  }, `the trace at ${url} has Airflow's spans`, STEP_LIMIT);
}
