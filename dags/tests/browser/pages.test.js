// The pages of the Docker stack: each opens and shows what it must. PAGES: JSON, [{name, url, shows, password}].
import { after, before, test } from 'node:test';
import { launch } from './browser.js';
import { shoot, STEP_LIMIT } from './session.js';

const PAGES = JSON.parse(process.env.PAGES ?? '[]');

let browser;

before(async () => { browser = await launch(); });
after(() => browser?.close());

for (const { name, url, shows, password } of PAGES) {
  test(`${name} shows ${shows}`, async () => {
    const login = password && { httpCredentials: { username: 'browser', password } };
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...login });
    page.setDefaultTimeout(STEP_LIMIT);
    await page.goto(url);
    await page.getByText(shows).first().waitFor();
    await shoot(page, `stack-${name}`);
    await page.close();
  });
}
