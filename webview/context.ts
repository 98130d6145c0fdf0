import { CancelledError, messageOf } from '../src/core/errors.ts';
import type { Explanation } from '../src/core/trace.ts';
import { surprisalBits } from '../src/core/probability.ts';
import { at } from '../src/core/tensor.ts';
import { el } from './dom.ts';
import { bits, integer, percent } from './format.ts';
import type { ViewState, Store } from './state.ts';
import { t } from './strings.ts';
import type { Tooltip, TooltipContent } from './tooltip.ts';
import { hexBytes, visibleToken } from '../src/core/visibleText.ts';
import type { Host } from './vscodeApi.ts';

/** What every view is given. */
export interface PanelContext {
  readonly host: Host;
  readonly store: Store;
  readonly tooltip: Tooltip;
  /** Says a sentence to screen readers. */
  readonly announce: (text: string) => void;
}

/** A part of the page: an element, and what brings it to a state. */
export interface View {
  readonly root: HTMLElement;
  update(state: ViewState): void;
}

/** Selects a token here and in the editor. */
export function selectToken(context: PanelContext, token: number): void {
  if (context.store.state().settings.selected === token) return;
  context.store.dispatch({ type: 'settings', change: { selected: token } });
  context.host.post({ type: 'select', token });
}

/** Marks tokens under the pointer here and in the editor; none clears. */
export function markTokens(context: PanelContext, tokens: readonly number[]): void {
  const before = context.store.state().marked;
  context.store.dispatch({ type: 'mark', tokens });
  if (context.store.state().marked !== before) context.host.post({ type: 'mark', tokens });
}

/** What is known about one token, for tooltip and screen reader. */
export function describeToken(explanation: Explanation, index: number): TooltipContent {
  const token = explanation.tokens[index];
  if (token === undefined) return { title: '', rows: [] };
  const logprob = at(explanation.logprob, index);
  const predicted: TooltipContent['rows'] = Number.isNaN(logprob)
    ? [[t('Predicted'), t('no: nothing precedes it')]]
    : [
        [t('Probability'), percent(Math.exp(logprob))],
        [t('Rank'), t('{0} of {1}', integer(at(explanation.rank, index)), integer(explanation.model.vocab))],
        [t('Surprisal'), bits(surprisalBits(logprob))],
        [t('Entropy'), bits(at(explanation.entropy, index))],
      ];
  const kind: TooltipContent['rows'] = token.special ? [[t('Kind'), explanation.chat === true ? t('added by the chat template') : t('added by the tokenizer')]] : [...(token.partial ? [[t('Kind'), t('part of a character')] as const] : []), [t('Bytes'), hexBytes(token.bytes)]];
  return { title: visibleToken(token), rows: [[t('Position'), integer(index)], [t('Token id'), integer(token.id)], ...kind, ...predicted] };
}

/** Visible text of every token. */
export function tokenLabels(explanation: Explanation): readonly string[] {
  return explanation.tokens.map(visibleToken);
}

/** Says of an element that it waits (aria-busy) until the last of its questions is answered, has failed or was dropped. */
export async function whileBusy<Answer>(element: HTMLElement, answer: Promise<Answer>): Promise<Answer> {
  waiting.set(element, (waiting.get(element) ?? 0) + 1);
  element.setAttribute('aria-busy', 'true');
  try {
    return await answer;
  } finally {
    const left = (waiting.get(element) ?? 1) - 1;
    waiting.set(element, left);
    if (left === 0) element.removeAttribute('aria-busy');
  }
}

const waiting = new WeakMap<HTMLElement, number>();

/** Shows why a part of the page has no answer; a dropped question shows nothing. */
export function failureNotice(target: HTMLElement, error: unknown): void {
  if (error instanceof CancelledError) return;
  target.replaceChildren(el('p', { class: 'view-failure', role: 'alert' }, messageOf(error)));
}
