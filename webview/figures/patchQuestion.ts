import type { LogitQuestion } from '../../src/core/directParts.ts';
import { partnersOf } from '../../src/core/patchGrid.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { whyCandidates } from './whyQuestion.ts';

/** A token that patching can ask about, with its probability in each text; NaN: not known. */
export interface PatchCandidate {
  readonly id: number;
  /** Visible text; undefined: not known. */
  readonly text: string | undefined;
  readonly first: number;
  readonly second: number;
}

/** Where a prediction of both texts is compared, and between which tokens. */
export interface PatchPlace {
  /** Position in the first text, and the one in the second that it corresponds to. */
  readonly position: number;
  readonly partner: number;
  readonly candidates: readonly PatchCandidate[];
}

/**
 * The place that patching asks about: the selected token, where it has a partner in the second text and stands behind the first token that
 * differs; else the last that has one. Null: the texts have no such place.
 */
export function patchPlace(first: Explanation, second: Explanation, selected: number): PatchPlace | null {
  const partners = partnersOf(second.run.ids, first.run.ids);
  const differs = first.run.ids.findIndex((id, index) => id !== second.run.ids[index]);
  const isAsked = differs >= 0 && selected >= differs && (partners[selected] ?? -1) >= 0;
  const position = isAsked ? selected : partners.findLastIndex((partner) => partner >= 0);
  if (position < 0) return null;
  const partner = at(partners, position);
  const [own, other] = [whyCandidates(first, position), whyCandidates(second, partner)];
  const candidates = [...other, ...own.filter(({ id }) => other.every((one) => one.id !== id))].map(({ id, text }) => {
    const probability = (side: typeof own): number => side.find((one) => one.id === id)?.probability ?? Number.NaN;
    return { id, text: text ?? own.find((one) => one.id === id)?.text, first: probability(own), second: probability(other) };
  });
  return { position, partner, candidates };
}

/**
 * The question at a place: the chosen tokens, as far as they are candidates; otherwise the one that the second text raises most, by the
 * ratio of its probabilities, rather than the one that it lowers most: there the two texts differ most.
 */
export function patchQuestion({ position, candidates }: PatchPlace, chosen: Partial<LogitQuestion>): LogitQuestion {
  const gain = ({ first, second }: PatchCandidate): number => Math.log(second / first);
  const raised = candidates.filter((one) => Number.isFinite(gain(one))).toSorted((a, b) => gain(b) - gain(a));
  const known = (id: number | null | undefined): id is number => candidates.some((one) => one.id === id);
  const token = known(chosen.token) ? chosen.token : (raised[0]?.id ?? candidates[0]?.id ?? 0);
  const lowered = raised.findLast(({ id }) => id !== token)?.id ?? null;
  const rival = chosen.rival === null || (known(chosen.rival) && chosen.rival !== token) ? chosen.rival : lowered;
  return { position, token, rival };
}
