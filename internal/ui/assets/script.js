// Makes pages that work without it nicer: copies commands, shows times in the reader's zone, looks again by itself, shows a trace in place.
'use strict';

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** Adds what the page's own elements lack; called again for what is loaded later. */
function dress(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.title = `${local.format(at)}, your time`;
  }
  if (navigator.clipboard && window.isSecureContext) {
    for (const code of root.querySelectorAll('code[data-copy]')) {
      const button = Object.assign(document.createElement('button'), { type: 'button', className: 'copy', textContent: 'Copy' });
      button.setAttribute('aria-label', `Copy ${code.textContent.slice(0, 60)}`);
      const text = code.textContent;
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(text);
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      });
      code.after(button);
    }
  }
  for (const section of root.querySelectorAll('[data-trace]')) showTrace(section);
}

/** The page at an address, parsed and not run; null when there is none now. */
async function page(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: 'text/html' } });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), 'text/html') : null;
  } catch {
    return null;
  }
}

/** Puts the spans of a trace below its ids. */
async function showTrace(section) {
  const address = section.dataset.trace;
  delete section.dataset.trace;
  const spans = (await page(address))?.querySelector('#waterfall');
  if (!spans) return;
  const box = document.createElement('div');
  box.append(...spans.childNodes);
  section.append(box);
  dress(box);
}

/** Looks again every so many seconds while somebody looks, reads nothing else and has not stopped it. */
function keepLooking(seconds) {
  const name = 'txflow-live';
  let on = localStorage.getItem(name) !== 'off';
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'live' });
  const show = () => {
    button.textContent = on ? `Live, every ${seconds} s` : 'Not live';
    button.setAttribute('aria-pressed', String(on));
  };
  button.addEventListener('click', () => {
    on = !on;
    localStorage.setItem(name, on ? 'on' : 'off');
    show();
  });
  show();
  document.querySelector('.search').before(button);
  const busy = () => {
    const main = document.getElementById('main');
    return document.hidden || (document.activeElement !== main && main.contains(document.activeElement)) || !document.getSelection().isCollapsed;
  };
  setInterval(async () => {
    if (!on || busy()) return;
    const next = (await page(location.href))?.getElementById('main');
    if (!next || !on || busy()) return;
    const main = document.getElementById('main');
    const open = [...main.querySelectorAll('details')].map((d) => d.open);
    const scrolled = [...main.querySelectorAll('.scroll')].map((s) => s.scrollLeft);
    const fresh = document.importNode(next, true);
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll('details').forEach((d, i) => { d.open = open[i] ?? d.open; });
    main.querySelectorAll('.scroll').forEach((s, i) => { s.scrollLeft = scrolled[i] ?? 0; });
    dress(main);
  }, seconds * 1000);
}

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  event.preventDefault();
  document.getElementById('q').focus();
});

dress(document);
if (document.body.dataset.live) keepLooking(Number(document.body.dataset.live));
