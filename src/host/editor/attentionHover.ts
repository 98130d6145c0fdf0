import { at } from '../../core/tensor.ts';
import type { Explanation } from '../../core/trace.ts';
import type { Translate } from '../../core/translatable.ts';
import { shortened, visibleToken } from '../../core/visibleText.ts';
import type { AttentionWords } from './attentionMarks.ts';
import { percent } from './hoverText.ts';
import { codeSpan, figure, inMarkdown, joinedMarkdown, type Markdown, type SayMarkdown } from './markdownCode.ts';
import { shownWeights, strongest } from './whyLevels.ts';

/** Words named in a hover. */
const NAMED = 3;
/** Most characters shown of a token. */
const MAX_NAME = 24;

/**
 * Markdown about the attention of a token, for the hover of token `index`; null where that comes after it. `isEdited`: whether a token
 * up to it was edited since.
 */
export function attentionMarkdown(
  explanation: Explanation,
  words: AttentionWords,
  index: number,
  isEdited: boolean,
  translate: Translate,
): Markdown | null {
  const { query, weights, choice } = words;
  if (index > query) return null;
  const t = inMarkdown(translate);
  const name = (token: number): Markdown => {
    const found = explanation.tokens[token];
    return codeSpan(shortened(found ? visibleToken(found) : '', MAX_NAME));
  };
  const share = (token: number): Markdown => figure(percent(at(weights, token)));
  const shown = shownWeights(weights, choice.hideFirst);
  const named = strongest([...shown], NAMED).map((token) => joinedMarkdown([name(token), share(token)], ' '));
  return joinedMarkdown(
    [
      titleOf(words, name(query), explanation.model.heads, t),
      ...(named.length > 0 ? [t('Most of it: {0}', joinedMarkdown(named, ' · '))] : []),
      ...(shown[0] === at(weights, 0) ? [] : [t('The first token, left out here, takes {0}.', share(0))]),
      t('Here: {0}', joinedMarkdown([name(index), share(index)], ' ')),
      ...(isEdited ? [t('These numbers are from before: the text ahead of them was edited since.')] : []),
    ],
    '\n\n',
  );
}

function titleOf({ choice: { kind, layer, head } }: AttentionWords, query: Markdown, heads: number, t: SayMarkdown): Markdown {
  switch (kind) {
    case 'head':
      return t('Attention of {0} in layer {1}, head {2}', query, layer, head);
    case 'mean':
      return t('Attention of {0} in layer {1}, mean of its {2} heads', query, layer, heads);
    case 'value-weighted':
      return t(
        'What attention brings to {0} in layer {1}: shares of the lengths, weights times values of its {2} heads',
        query,
        layer,
        heads,
      );
  }
}
