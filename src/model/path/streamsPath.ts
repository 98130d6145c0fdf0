import type { StageName } from '../../core/forwardPath.ts';
import { at } from '../../core/tensor.ts';
import type { AltUp, Laurel } from '../families/spec.ts';
import { carriedIn } from '../run/forwardTrace.ts';
import { itemOf } from '../run/outputs.ts';
import type { LayerPlace } from './layerPlace.ts';
import { readNumbers } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** Adds the stages from the active stream, `input`, to what the layer reads of it. Returns the last. */
export async function addPrediction(path: PathBuilder, place: LayerPlace, altUp: AltUp, input: Float32Array): Promise<StageName> {
  const { spec, trace, row, layer, token } = place;
  const { streams, dim } = spec;
  if (streams === null) return 'input';
  const { count, active } = streams;
  await addRouted(path, place, altUp, 'input', 'stream', input);
  const coefficients = row.value('predictionCoefficients').slice(active * count, (active + 1) * count);
  path.along('stream');
  path.linear('predictionCoefficients', coefficients, 'streamModes', altUp.prediction, (index) => active * count + index);
  const rows = itemOf(carriedIn(trace), layer).data.slice(token * count * dim, (token + 1) * count * dim);
  const mixed = Float32Array.from({ length: dim }, (_, i) =>
    coefficients.reduce((sum, coefficient, stream) => sum + coefficient * at(rows, stream * dim + i), 0),
  );
  path.along('dimension');
  path.add('mixedStreams', mixed, { kind: 'weighted', of: 'predictionCoefficients', rows });
  path.add('predicted', row.value('predicted'), { kind: 'sum', of: 'input', with: 'mixedStreams', factor: 1 });
  return 'predicted';
}

/** Adds the stages from what the layer made, `made`, to the corrected active stream. Returns the last. */
export async function addCorrection(path: PathBuilder, place: LayerPlace, altUp: AltUp, made: StageName): Promise<StageName> {
  const { spec, row } = place;
  path.step('correction');
  await addRouted(path, place, altUp, made, 'made', row.value(made));
  const coefficients = row.value('correctionCoefficients');
  path.along('stream');
  path.linear('correctionCoefficients', coefficients, 'madeModes', altUp.correction);
  path.along('dimension');
  path.add('innovation', row.value('innovation'), { kind: 'sum', of: made, with: 'predicted', factor: -1 });
  const factor = 1 + at(coefficients, spec.streams?.active ?? 0);
  path.add('corrected', row.value('corrected'), { kind: 'sum', of: 'predicted', with: 'innovation', factor });
  return 'corrected';
}

/** Adds the corrected stream with the factors behind which the layer reads it for its vectors. Returns the last. */
export async function addOutputScale(path: PathBuilder, { files, row }: LayerPlace, { outputScale }: AltUp): Promise<StageName> {
  if (outputScale === null) return 'corrected';
  const values = row.value('correctedScaled');
  path.add('correctedScaled', values, {
    kind: 'scaledEach',
    of: 'corrected',
    factors: await readNumbers(files, outputScale, 0, values.length),
  });
  return 'correctedScaled';
}

/** Adds the narrow way beside attention, from what attention reads, `read`, to the stream. Returns the last. */
export async function addLaurel(path: PathBuilder, { row }: LayerPlace, { down, up, norm }: Laurel, read: StageName): Promise<StageName> {
  path.step('laurel');
  path.linear('laurelDown', row.value('laurelDown'), read, down);
  path.linear('laurelUp', row.value('laurelUp'), 'laurelDown', up);
  await path.norm('laurelNormed', row.value('laurelNormed'), 'laurelUp', norm, row.value('laurelUp'));
  path.add('laurelAdded', row.value('laurelAdded'), { kind: 'sum', of: read, with: 'laurelNormed', factor: 1 });
  path.add('laurelJoined', row.value('laurelJoined'), { kind: 'sum', of: 'attentionAdded', with: 'laurelAdded', factor: 1 });
  path.add('laurelScaled', row.value('laurelScaled'), { kind: 'scaled', of: 'laurelJoined', factor: Math.SQRT1_2 });
  return 'laurelScaled';
}

/** Adds what the router makes of a vector. */
async function addRouted(
  path: PathBuilder,
  { spec, row }: LayerPlace,
  { norm, router }: AltUp,
  of: StageName,
  name: 'stream' | 'made',
  input: Float32Array,
): Promise<void> {
  await path.norm(`${name}Normed`, row.value(`${name}Normed`), of, norm, input);
  path.add(`${name}Scaled`, row.value(`${name}Scaled`), { kind: 'scaled', of: `${name}Normed`, factor: 1 / spec.dim });
  path.along('stream');
  path.linear(`${name}Routed`, row.value(`${name}Routed`), `${name}Scaled`, router);
  path.add(`${name}Modes`, row.value(`${name}Modes`), { kind: 'activation', of: `${name}Routed`, activation: 'tanh' });
  path.along('dimension');
}
