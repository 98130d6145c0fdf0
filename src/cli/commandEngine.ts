import { english } from '../core/translatable.ts';
import type { Protocol } from '../engines/engineApi.ts';
import { engineConnection, isReadOnTheWay } from '../engines/engineConnection.ts';
import { nodeSend } from '../engines/engineHttp.node.ts';
import { openEngine } from '../engines/openEngine.ts';
import type { EngineOptions } from './engineOptions.ts';
import type { Note } from './input.ts';

/** Environment variable with the key of the engine. */
const KEY = 'EXPLAIN_TOKENS_ENGINE_KEY';

/** An engine that was recognised. */
export interface CommandEngine {
  readonly protocol: Protocol;
  readonly host: string;
}

/** Opens the engine of a command, and tells what will be sent where. Throws UserError. */
export async function openCommandEngine(
  { address, model, parallel }: EngineOptions,
  signal: AbortSignal,
  note: Note,
): Promise<CommandEngine> {
  const key = process.env[KEY]?.trim() ?? '';
  const connection = engineConnection(address, { send: nodeSend(english), key: key === '' ? null : key, limit: parallel });
  const protocol = await openEngine(connection, model, signal);
  const version = protocol.version === null ? '' : ` ${protocol.version}`;
  const unsafe = isReadOnTheWay(address) ? ' without encryption, so that others on the way can read it' : '';
  await note(`The text is sent to ${address} (${protocol.kind}${version}, model ${protocol.model})${unsafe}.`);
  return { protocol, host: connection.host };
}

/** JSON description of an engine's model. */
export function engineJson({ kind, model, version }: Protocol, address: string): string {
  return JSON.stringify({ name: model, engine: kind, version, address });
}
