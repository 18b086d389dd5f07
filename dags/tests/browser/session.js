// What the tests of Airflow share: a page, waiting, and pictures. AIRFLOW_URL: where Airflow is. SCREENSHOTS: a folder for pictures.
// UI_TOKEN: the password of txflow's page, where it has one.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Airflow } from './airflow.js';
import { launch } from './browser.js';

export const RUN_LIMIT = 5 * 60_000, STEP_LIMIT = 120_000; // ms
const SCREENSHOTS = process.env.SCREENSHOTS ?? '';

/** A browser with Airflow on its page, logged in; the caller closes the browser. */
export async function open() {
  const browser = await launch();
  const login = process.env.UI_TOKEN && { httpCredentials: { username: 'browser', password: process.env.UI_TOKEN } };
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...login });
  page.setDefaultTimeout(STEP_LIMIT);
  page.setDefaultNavigationTimeout(STEP_LIMIT);
  const airflow = new Airflow(page, process.env.AIRFLOW_URL);
  await airflow.login();
  return { browser, page, airflow };
}

/** Asks until there is an answer; fails when time is up. */
export async function poll(ask, what, limit = RUN_LIMIT) {
  for (const deadline = Date.now() + limit; ; await new Promise((next) => setTimeout(next, 500))) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `not within ${limit / 1000} s: ${what}`);
  }
}

/** Keeps a picture of a page, where SCREENSHOTS names a folder. */
export async function shoot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.mouse.move(0, 0); // no tooltip
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
}
