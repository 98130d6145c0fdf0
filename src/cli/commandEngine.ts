import { UserError } from '../core/errors.ts';
import { english } from '../core/translatable.ts';
import type { Protocol } from '../engines/engineApi.ts';
import { engineConnection, isReadOnTheWay } from '../engines/engineConnection.ts';
import { nodeSend } from '../engines/engineHttp.node.ts';
import type { LocalTokenizer } from '../engines/engineText.ts';
import { openEngine, type OpenedEngine } from '../engines/openEngine.ts';
import { openTokenizer } from '../model/tokenizer/textTokenizer.ts';
import type { EngineOptions } from './engineOptions.ts';
import { modelFilesAt, type Note } from './input.ts';

/** Environment variable with the key of the engine. */
const KEY = 'EXPLAIN_TOKENS_ENGINE_KEY';
/** Largest id that a tokenizer of an engine's model may have. */
const MOST_VOCAB = 2 ** 22;

/** Opens the engine of a command, and tells what will be sent where. Throws UserError. */
export async function openCommandEngine(
  { address, model, parallel }: EngineOptions,
  signal: AbortSignal,
  note: Note,
): Promise<OpenedEngine> {
  const key = process.env[KEY]?.trim() ?? '';
  const connection = engineConnection(address, { send: nodeSend(english), key: key === '' ? null : key, limit: parallel });
  const protocol = await openEngine(connection, model, signal);
  const version = protocol.version === null ? '' : ` ${protocol.version}`;
  const unsafe = isReadOnTheWay(address) ? ' without encryption, so that others on the way can read it' : '';
  await note(`The text is sent to ${address} (${protocol.kind}${version}, model ${protocol.model})${unsafe}.`);
  return { protocol, address, host: connection.host };
}

/** JSON description of an engine's model. */
export function engineJson({ kind, model, version }: Protocol, address: string): string {
  return JSON.stringify({ name: model, engine: kind, version, address });
}

/** The tokenizer that the command names; null: none. Throws UserError. */
export async function commandTokenizer({ tokenizer }: EngineOptions): Promise<LocalTokenizer | null> {
  return tokenizer === null ? null : openTokenizer(await modelFilesAt(tokenizer), MOST_VOCAB);
}

/** Takes requests of one text, each for a token, from those that the command allows. Throws UserError where they are too many. */
export function requestBudget({ requests: allowed }: EngineOptions, host: string): (requests: number) => void {
  let left = allowed;
  return (requests) => {
    left -= requests;
    if (left >= 0) return;
    throw new UserError(
      `${host} returns probabilities of generated tokens only, so each token takes a request of its own, ${requests} for this text: \
--requests N allows N in all.`,
    );
  };
}
