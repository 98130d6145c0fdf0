import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import type { LocalTokenizer } from '../../engines/engineText.ts';
import type { ModelLocation, WorkerApi } from '../../worker/workerApi.ts';
import type { Connection } from '../../worker/rpc.ts';
import type { ModelEntry } from '../models/modelEntries.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import type { OpenedEngine } from '../../engines/openEngine.ts';

/** A tokenizer in a process of its own. */
export interface OpenedTokenizer extends LocalTokenizer {
  readonly dispose: () => Promise<void>;
}

/**
 * The model that an engine serves, where it is on this machine too: by the hash of its weights, where the engine tells one, else by its
 * name. What its tokens are is checked against the engine's all the same.
 */
export async function sameModelHere(library: ModelLibrary, { protocol }: OpenedEngine): Promise<ModelEntry | undefined> {
  const { kind, model, weights } = protocol;
  const here = (await library.entries()).filter(({ group }) => group !== 'engine' && group !== 'bundled');
  if (weights !== null) return here.find(({ setting }) => setting.toLowerCase().endsWith(`sha256-${weights}`));
  // Ollama's names are of its own, and another model of Hugging Face's may have one.
  if (kind === 'ollama') return undefined;
  const name = model.toLowerCase();
  return here.find((entry) => [entry.name, ...entry.aliases].some((own) => own.toLowerCase() === name));
}

/** Opens the tokenizer of a model of this machine; its weights are not read. */
export async function openSameTokenizer(connection: Connection<WorkerApi>, location: ModelLocation): Promise<OpenedTokenizer> {
  const { remote } = connection;
  return {
    encode: (text) => remote.tokenize(location, text),
    prompted: (text) => remote.promptedTokens(location, text),
    dispose: () => connection.dispose(),
  };
}

/** Why an engine that tells no tokens does not read a text. */
export function needsTokenizer({ host, protocol: { kind, model } }: OpenedEngine): UserError {
  return new UserError(
    msg`${host} (${kind}) tells no tokens, so its model’s own file is needed on this machine to cut a text as it does, and ${model} is not \
among the models found here.`,
  );
}
