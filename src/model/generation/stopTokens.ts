import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import { CONFIG_MAX_BYTES, readJson, type ModelFiles } from '../formats/modelFiles.ts';

const GENERATION_CONFIG = 'generation_config.json';

/**
 * Ids that end a generation: `eos_token_id` of generation_config.json, one or a list, or where that names none, of config.json;
 * none where neither does. Throws UserError naming the file.
 */
export async function readStopTokens(files: ModelFiles, config: unknown): Promise<readonly number[]> {
  const generation = (await files.list()).includes(GENERATION_CONFIG) ? await readJson(files, GENERATION_CONFIG, CONFIG_MAX_BYTES) : {};
  const own = stopTokensOf(generation, GENERATION_CONFIG);
  return own.length > 0 ? own : stopTokensOf(config, 'config.json');
}

function stopTokensOf(config: unknown, file: string): readonly number[] {
  const found = isRecord(config) ? (config['eos_token_id'] ?? []) : null;
  if (found === null) throw new UserError(msg`${file} is not a JSON object.`);
  const ids: readonly unknown[] = Array.isArray(found) ? found : [found];
  return ids.map((id) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0)
      throw new UserError(msg`${file}: eos_token_id must be a token id or a list of them.`);
    return id;
  });
}
