// The other DAGs by their forms: a year by a backfill, a reclassification that is approved and one that is rejected, and those that
// take no file. All are started first; they run at the same time.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { after, before, test } from 'node:test';
import { open, poll, shoot } from './session.js';

const HEADER = 'id,description,amount,timestamp,merchant,operation_type,side\n';
const YEAR = 2000 + (Date.now() % 20); // a year that this Airflow has most likely not run yet
const MONTHS = Array.from({ length: 12 }, (_, i) => `${YEAR}-${String(i + 1).padStart(2, '0')}`);
const SOURCE = `browser-${Date.now()}`;
const RECLASSIFY = 'transactions_reclassify';
// What takes no file: the fields to fill in, and what the log of a task says at the end.
const OTHERS = {
  artifacts_prune: [{}, 'prune', 'removed'],
  dead_letters_replay: [{}, 'replay', 'would be replayed'],
  events_reconcile_daily: [{}, 'reconcile', 'reconcile is done'],
  reconcile_daily: [{ 'Source name': SOURCE + '-without-rows' }, 'reconcile_stream', 'reconcile is done'],
  transactions_watch: [{}, 'watch', 'Returned value'],
};
const ARRIVALS = 'transactions_arrivals';

let browser, page, airflow, folder, backfill;
const runs = {};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bank '));
  ({ browser, page, airflow } = await open());
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a file of transactions on these days. */
function file(path, days) {
  const url = join(folder, path);
  mkdirSync(join(url, '..'), { recursive: true });
  writeFileSync(url, HEADER + days.map((day, i) => `${day}-${i},Rent,-1.00,${day} 10:00:00,Landlord,card,debit\n`).join(''));
  return url;
}

test('every form starts its run', async () => {
  for (const month of MONTHS) file(`month=${month}/transactions.csv`, [`${month}-01`]);
  const template = join(folder, 'month={{YYYY-MM}}', 'transactions.csv');
  await airflow.openBackfill('transactions_monthly', {
    from: `${YEAR}-01-01`, to: `${YEAR}-12-31`, atOnce: 3, fields: { 'Source template': template, 'Source name': SOURCE },
  });
  await page.getByText('12 runs will be triggered').waitFor();
  await shoot(page, 'airflow-backfill');
  backfill = await airflow.runBackfill();

  const url = file('few.csv', ['2024-01-01', '2024-01-02', '2024-01-03']);
  await airflow.openForm(RECLASSIFY);
  await airflow.fill('Source file', url);
  await airflow.fill('Source name', SOURCE);
  await airflow.toggle('Store new rows');
  runs.approved = await airflow.trigger();
  const conf = { url, source: SOURCE, store_new: true };
  runs.rejected = (await airflow.api('POST', `/dags/${RECLASSIFY}/dagRuns`, { logical_date: null, conf })).dag_run_id;

  for (const [dag, [fields]] of Object.entries(OTHERS)) {
    await airflow.openForm(dag);
    for (const [label, value] of Object.entries(fields)) await airflow.fill(label, value);
    runs[dag] = await airflow.trigger();
  }
});

let inbox, arrived;
test('a file that arrives in the inbox of a DAG that is switched on starts a batch', async (t) => {
  inbox = (await airflow.api('GET', `/dags/${ARRIVALS}/details`)).params.inbox.value;
  if (!isAbsolute(inbox) || !existsSync(inbox)) return t.skip(`the inbox ${inbox} is no folder here`);
  await airflow.schedule(ARRIVALS, true);
  arrived = join(inbox, `${SOURCE}.csv`);
  writeFileSync(arrived, `${HEADER}arrived-${SOURCE},Rent,-1.00,2024-01-01 10:00:00,Landlord,card,debit\n`);
});

test('one reclassification is approved, and another rejected', async () => {
  const asked = [['rejected', 'Reject', 'failed'], ['approved', 'Approve', 'success']];
  for (const [run] of asked) await poll(async () => (await airflow.state(RECLASSIFY, runs[run], 'approve')) === 'awaiting_input', `${run} asks`);
  for (const [run, option, state] of asked) {
    const question = await airflow.question(RECLASSIFY, runs[run], 'approve');
    assert.match(question, /Of 3 rows 3 are not stored yet and would be added/);
    await shoot(page, 'airflow-approval');
    await airflow.choose(option);
    assert.equal(await poll(() => airflow.ended(RECLASSIFY, runs[run]), `${run} ends`), state, option);
  }
  assert.equal(await airflow.state(RECLASSIFY, runs.rejected, 'load'), 'upstream_failed', 'nothing is stored');
});

for (const [dag, [, task, said]] of Object.entries(OTHERS)) {
  test(`${dag} ends well`, async () => {
    assert.equal(await poll(() => airflow.ended(dag, runs[dag]), `${dag} ends`), 'success');
    await airflow.log(dag, runs[dag], task, said);
  });
}

test('the batch of the file that arrived ends well, and is started once', async (t) => {
  if (!arrived) return t.skip('no file arrived');
  const started = async () => (await airflow.api('GET', '/dags/transactions_batch/dagRuns?limit=100&order_by=-id')).dag_runs
    .filter((run) => run.conf?.url?.endsWith(`/${SOURCE}.csv`));
  const [run] = await poll(async () => { const runs = await started(); return runs.length && runs; }, 'the file starts a batch');
  assert.match(run.dag_run_id, /^arrival__/);
  assert.equal(await poll(() => airflow.ended('transactions_batch', run.dag_run_id), 'the batch ends'), 'success');
  // Its mark is set before the run that saw it ends: from then on it is never taken again.
  await poll(async () => (await airflow.api('GET', `/dags/${ARRIVALS}/dagRuns?limit=100&order_by=-id`)).dag_runs.some((r) => r.state === 'success'), 'the file is marked');
  await airflow.schedule(ARRIVALS, false);
  assert.equal((await started()).length, 1);
  rmSync(arrived);
});

test('twelve months are filled by one backfill', async () => {
  await poll(async () => (await airflow.api('GET', `/backfills/${backfill}`)).completed_at, 'the backfill is complete');
  const { dag_runs: found } = await airflow.api('GET', '/dags/transactions_monthly/dagRuns?run_type=backfill&limit=100&order_by=-id');
  const months = found.filter((run) => run.logical_date.startsWith(String(YEAR))).map((run) => [run.logical_date.slice(0, 7), run.state]);
  assert.deepEqual(months.sort(), MONTHS.map((month) => [month, 'success']));
  await page.goto(`${airflow.url}/dags/transactions_monthly/backfills`);
  await page.getByRole('cell', { name: 'Completed' }).or(page.getByText(`${YEAR}-01-01`)).first().waitFor();
});
