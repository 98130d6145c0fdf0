import type { Explanation } from '../../core/trace.ts';
import type { Translate } from '../../core/translatable.ts';
import { shortened, visibleText, visibleToken } from '../../core/visibleText.ts';
import type { WhyWords } from '../../protocol/messages.ts';
import { codeSpan, figure, inMarkdown, joinedMarkdown, type Markdown } from './markdownCode.ts';
import { strongest, unitsOfWords } from './whyLevels.ts';

/** Words named in a hover. */
const NAMED = 3;
/** Most characters shown of a token. */
const MAX_NAME = 24;

/** Markdown about why a token is there, for the hover of token `index`; null where that is none of the words, nor the token itself. */
export function whyMarkdown(explanation: Explanation, words: WhyWords, index: number, translate: Translate): Markdown | null {
  const { position, token, rival, end, values } = words;
  const last = end ?? position;
  if (index > last + 1) return null;
  const t = inMarkdown(translate);
  const name = (id: number): Markdown => codeSpan(shortened(visibleText(explanation.pieces[id] ?? `#${id}`), MAX_NAME));
  const next = explanation.tokens[position + 1];
  const several = explanation.tokens
    .slice(position + 1, last + 2)
    .map(visibleToken)
    .join('');
  const asked =
    end !== null
      ? codeSpan(shortened(several, MAX_NAME))
      : next?.id === token
        ? codeSpan(shortened(visibleToken(next), MAX_NAME))
        : name(token);
  const units = unitsOfWords(words);
  const word = (at: number): Markdown => {
    const unit = units[at] ?? { first: 0, end: 0 };
    const text = explanation.tokens.slice(unit.first, unit.end).map(visibleToken).join('');
    return joinedMarkdown([codeSpan(shortened(text, MAX_NAME)), signedFigure(values[at] ?? 0)], ' ');
  };
  const here = units.findIndex((unit) => index >= unit.first && index < unit.end);
  const title = end !== null || rival === null ? t('Why {0} here?', asked) : t('Why {0} here, rather than {1}?', asked, name(rival));
  const strongestWords = joinedMarkdown(strongest(values, NAMED).map(word), ' · ');
  return joinedMarkdown(
    [
      title,
      t('The strongest words, by the method chosen in the panel: {0}', strongestWords),
      ...(index <= last && typeof values[here] === 'number' ? [t('Here: {0}', word(here))] : []),
    ],
    '\n\n',
  );
}

function signedFigure(value: number): Markdown {
  const text = Math.abs(value).toFixed(3);
  return figure(Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`);
}
