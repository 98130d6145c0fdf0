import { EXAMPLE_TEXTS, examplesIn, type ExampleName } from '../../src/protocol/exampleTexts.ts';
import { exampleNames } from '../stations/stationTexts.ts';
import { t } from '../strings.ts';
import type { Host } from '../vscodeApi.ts';
import { button } from './controls.ts';
import { el } from './dom.ts';
import { displayLanguage } from './format.ts';

/** The keys that run Explain Tokens where the user has set no others, as package.json binds them. */
export function explainKeys(userAgent: string): readonly string[] {
  return userAgent.includes('Macintosh') ? ['Cmd', 'Alt', 'E'] : ['Ctrl', 'Alt', 'E'];
}

/** Stands in a translated sentence for what is no text. */
const PLACE = '\u0000';

/** What an empty panel says: how to begin with a text of one's own, and examples. */
export function startParts(host: Host): readonly HTMLElement[] {
  const keys = el('span', { class: 'keys' }, ...explainKeys(navigator.userAgent).map((key) => el('kbd', {}, key)));
  const sentence = t('Select some text in an editor and press {0}. The context menu has Explain Tokens, too.', PLACE);
  const [before = '', after = ''] = sentence.split(PLACE);
  const open = button(t('Explain the Open Text'), 'primary', () => host.post({ type: 'command', name: 'explain' }));
  return [
    el('h1', {}, t('Look inside a language model')),
    el('p', { class: 'status-text' }, before, keys, after),
    el('div', { class: 'buttons wrap' }, open),
    el('h2', { class: 'start-head' }, t('Or read an example')),
    el('ul', { class: 'start-examples' }, ...examplesIn(displayLanguage()).map((name) => el('li', {}, exampleButton(name, host)))),
    el(
      'p',
      { class: 'caption' },
      t('The model runs on this machine and your text never leaves it, unless you choose an engine elsewhere.'),
    ),
  ];
}

/** An example by its name, with its text. */
function exampleButton(name: ExampleName, host: Host): HTMLElement {
  const text = EXAMPLE_TEXTS[name].text.trim().replaceAll(/\s+/g, ' ');
  const chosen = el(
    'button',
    { type: 'button', class: 'button secondary start-example' },
    el('span', {}, exampleNames()[name]),
    el('span', { class: 'start-text', title: text }, text),
  );
  chosen.addEventListener('click', () => host.post({ type: 'example', name }));
  return chosen;
}
