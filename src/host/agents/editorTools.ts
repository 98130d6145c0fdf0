import type { vscode } from '../vscode.ts';
import type { AgentModel, AgentModels } from '../../agents/agentTool.ts';
import { AGENT_TOOLS } from '../../agents/tools.ts';
import { engineModelIn } from '../../engines/engineSetting.ts';
import { UserError } from '../../core/errors.ts';
import type { ModelClient } from '../client/modelClient.ts';
import type { ModelLibrary } from '../models/modelLibrary.ts';
import { TOOL_PREFIX } from './toolPrefix.ts';

/** Answers the editor's agents by the model that the user chose, in the process that the panel uses too. */
export class EditorTools {
  readonly #client: ModelClient;
  readonly #library: ModelLibrary;

  constructor(client: ModelClient, library: ModelLibrary) {
    this.#client = client;
    this.#library = library;
  }

  /** The answer of a tool, by its name in package.json. Throws UserError with a sentence for the agent, CancelledError. */
  async ask(name: string, input: unknown, token: vscode.CancellationToken): Promise<string> {
    const tool = AGENT_TOOLS.find((one) => TOOL_PREFIX + one.name === name);
    if (tool === undefined) throw new UserError(`There is no tool ${name}.`);
    const stop = new AbortController();
    const listening = token.onCancellationRequested(() => stop.abort());
    if (token.isCancellationRequested) stop.abort();
    try {
      return await tool.answer(this.#models(), input, { signal: stop.signal, tell: () => undefined });
    } finally {
      listening.dispose();
    }
  }

  #models(): AgentModels {
    return {
      names: () => [this.#client.wantedName],
      describe: async () => {
        const name = this.#client.wantedName;
        const current = (await this.#library.entries()).find((entry) => this.#library.isCurrent(entry));
        const engine = current === undefined ? null : engineModelIn(current.setting);
        if (engine !== null) return [{ name, about: { engineAt: engine.address } }];
        const known = current === undefined ? undefined : await this.#library.describe(current);
        if (known?.kind === 'described') return [{ name, about: known.description }];
        return [{ name, about: new UserError(known?.kind === 'refused' ? known.reason : 'It is not known before it is used.') }];
      },
      use: (_, { signal }, work) => work(clientModel(this.#client, signal)),
    };
  }
}

/** The calls of the model in use. Questions are about the model that answered first. */
function clientModel(client: ModelClient, signal: AbortSignal): AgentModel {
  let modelKey = '';
  return {
    explain: async (request) => {
      const { explanation, modelKey: key } = await client.explain(request, signal, () => undefined);
      modelKey = key;
      return explanation;
    },
    layOut: async (text, stride) => {
      const { layout, modelKey: key } = await client.layOut(text, stride, signal);
      modelKey = key;
      return layout;
    },
    ask: (run, name, args) => client.ask(modelKey, run, name, args, signal),
    countTokens: (text) => client.countTokens(text, signal),
  };
}
