// Airflow's pages, by what a user sees on them.

/** Airflow in a browser. url: its address; timeouts of single steps are the page's own. */
export class Airflow {
  constructor(page, url) {
    this.page = page;
    this.url = url.replace(/\/$/, '');
  }

  /** Opens the start page, with a login where Airflow asks for one: AIRFLOW_USER, AIRFLOW_PASSWORD. */
  async login() {
    await this.page.goto(this.url);
    const form = this.page.locator('input[type=password]');
    const home = this.page.getByRole('link', { name: 'Dags' }).first();
    await form.or(home).first().waitFor();
    if (await form.isVisible()) {
      await this.page.locator('input[name=username]').fill(process.env.AIRFLOW_USER ?? 'admin');
      await form.fill(process.env.AIRFLOW_PASSWORD ?? 'admin');
      await this.page.locator('button[type=submit]').click();
    }
    await home.waitFor();
  }

  /** Opens a DAG's page and its form. */
  async openForm(dag) {
    await this.page.goto(`${this.url}/dags/${dag}`);
    await this.page.getByRole('button', { name: 'Trigger' }).first().click();
    await this.page.getByTestId('trigger-dag-submit').waitFor();
  }

  /** Fills a field, by its label. */
  async fill(label, value) {
    const row = this.page.getByRole('group').filter({ has: this.page.locator('label', { hasText: new RegExp(`^${label}`) }) });
    await row.locator('input').first().fill(value);
  }

  /** Opens a section of the form, like Advanced. */
  async openSection(name) {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Fills the form of a backfill: from and to like 2001-01-31, fields by their labels. Its parameters are sent when override is set. */
  async backfill(dag, { from, to, atOnce, override, fields = {} }) {
    await this.openForm(dag);
    await this.page.getByText('Backfill', { exact: true }).click();
    const dates = this.page.locator('input[type=datetime-local]');
    await dates.nth(0).fill(`${from}T00:00`);
    await dates.nth(1).fill(`${to}T00:00`);
    await this.page.locator('input[inputmode=decimal], input[inputmode=numeric], input[role=spinbutton]').first().fill(String(atOnce));
    if (override) await this.page.getByText('Override parameters on existing runs').click();
    for (const [label, value] of Object.entries(fields)) await this.fill(label, value);
    await this.page.getByRole('button', { name: 'Run Backfill' }).click();
    await this.page.getByText('Backfill generated').waitFor();
  }

  /** Opens what a run asks a human, answers it with the option, and returns the question. */
  async answer(dag, run, option) {
    await this.page.goto(`${this.url}/dags/${dag}/runs/${encodeURIComponent(run)}/tasks/approve`);
    await this.page.getByRole('link', { name: 'Required Action' }).first().click();
    const button = this.page.getByRole('button', { name: option, exact: true });
    await button.waitFor();
    const question = await this.page.locator('main, body').first().innerText();
    return { question, choose: () => button.click() };
  }

  /** Submits the form; returns the run's id. */
  async trigger() {
    await this.page.getByTestId('trigger-dag-submit').click();
    await this.page.waitForURL(/\/runs\/[^/]+$/);
    return decodeURIComponent(this.page.url().split('/runs/')[1]);
  }

  /** Watches the run's page until it has ended; returns the state that it shows, or the last one when time is up. */
  async outcome(run, timeout) {
    const badge = this.page.getByRole('heading', { name: run }).locator('xpath=..').getByTestId('state-badge');
    await badge.filter({ hasText: /Success|Failed/ }).waitFor({ timeout }).catch(() => {}); // the state tells
    return (await badge.innerText()).trim();
  }

  /** The states of a mapped task's instances, opened from the run's column of the grid. */
  async mapped(run, task) {
    await this.page.locator(`a[href$="/runs/${run}/tasks/${task}/mapped"]`).first().click();
    await this.page.waitForURL(new RegExp(`/tasks/${task}/mapped$`));
    // It says [0] until the instances are known.
    const tab = this.page.getByRole('link', { name: /^Task Instances \[[1-9]\d*\]$/ });
    const n = Number((await tab.innerText()).match(/\d+/)[0]);
    await this.page.getByRole('heading', { name: `${n} Task Instance` }).waitFor(); // the table is this task's
    const states = this.page.locator('tbody').getByTestId('state-badge');
    await states.nth(n - 1).waitFor();
    return (await states.allInnerTexts()).map((state) => state.trim());
  }

  /** Opens one of them; its log is what is seen first. */
  async openInstance(index) {
    await this.page.locator(`a[href$="/mapped/${index}"]`).first().click();
    await this.page.getByText('is done').waitFor();
  }

  /** Opens the tab that has the links. */
  async openDetails() {
    await this.page.getByRole('link', { name: 'Details' }).click();
    await this.page.getByText('Extra Links').waitFor();
  }

  /** Follows an extra link to the page that it opens; the caller closes it. */
  async follow(link) {
    const opens = this.page.waitForEvent('popup');
    await this.page.getByRole('link', { name: link, exact: true }).click();
    const page = await opens;
    await page.waitForLoadState();
    return page;
  }
}
