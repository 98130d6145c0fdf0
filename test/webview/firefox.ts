import { firefox, type Browser } from 'playwright-core';
import { ensureFirefox } from '../../scripts/lib/browser.mjs';

/** The one command of Playwright that Firefox does not have: the colours that a page asks for. */
const MISSING = 'emulation.setMediaFeaturesOverride';

/** What of Playwright's own end of a connection is reached for, which it does not offer. */
interface Inside {
  readonly _connection: { toImpl(browser: Browser): { readonly _browserSession: Session } };
}
interface Session {
  send(command: string, parameters: unknown): Promise<unknown>;
}

/** Starts the system's own Firefox, in the colours that a reader has set in it. Throws one sentence where there is none. */
export async function openFirefox(scheme: 'light' | 'dark'): Promise<Browser> {
  const browser = await firefox.launch({
    // Playwright drives its own changed Firefox in a way that this one does not know; this channel by the standard, WebDriver BiDi.
    channel: 'moz-firefox',
    executablePath: ensureFirefox(console.log),
    headless: true,
    timeout: 180_000,
    firefoxUserPrefs: { 'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1 },
  });
  // Every context would fail at its first command; the setting above says the same.
  const { _connection: connection } = browser as unknown as Inside;
  const { _browserSession: session } = connection.toImpl(browser);
  const send = session.send.bind(session);
  session.send = async (command, parameters) => (command === MISSING ? {} : send(command, parameters));
  return browser;
}
