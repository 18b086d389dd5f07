// The machine's own Chromium: nothing is downloaded.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
// It calls nobody by itself, and runs as root in a container.
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Path of a Chromium: $CHROMIUM, else what the PATH has; "" for none. */
export function executable() {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  return [process.env.CHROMIUM, ...onPath, MAC].find((path) => path && runs(path)) ?? '';
}

/** Launches it, with more arguments; the caller closes it. Throws where playwright-core is not installed. */
export async function launch(...more) {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: executable(), args: [...ARGS, ...more] });
}

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
