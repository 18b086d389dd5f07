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

  /** Lets a DAG's schedule run, or not, by the switch on its page. */
  async schedule(dag, on) {
    await this.page.goto(`${this.url}/dags/${dag}`);
    const toggle = this.page.getByTestId('toggle-pause').first(), input = toggle.locator('input');
    await toggle.waitFor();
    if ((await input.isChecked()) === on) return;
    const answer = this.page.waitForResponse((r) => r.url().includes(`/dags/${dag}`) && r.request().method() === 'PATCH');
    await toggle.click();
    if (!(await answer).ok()) throw new Error(`${dag} is not ${on ? 'unpaused' : 'paused'}`);
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

  /** Switches a field on or off, by its label. */
  async toggle(label) {
    await this.page.getByRole('group').filter({ has: this.page.locator('label', { hasText: new RegExp(`^${label}`) }) }).locator('label').last().click();
  }

  /** Opens the form of a backfill and fills it in: days like 2001-01-31, fields by their labels. */
  async openBackfill(dag, { from, to, atOnce, fields }) {
    await this.openForm(dag);
    await this.page.locator('label', { hasText: 'Backfill' }).click();
    for (const [i, day] of [from, to].entries()) {
      const bound = this.page.getByTestId('datetime-input').nth(i), date = this.page.getByPlaceholder('YYYY/MM/DD');
      await bound.click();
      await date.fill(day.replaceAll('-', '/'));
      await bound.click();
      await date.waitFor({ state: 'detached' });
    }
    await this.page.locator('input[type=number]').first().fill(String(atOnce));
    await this.page.getByText('Override parameters on existing runs').click(); // without it Airflow sends no parameters
    for (const [label, value] of Object.entries(fields)) await this.fill(label, value);
  }

  /** Submits the form of a backfill; returns its id. */
  async runBackfill() {
    const answer = this.page.waitForResponse((r) => r.url().endsWith('/backfills') && r.request().method() === 'POST');
    await this.page.getByRole('button', { name: 'Run Backfill' }).click();
    const created = await answer;
    if (!created.ok()) throw new Error(`the backfill: ${created.status()} ${await created.text()}`);
    return (await created.json()).id;
  }

  /** Opens the question that a task asks a human, and returns it as it is shown. */
  async question(dag, run, task) {
    await this.page.goto(`${this.url}/dags/${dag}/runs/${encodeURIComponent(run)}/tasks/${task}/required_actions`);
    await this.page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
    return this.page.locator('body').innerText();
  }

  /** Answers the question that is open. */
  async choose(option) {
    const answer = this.page.waitForResponse((r) => r.url().includes('/hitlDetails') && r.request().method() === 'PATCH');
    await this.page.getByRole('button', { name: option, exact: true }).click();
    await answer;
  }

  /** The log of a task that has ended, as it is shown, once it has the text. */
  async log(dag, run, task, text) {
    await this.page.goto(`${this.url}/dags/${dag}/runs/${encodeURIComponent(run)}/tasks/${task}`);
    await this.page.getByText(text).first().waitFor();
  }

  /** Calls Airflow's API below /api/v2, for what a test waits for or prepares. */
  async api(method, path, body) {
    this.token ??= (await (await fetch(`${this.url}/auth/token`)).json()).access_token;
    const headers = { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${this.url}/api/v2${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** The run's state once it has ended, else "". */
  async ended(dag, run) {
    const { state } = await this.api('GET', `/dags/${dag}/dagRuns/${encodeURIComponent(run)}`);
    return ['success', 'failed'].includes(state) ? state : '';
  }

  /** The state of a task of a run, "" for one that is not there yet. */
  async state(dag, run, task) {
    const { task_instances: tasks } = await this.api('GET', `/dags/${dag}/dagRuns/${encodeURIComponent(run)}/taskInstances`);
    return tasks.find((instance) => instance.task_id === task)?.state ?? '';
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
    await badge.filter({ hasText: /Success|Failed/ }).waitFor({ timeout }).catch(() => {}); // the state says
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
