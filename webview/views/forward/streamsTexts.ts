import type { ForwardPath, PathStep, StageName } from '../../../src/core/forwardPath.ts';
import { t } from '../../strings.ts';
import type { StepOfPath, StepText } from './stepOfPath.ts';

/** Steps of a model with several residual streams. */
type StreamsStep = Extract<PathStep, 'streams' | 'laurel' | 'correction' | 'streamBehind' | 'mergedStreams'>;

/** Texts of those steps. */
export const STREAMS_TEXTS: Readonly<Record<StreamsStep, (step: StepOfPath) => StepText>> = {
  streams: ({ path }) => ({
    title: t('Streams predicted (AltUp)'),
    sentence: t(
      'The model carries {0} residual streams, of which the layer reads one. A small router looks at it and says how much of each ' +
        'stream is added to it before the layer.',
      countOf(path),
    ),
    formula: 'm = tanh(W_r norm(x) / D),  p = x + Σᵢ (P m)ᵢ xᵢ',
  }),
  laurel: () => ({
    title: t('Beside attention: LAuReL'),
    sentence: t('What attention read goes through a narrow pair of matrices; both join the stream, and the sum is divided by √2.'),
    formula: 'x ← (x + y + norm(B A y)) / √2',
  }),
  correction: ({ path }) => ({
    title: t('Streams corrected (AltUp)'),
    sentence: t(
      'All {0} streams are moved by what the layer changed in the one that it read, each as far as a router says, which looks at ' +
        'what the layer made.',
      countOf(path),
    ),
    formula: 'xᵢ ← pᵢ + (1 + (C m)ᵢ) (y − p)',
  }),
  streamBehind: () => ({
    title: t('The stream behind the layer'),
    sentence: t('What was made of the per-layer embedding is added to all streams but the first.'),
    formula: 'x',
  }),
  mergedStreams: ({ path }) => ({
    title: t('Streams merged'),
    sentence: t(
      'Each of the {0} streams but the first goes through a matrix and is brought to the size of the first; their mean is read.',
      countOf(path),
    ),
    formula: 'x = (x₀ + Σᵢ fᵢ Uᵢ xᵢ) / n',
  }),
};

/** Whether the path is one through several streams. */
export function hasStreams({ stages }: ForwardPath): boolean {
  return stages.some(({ name }) => name === 'streamShares');
}

function countOf({ stages }: ForwardPath): number {
  return stages.find(({ name }) => name === 'streamShares')?.values.length ?? 1;
}

/** Stages of such a model. */
type StreamStage = Extract<
  StageName,
  | 'streamNormed'
  | 'streamScaled'
  | 'streamRouted'
  | 'streamModes'
  | 'predictionCoefficients'
  | 'mixedStreams'
  | 'predicted'
  | 'laurelDown'
  | 'laurelUp'
  | 'laurelNormed'
  | 'laurelAdded'
  | 'laurelJoined'
  | 'laurelScaled'
  | 'madeNormed'
  | 'madeScaled'
  | 'madeRouted'
  | 'madeModes'
  | 'correctionCoefficients'
  | 'innovation'
  | 'corrected'
  | 'correctedScaled'
  | 'streamBehind'
  | 'streamShares'
  | 'merged'
>;

/** Titles of those stages. */
export function streamTitles(): Readonly<Record<StreamStage, string>> {
  return {
    streamNormed: t('For the router, normed'),
    streamScaled: t('For the router, scaled'),
    streamRouted: t('Router’s numbers'),
    streamModes: t('Router’s numbers, bounded'),
    predictionCoefficients: t('Share of each stream'),
    mixedStreams: t('Streams, weighted'),
    predicted: t('Predicted stream'),
    laurelDown: t('Down-projected'),
    laurelUp: t('Up-projected'),
    laurelNormed: t('Up-projected, normed'),
    laurelAdded: t('With what was read'),
    laurelJoined: t('Sum'),
    laurelScaled: t('Residual stream, scaled'),
    madeNormed: t('For the router, normed'),
    madeScaled: t('For the router, scaled'),
    madeRouted: t('Router’s numbers'),
    madeModes: t('Router’s numbers, bounded'),
    correctionCoefficients: t('Correction of each stream, beyond 1'),
    innovation: t('What the layer changed'),
    corrected: t('Corrected stream'),
    correctedScaled: t('Corrected stream, scaled'),
    streamBehind: t('Residual stream'),
    streamShares: t('Share of each stream'),
    merged: t('Mean of the streams'),
  };
}
