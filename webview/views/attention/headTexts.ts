import { FEW_SAMPLES, HEAD_SCALES, headNumber, isFew, type HeadNumbers, type HeadScore } from '../../figures/heads.ts';
import { bits, decimal, integer } from '../../parts/format.ts';
import { t } from '../../strings.ts';

/** Name and definition of a head score. */
export interface ScoreTexts {
  readonly name: string;
  readonly meaning: string;
  /** Name of the head that stands out, if it differs from that of the score. */
  readonly best?: string;
}

/** Names and plain definitions of the head scores. */
export function scoreTexts(): Readonly<Record<HeadScore, ScoreTexts>> {
  return {
    previous: { name: t('Previous token'), meaning: t('Mean attention to the token just before.') },
    induction: {
      name: t('Induction'),
      meaning: t('Mean attention to what followed the same token earlier: how a model repeats a pattern.'),
    },
    duplicate: { name: t('Duplicate token'), meaning: t('Mean attention to the same token earlier.') },
    first: { name: t('First token'), meaning: t('Mean attention to the first token, where heads rest that have nothing to say.') },
    entropy: {
      name: t('Entropy'),
      meaning: t('Mean entropy of the attention rows: low is sharp, high is spread out.'),
      best: t('Sharpest'),
    },
  };
}

/** A score with its unit. */
export function scoreValue(value: number, score: HeadScore): string {
  if (!Number.isFinite(value)) return t('not defined for this text');
  return HEAD_SCALES[score].unit === 'bits' ? bits(value) : decimal(value, 2);
}

/** A head's score in its unit, or that it is not measured yet. */
export function headText(numbers: HeadNumbers, layer: number, head: number, score: HeadScore): string {
  if (numbers.without.has(layer)) return t('no attention weights');
  return layer < numbers.known ? scoreValue(headNumber(numbers, layer, head, score), score) : t('not measured yet');
}

/** Meaning of a score's bar: what its full width stands for. */
export function barText(score: HeadScore): string {
  return HEAD_SCALES[score].unit === 'bits' ? t('the number: full width is an even spread') : t('the number: full width is 1');
}

/** Number of queries that a score is the mean of: n = 12. */
export function samplesText({ samples }: HeadNumbers, score: HeadScore): string {
  return `n = ${integer(samples[score] ?? 0)}`;
}

/** Number of queries that a score is the mean of, as a sentence that also says when they are too few. */
export function samplesSentence(numbers: HeadNumbers, score: HeadScore): string {
  const count = numbers.samples[score] ?? 0;
  if (count === 0) return t('No token of this text has what it takes.');
  const sentence = count === 1 ? t('Of 1 token alone.') : t('Mean of {0} tokens.', integer(count));
  return isFew(numbers, score) ? `${sentence} ${t('Fewer than {0} say little of a head.', FEW_SAMPLES)}` : sentence;
}
