import { CancelledError, UserError } from '../core/errors.ts';
import type { Explanation, ModelInfo } from '../core/trace.ts';
import type { ModelDescription } from '../core/memory.ts';
import type { Remote, WorkerApi } from '../worker/workerApi.ts';
import { flagArgument, optionalText, readArguments, schemaOf, wholeArgument, type Arguments, type Values } from './toolArguments.ts';

/** The calls of a model's process that tools need: the same as the panel's. */
export type AgentModel = Pick<Remote<WorkerApi>, 'explain' | 'ask' | 'countTokens' | 'layOut'>;

/** A model that an agent may name. */
export interface ListedModel {
  readonly name: string;
  /** Why it cannot be used, what it is, or where an engine serves it, of which no more is known. */
  readonly about: ModelDescription | UserError | { readonly engineAt: string };
}

/** The models that the user lets agents use. */
export interface AgentModels {
  /** The names, the one that is used where an agent names none first. */
  readonly names: () => readonly string[];
  readonly describe: (signal: AbortSignal) => Promise<readonly ListedModel[]>;
  /** Runs `work` with a model: its name is one of `names`. */
  readonly use: <T>(name: string, call: ToolCall, work: (model: AgentModel) => Promise<T>) => Promise<T>;
}

/** One call of a tool, from the agent's side. */
export interface ToolCall {
  readonly signal: AbortSignal;
  /** Told what is being done, in a few words. */
  readonly tell: (what: string) => void;
}

/** A tool: what agents are told of it, and its work. */
export interface AgentTool {
  /** Name among the tools of an agent, as in `score_text`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ReturnType<typeof schemaOf>;
  /** The answer as JSON. Throws UserError for arguments that are wrong, CancelledError once the signal is aborted. */
  readonly answer: (models: AgentModels, given: unknown, call: ToolCall) => Promise<string>;
}

/** Longest text of tools that run the model over it at once; more is cut to what the model reads. */
export const MOST_TEXT_UNITS = 100_000;
/** Highest position, layer or head that is asked for; the model has fewer. */
const MOST_INDEX = 1_000_000;

/** Arguments that several tools share. */
export const CHAT = flagArgument('Read the text as a user’s message in the model’s chat template, if it has one.');
const MODEL = optionalText('A name from list_models. Left out: the first of them.', 1000);

/** An index from 0 on that may be left out. */
export function indexArgument(description: string): ReturnType<typeof wholeArgument<null>> {
  return wholeArgument(description, 0, MOST_INDEX, null);
}

/** A tool that asks one model. */
export function modelTool<Shape extends Arguments>(
  told: Pick<AgentTool, 'name' | 'title' | 'description'>,
  own: Shape,
  answer: (model: AgentModel, values: Values<Shape>, call: ToolCall) => Promise<string>,
): AgentTool {
  const shape = { ...own, model: MODEL };
  return {
    ...told,
    inputSchema: schemaOf(shape),
    answer: async (models, given, call) => {
      const { model, ...values } = readArguments<Arguments & { readonly model: typeof MODEL }>(shape, given);
      const names = models.names();
      const name = model ?? names[0] ?? '';
      if (!names.includes(name))
        throw new UserError(
          `There is no model ${JSON.stringify(name)} here; there are ${names.map((one) => JSON.stringify(one)).join(', ')}.`,
        );
      return models.use(name, call, (opened) => answer(opened, values as Values<Shape>, call));
    },
  };
}

/** Throws CancelledError once the agent has given up the call. */
export function stopIfAborted({ signal }: ToolCall): void {
  if (signal.aborted) throw new CancelledError();
}

/** What was left out of a text, for the head of an answer. */
export function readPart({ tokens, omitted }: Explanation): object {
  return { tokens: tokens.length, ...(omitted > 0 ? { charactersNotRead: omitted } : {}) };
}

/** Where a text was sent, if the model does not run on this machine. */
export function sentTo({ served }: ModelInfo): object {
  return served === undefined ? {} : { engine: served.engine, textSentTo: served.address };
}

/** A position among the tokens read; null: the last. Throws UserError where there is none. */
export function positionIn({ tokens }: Explanation, name: string, position: number | null): number {
  const last = tokens.length - 1;
  if (position !== null && position > last)
    throw new UserError(`${name}: the tokens read are numbered from 0 to ${last}, there is no ${position}.`);
  return position ?? last;
}
