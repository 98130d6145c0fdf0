import type { LogitQuestion } from '../../src/core/directParts.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { visibleText, visibleToken } from '../../src/core/visibleText.ts';
import type { Settings } from '../viewSettings.ts';

/** A token that can be asked about: a candidate for the place after a position. */
export interface WhyCandidate {
  readonly id: number;
  /** Visible text; undefined: not known. */
  readonly text: string | undefined;
  /** Its probability there. */
  readonly probability: number;
  /** Whether the text goes on with it. */
  readonly follows: boolean;
}

/**
 * Candidates for the place after `position`: the text's own next token first, where there is one, then the likeliest, then the tokens that
 * were asked about there and are not among them, whose probability is not known (NaN).
 */
export function whyCandidates(
  { tokens, logprob, topK, topIds, topProbs, pieces }: Explanation,
  position: number,
  asked: Settings['whyAsked'] = null,
): readonly WhyCandidate[] {
  const next = tokens[position + 1];
  const own =
    next === undefined ? [] : [{ id: next.id, text: visibleToken(next), probability: Math.exp(at(logprob, position + 1)), follows: true }];
  const likeliest = Array.from(topIds.subarray(position * topK, (position + 1) * topK), (id, rank) => {
    const piece = pieces[id];
    return {
      id,
      text: piece === undefined ? undefined : visibleText(piece),
      probability: at(topProbs, position * topK + rank),
      follows: false,
    };
  });
  const found = [...own, ...likeliest.filter(({ id }) => id !== next?.id)];
  const kept = asked?.position === position && asked.texts !== undefined ? [asked.token, asked.rival] : [];
  const others = kept.flatMap((id, index): readonly WhyCandidate[] => {
    if (id === null || found.some((one) => one.id === id)) return [];
    const text = asked?.texts?.[index];
    return [{ id, text: text === '' ? undefined : text, probability: NaN, follows: false }];
  });
  return [...found, ...others];
}

/**
 * The question on show: the one chosen for this position, as far as its tokens are candidates there; otherwise why the text's next token
 * (or the likeliest, after the last one), rather than the best other candidate. Null: no candidates.
 */
export function whyQuestion({ whyAsked, selected }: Settings, candidates: readonly WhyCandidate[]): LogitQuestion | null {
  const asked = whyAsked?.position === selected ? whyAsked : null;
  const isCandidate = (id: number | null): boolean => candidates.some((one) => one.id === id);
  const token = asked !== null && isCandidate(asked.token) ? asked.token : candidates[0]?.id;
  if (token === undefined) return null;
  const chosen = asked !== null && asked.rival !== token && (asked.rival === null || isCandidate(asked.rival)) ? asked.rival : undefined;
  const best = candidates
    .filter(({ id, probability }) => id !== token && !Number.isNaN(probability))
    .toSorted((a, b) => b.probability - a.probability)[0];
  return { position: selected, token, rival: chosen === undefined ? (best?.id ?? null) : chosen };
}
