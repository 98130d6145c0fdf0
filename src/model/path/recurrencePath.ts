import type { Recurrence, ShortConvolution } from '../families/spec.ts';
import { addDelta } from './deltaPath.ts';
import { addMamba } from './mambaPath.ts';
import type { PathBuilder } from './pathBuilder.ts';
import { addConvolved, type RecurrencePlace } from './stateStages.ts';

/** Heads of a layer that keeps a state; null: its numbers belong to none. */
export function headsOf(mixer: Recurrence): number | null {
  if (mixer.kind === 'shortConvolution') return null;
  return mixer.kind === 'mamba' ? mixer.heads : mixer.valueHeads;
}

/** Adds the stages from what a layer that keeps a state reads to what it puts out, `recurred`. */
export async function addRecurrence(path: PathBuilder, place: RecurrencePlace, mixer: Recurrence): Promise<void> {
  if (mixer.kind === 'shortConvolution') await addShortConvolution(path, place, mixer);
  else if (mixer.kind === 'mamba') await addMamba(path, place, mixer);
  else await addDelta(path, place, mixer);
  path.step('recurrence');
  const of = mixer.kind === 'shortConvolution' ? 'readGated' : 'joinedReads';
  path.linear('recurred', place.row.value('recurred'), of, mixer.output);
}

async function addShortConvolution(
  path: PathBuilder,
  { files, row, read }: RecurrencePlace,
  { input, convolution }: ShortConvolution,
): Promise<void> {
  const width = convolution.channels;
  path.step('convolution');
  path.linear('openingGate', row.value('openingGate'), read, input);
  path.linear('stateValue', row.value('openedValue'), read, input, (index) => 2 * width + index);
  path.add('openedValue', row.value('convolutionInput'), { kind: 'product', of: 'stateValue', with: 'openingGate', plus: 0 });
  const opened = { name: 'stateValueConvolved', of: 'openedValue', channel: 0, input: row.value('convolutionInput') } as const;
  await addConvolved(path, { files, row }, convolution, opened);
  path.step('readGate');
  path.linear('readGate', row.value('readGate'), read, input, (index) => width + index);
  path.add('readGated', row.value('readGated'), { kind: 'product', of: 'stateValueConvolved', with: 'readGate', plus: 0 });
}
