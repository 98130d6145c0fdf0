import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { shortened } from '../../../src/core/visibleText.ts';
import { whyCandidates, whyQuestion, type WhyCandidate } from '../../figures/whyQuestion.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';

/** The question on show, with its tokens' texts. */
export interface AskedWhy extends LogitQuestion {
  readonly candidates: readonly WhyCandidate[];
  /** Visible text of the token, and of the rival; null: no rival. */
  readonly tokenText: string;
  readonly rivalText: string | null;
}

/** The question that the tab asks in this state; null: nothing is shown, or nothing is predicted there. */
export function askedWhy({ shown, settings }: ViewState): AskedWhy | null {
  if (shown === null) return null;
  const candidates = whyCandidates(shown.explanation, settings.selected, settings.whyAsked);
  const asked = whyQuestion(settings, candidates);
  if (asked === null) return null;
  const text = (id: number): string => candidateText(candidates.find((one) => one.id === id) ?? { id, text: undefined });
  return { ...asked, candidates, tokenText: text(asked.token), rivalText: asked.rival === null ? null : text(asked.rival) };
}

/** The question as it is kept: with its tokens' texts, as they may not be among the candidates any more. */
export function keptQuestion({ position, token, rival, candidates }: AskedWhy): NonNullable<Settings['whyAsked']> {
  const text = (id: number | null): string => candidates.find((one) => one.id === id)?.text ?? '';
  return { position, token, rival, texts: [text(token), text(rival)] };
}

/** The question itself, without what the page adds. */
export function logitOf({ position, token, rival }: AskedWhy): LogitQuestion {
  return { position, token, rival };
}

/** A candidate's text, short enough for a line; its id where the text is not known. */
export function candidateText({ id, text }: Pick<WhyCandidate, 'id' | 'text'>): string {
  return text === undefined ? t('id {0}', id) : shortened(text, 24);
}

/** What numbers above and below 0 speak for. */
export function sidesOf({ tokenText, rivalText }: AskedWhy): { readonly towards: string; readonly against: string } {
  return {
    towards: t('for “{0}”', tokenText),
    against: rivalText === null ? t('against “{0}”', tokenText) : t('for “{0}”', rivalText),
  };
}
