import { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import type { KeptVector } from '../../core/steering.ts';
import { msg } from '../../core/translatable.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { writeWhole } from '../panel/savedFiles.ts';
import { t } from '../say.ts';
import { openDialog, saveDialog } from '../surfaces.ts';
import type { Current } from './currentExplanation.ts';
import { fileName, safeName } from '../fileName.ts';

/** Most bytes of a control vector's file that is shown in the panel. */
const MAX_BYTES = 64 * 1024 * 1024;
const GGUF = { GGUF: ['gguf'] };

/** The part of the client that reads and makes such files. */
type Client = Pick<ModelClient, 'ask'>;

/**
 * The control vector of a file that the user chooses; undefined: none was chosen. Throws UserError in one sentence for a file that is none,
 * and for vectors that the model of `asked` has no place for.
 */
export async function chosenVector(client: Client, { shown, modelKey }: Current): Promise<KeptVector | undefined> {
  const chosen = await openDialog('file', t('Choose a control vector'), t('Use This Vector'), GGUF);
  if (chosen === undefined) return undefined;
  const file = fileName(chosen);
  const { size } = await vscode.workspace.fs.stat(chosen);
  if (size > MAX_BYTES) throw new UserError(msg`${file} is larger than any control vector.`);
  const bytes = await vscode.workspace.fs.readFile(chosen);
  const vector = await client.ask(modelKey, shown.explanation.run, 'readVector', { file, bytes }, new AbortController().signal);
  return vector.name === '' ? { ...vector, name: file.replace(/\.gguf$/i, '') } : vector;
}

/** Writes a control vector where the user likes. Throws UserError for one that such a file has no place for. */
export async function saveVector(client: Client, { shown, modelKey }: Current, vector: KeptVector): Promise<void> {
  // Before the user is asked for a place in vain.
  const { bytes } = await client.ask(modelKey, shown.explanation.run, 'vectorFile', { vector }, new AbortController().signal);
  const name = `${safeName(vector.name, 'vector')}.gguf`;
  const file = await saveDialog(t('Save the control vector'), t('Save'), GGUF, name);
  if (file !== undefined) await writeWhole(file, bytes);
}
