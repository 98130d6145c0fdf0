import type { SteeringSource } from '../../../src/core/steering.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext } from '../../context.ts';
import { textField } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { t } from '../../strings.ts';
import { MAX_WORD } from '../../viewSettings.ts';

/** A vector to be made, or that is there, and what it is called and made of. */
export interface MadeOf {
  readonly source: SteeringSource;
  readonly name: string;
  readonly description: string;
}

/** Fields in which it is chosen what a vector is made of. */
export interface SourceFields {
  readonly root: HTMLElement;
  /** What is chosen; a sentence where something is missing. */
  made(): Promise<MadeOf | string>;
}

/** One or two tokens, whose rows of the unembedding are the vector. */
export function createTokensSource({ host }: PanelContext): SourceFields {
  const typed = { up: ' happy', down: ' sad' };
  const note = el('p', { class: 'caption', role: 'status' });
  const up = textField(t('Towards a token, with its space'), MAX_WORD, ' happy', (text) => (typed.up = text));
  const down = textField(t('Away from a token (may be empty)'), MAX_WORD, ' sad', (text) => (typed.down = text));
  up.set(typed.up);
  down.set(typed.down);
  /** The first token of a text; null: there is none. */
  async function first(text: string): Promise<{ readonly id: number; readonly text: string; readonly of: number } | null> {
    if (text === '') return null;
    const tokens = (await host.query('steering', 'readText', { text })).tokens.filter(({ special }) => !special);
    const [token] = tokens;
    return token === undefined ? null : { id: token.id, text: visibleText(token.text), of: tokens.length };
  }
  return {
    root: el(
      'div',
      { class: 'steering-source' },
      el('div', { class: 'steering-sides' }, up.root, down.root),
      note,
      el(
        'p',
        { class: 'caption' },
        t(
          'A token’s row of the unembedding is the direction in which the last residual makes it likelier, so added late it says the ' +
            'word itself; in early layers it may mean little.',
        ),
      ),
    ),
    made: async () => {
      const [towards, away] = [await first(typed.up), await first(typed.down)];
      if (towards === null) return t('A token is needed to steer towards.');
      if (towards.id === away?.id) return t('Both are the same token: their difference is nothing.');
      note.textContent = [towards, away]
        .flatMap((one) => (one === null || one.of === 1 ? [] : [t('That is {0} tokens: the first, “{1}”, is taken.', one.of, one.text)]))
        .join(' ');
      return {
        source: { kind: 'tokens', token: towards.id, rival: away?.id ?? null },
        name: [towards.text, ...(away === null ? [] : [away.text])].map((text) => text.replaceAll('·', '')).join(' − ') || t('Tokens'),
        description:
          away === null
            ? t('The unembedding’s row of “{0}”.', towards.text)
            : t('The unembedding’s row of “{0}” less that of “{1}”.', towards.text, away.text),
      };
    },
  };
}
