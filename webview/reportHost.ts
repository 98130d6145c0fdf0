// Stands in for VS Code in a report that a browser opens: answers the panel from what the file holds.
import './styles/browserTheme.css';
import { messageOf, userSentence, UserError } from '../src/core/errors.ts';
import type { Translate } from '../src/core/translatable.ts';
import { english } from '../src/core/translatable.ts';
import type { HostMessage, PanelMessage } from '../src/protocol/messages.ts';
import { frozenPanel, type FrozenPanel, type PageLanguage } from '../src/report/frozenPanel.ts';
import { reportOf } from '../src/report/reportFile.ts';
import type { VsCodeApi } from './vscodeApi.ts';

declare global {
  var acquireVsCodeApi: (() => VsCodeApi) | undefined;
}

/** Milliseconds until the browser has read a file that it was given to save. */
const READ_BY = 60_000;

/** The reader's language, where the page has it; else English. */
function pageLanguage(): PageLanguage {
  const languages = globalThis.reportPage?.languages ?? {};
  for (const wanted of navigator.languages) {
    if (/^en\b/i.test(wanted)) break;
    const found = Object.keys(languages).find((known) => known.split('-')[0] === wanted.toLowerCase().split('-')[0]);
    const strings = found === undefined ? undefined : languages[found];
    if (found === undefined || strings === undefined) continue;
    const translate: Translate = (text, ...values) => english(strings[text] ?? text, ...values);
    return { language: found, strings, translate };
  }
  return { language: 'en', strings: {}, translate: english };
}

/** Has the browser save a file. */
function save(name: string, content: string | Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), READ_BY);
}

const language = pageLanguage();
const panel: Promise<FrozenPanel> = reportOf((id) => document.getElementById(id)?.textContent ?? undefined, document.title).then((report) =>
  frozenPanel(report, language, { readsAgain: false, keepsNotes: false }),
);

/** Tells the panel's page a message, as VS Code does. */
function tell(message: HostMessage): void {
  window.dispatchEvent(new MessageEvent('message', { data: message }));
}

async function receive(message: PanelMessage): Promise<void> {
  if (message.type === 'saveFile') return save(message.name, message.content);
  if (message.type === 'copy') return navigator.clipboard.writeText(message.text);
  for (const reply of (await panel).receive(message)) tell(reply);
}

/** Says why the report cannot be shown, above its text. */
function fail(error: unknown): void {
  const text = document.createElement('p');
  text.setAttribute('role', 'alert');
  text.textContent = error instanceof UserError ? userSentence(error, language.translate) : messageOf(error);
  document.getElementById('root')?.prepend(text);
}

globalThis.acquireVsCodeApi = () => ({
  postMessage: (message) => void receive(message).catch(fail),
  getState: () => undefined,
  setState: () => undefined,
});
