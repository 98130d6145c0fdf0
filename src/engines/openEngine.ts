import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { textAt } from './engineAnswer.ts';
import type { Protocol } from './engineApi.ts';
import type { EngineConnection } from './engineConnection.ts';
import { llamaCppProtocol } from './llamaCppProtocol.ts';
import { lmStudioProtocol } from './lmStudioProtocol.ts';
import { ollamaProtocol } from './ollamaProtocol.ts';
import { openAiProtocol } from './openAiProtocol.ts';
import { servedModels, type ServedModel } from './servedModels.ts';
import { sglangProtocol } from './sglangProtocol.ts';
import { tgiProtocol } from './tgiProtocol.ts';
import { vllmProtocol } from './vllmProtocol.ts';

/** A model at an engine that was recognised. */
export interface OpenedEngine {
  readonly protocol: Protocol;
  readonly address: string;
  /** Host and port, as errors name them. */
  readonly host: string;
}

/** Names of the models at an address; empty where it lists none. Nothing of the user's is sent. */
export async function modelsServed(connection: EngineConnection, signal: AbortSignal): Promise<readonly string[]> {
  const info = textAt(await connection.get('/info', signal), 'model_id');
  if (info !== null) return [info];
  const list = await connection.get('/v1/models', signal);
  if (list?.at('data').isThere === true) return servedModels(list).map(({ id }) => id);
  const tags = await connection.get('/api/tags', signal);
  return tags?.at('models').isThere === true
    ? tags
        .at('models')
        .list()
        .map((each) => each.at('name').text())
    : [];
}

/** Most models that an error names. */
const NAMED = 10;

/**
 * Recognises what runs at an address by asking it, and opens one of its models. `model`: its name there; null: the only one. Nothing of the
 * user's is sent. Throws UserError for an address that is no engine, and for a model that is not there.
 */
export async function openEngine(connection: EngineConnection, model: string | null, signal: AbortSignal): Promise<Protocol> {
  const { host } = connection;
  // Each has a page that no other has; those that also list models as OpenAI does come first.
  const info = await connection.get('/info', signal);
  if (info?.at('model_id').isThere === true && info.at('version').isThere) {
    const protocol = tgiProtocol(connection, info);
    chosen([{ id: protocol.model, owner: '', contextLength: null, parameters: null }], model, host);
    return protocol;
  }
  const ollama = textAt(await connection.get('/api/version', signal), 'version');
  if (ollama !== null) {
    const tags = await connection.get('/api/tags', signal);
    const names = (tags?.at('models').list() ?? []).map((each) => each.at('name').text());
    const found = chosen(
      names.map((id) => ({ id, owner: '', contextLength: null, parameters: null })),
      model !== null && !names.includes(model) && names.includes(`${model}:latest`) ? `${model}:latest` : model,
      host,
    );
    return ollamaProtocol(connection, found.id, ollama, signal);
  }
  const list = await connection.get('/v1/models', signal);
  if (list?.at('data').isThere !== true)
    throw new UserError(msg`At ${connection.address} is no engine that is known: it lists no models at /v1/models.`);
  const served = servedModels(list);
  if (served[0]?.owner === 'vllm') return vllmProtocol(connection, chosen(served, model, host), signal);
  if (served[0]?.owner === 'sglang') return sglangProtocol(connection, chosen(served, model, host), signal);
  const props = await connection.get('/props', signal);
  if (props?.at('default_generation_settings').isThere === true) return llamaCppProtocol(connection, chosen(served, model, host), props);
  const studio = await connection.get('/api/v0/models', signal);
  if (studio?.at('data').isThere === true) return lmStudioProtocol(connection, chosen(servedModels(studio), model, host));
  return openAiProtocol(connection, chosen(served, model, host), signal);
}

function chosen(served: readonly ServedModel[], model: string | null, host: string): ServedModel {
  const names = served.map(({ id }) => id);
  const listed = names.length > NAMED ? `${names.slice(0, NAMED).join(', ')}, …` : names.join(', ');
  const [only] = served;
  if (only === undefined) throw new UserError(msg`${host} serves no model.`);
  if (model === null) {
    if (served.length === 1) return only;
    throw new UserError(msg`${host} serves ${served.length} models, so one must be named: ${listed}.`);
  }
  const found = served.find(({ id }) => id === model);
  if (found === undefined) throw new UserError(msg`${host} serves no model ${model}, but ${listed}.`);
  return found;
}
