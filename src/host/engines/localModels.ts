import { nearestName } from '../../core/nearestName.ts';
import type { ModelEntry } from '../models/modelEntries.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';

/** The model of this machine that is nearest to an engine's by its name; where none is like it, the bundled one. */
export async function nearestHere(library: ModelLibrary, name: string): Promise<ModelEntry | undefined> {
  const here = (await library.entries()).filter(({ group }) => group !== 'engine');
  const like = nearestName(
    name,
    here.filter(({ group }) => group !== 'bundled').map(({ name: own }) => own),
  );
  return here.find((entry) => entry.group !== 'bundled' && entry.name === like) ?? here.find(({ group }) => group === 'bundled');
}
