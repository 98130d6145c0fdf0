import { CancelledError, UserError } from '../../core/errors.ts';
import { inert, joined } from '../../core/inertText.ts';
import { engineAddress } from '../../engines/engineConnection.ts';
import { scoresNone } from '../../engines/engineText.ts';
import { engineModelOf, isEngineSetting } from '../../engines/engineSetting.ts';
import type { OpenedEngine } from '../../engines/openEngine.ts';
import { vscode } from '../vscode.ts';
import { readSettings } from '../configuration.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { pickModel } from '../models/chooseModel.ts';
import { entryOf } from '../models/libraryCommands.ts';
import { servedLines, type ModelEntry } from '../models/modelEntries.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import { t } from '../say.ts';
import { askText, confirm, inform, pickOne, withProgress } from '../surfaces.ts';
import { nearestHere } from './localModels.ts';
import type { Engines } from './engines.ts';
import { needsTokenizer, sameModelHere } from './sameModel.ts';

/** Most requests for one text: a few minutes of an engine on a card. */
const MOST_REQUESTS = 4096;
/** A local engine's usual address. */
const EXAMPLE = 'http://localhost:8000';

/** Parts of the extension that the commands about engines use. */
export interface EngineCommandContext {
  readonly engines: Engines;
  readonly library: ModelLibrary;
  readonly current: CurrentExplanation;
}

/** Handlers of the commands about engines that serve models elsewhere, by id. Each checks its argument, as key bindings give any. */
export function engineCommands({
  engines,
  library,
  current,
}: EngineCommandContext): Readonly<Record<string, (node: unknown) => Promise<void>>> {
  return {
    'explainTokens.addEngine': async () => {
      const entry = await addEngine(library);
      if (entry) await useEngine(library, engines, entry);
    },
    'explainTokens.testEngine': async (node) => {
      const { setting } = await engineEntryOf(library, node);
      const { host } = new URL(engineModelOf(setting).address);
      const { known, opened } = await asking(host, (signal) => library.testEngine(setting, signal));
      if (known.kind !== 'served') return;
      void inform(joined([t('{0}: {1}.', opened.address, opened.protocol.model), ...servedLines(known, t, vscode.env.language)], ' '));
    },
    'explainTokens.readHere': async () => {
      const name = current.value?.shown.explanation.model.name ?? '';
      const nearest = await nearestHere(library, name);
      const chosen = await pickModel(library, {
        title: t('Read With a Model on This Machine'),
        placeHolder: t('Which model should read the text?'),
        without: readSettings().engines,
        ...(nearest === undefined ? {} : { first: { heading: t('Nearest to {0}', name), entry: nearest } }),
      });
      if (chosen) await library.use(chosen);
    },
    'explainTokens.setEngineKey': async (node) => {
      const { setting } = await engineEntryOf(library, node);
      await engines.setKey(engineModelOf(setting).address);
    },
  };
}

/** Asks for an address and, where it serves several models, for one of them, and adds that to the library. */
async function addEngine(library: ModelLibrary): Promise<ModelEntry | undefined> {
  const typed = await askText(
    t('Add an Engine'),
    t('Address of vLLM, SGLang, TGI, llama.cpp, Ollama, LM Studio or another OpenAI-compatible server. It is asked what it is.'),
    EXAMPLE,
  );
  if (typed === undefined) return undefined;
  const address = engineAddress(typed);
  const { host } = new URL(address);
  const models = await asking(host, (signal) => library.modelsAt(address, signal));
  if (models.length === 0) throw new UserError(t('At {0} is no engine that is known: it lists no models.', address));
  const [only] = models;
  const chosen =
    models.length === 1 && only !== undefined
      ? { label: inert(only), model: only }
      : await pickOne(
          models.map((model) => ({ label: inert(model), model })),
          { title: t('Models at {0}', host), placeHolder: t('Which model should read your texts?') },
        );
  return chosen && library.addEngine({ address, model: chosen.model });
}

/** Makes an engine's model the current one, once the user lets texts be sent there. */
async function useEngine(library: ModelLibrary, engines: Engines, entry: ModelEntry): Promise<void> {
  const { host } = new URL(engineModelOf(entry.setting).address);
  const { opened } = await asking(host, (signal) => library.testEngine(entry.setting, signal));
  if (opened.protocol.abilities.scores === 'none') throw scoresNone(opened.protocol, host);
  if (opened.protocol.abilities.scores === 'texts' && (await sameModelHere(library, opened)) === undefined) throw needsTokenizer(opened);
  await engines.allow(opened);
  await library.use(entry);
}

/** Asks whether a text may take so many requests. Throws CancelledError where it may not, and UserError for more than are ever sent. */
export async function agreeToRequests({ host, protocol }: OpenedEngine, requests: number, ms: number): Promise<void> {
  if (requests > MOST_REQUESTS)
    throw new UserError(
      t('{0} would need {1} requests for this text, one for each token, and {2} is the most: select less.', host, requests, MOST_REQUESTS),
    );
  const agreed = await confirm(
    'information',
    t('Send {0} requests to {1}?', requests, host),
    t(
      '{0} returns the probabilities of one next token at a time, so each token of the text takes a request. One took {1} ms: all \
take about {2} seconds, less where the engine keeps what it has read.',
      protocol.kind,
      Math.round(ms),
      Math.max(1, Math.round((requests * ms) / 1000)),
    ),
    t('Send Them'),
  );
  if (!agreed) throw new CancelledError();
}

function asking<T>(host: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withProgress(t('Asking {0} what it is…', host), (_, signal) => ask(signal));
}

async function engineEntryOf(library: ModelLibrary, node: unknown): Promise<ModelEntry> {
  const entry = await entryOf(library, node);
  if (!isEngineSetting(entry.setting)) throw new UserError(t('This command is for an engine of the view “Language Models”.'));
  return entry;
}
