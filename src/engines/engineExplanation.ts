import { UserError } from '../core/errors.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import type { Explanation, ModelInfo } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import { isReadOnTheWay } from './engineConnection.ts';
import { readAtOnce, returnedPredictions, type EngineReading, type EngineReadingOptions } from './engineReading.ts';
import type { OpenedEngine } from './openEngine.ts';
import type { RoutedExperts } from './routedExperts.ts';

/** A text for an engine; `at` and `topK` as of any text that is explained. */
export interface ServedText {
  readonly text: string;
  readonly at?: number;
  readonly topK: number;
}

/** What an engine returned of a text. */
export interface EngineExplanation {
  readonly explanation: Explanation;
  /** The experts that its tokens were routed to; null: none are told. */
  readonly experts: RoutedExperts | null;
}

/** What an engine returned of a text, in the form in which a model here explains one. Throws as `readText` does. */
export async function engineExplanation(
  engine: OpenedEngine,
  { text, at, topK }: ServedText,
  options: Omit<EngineReadingOptions, 'host' | 'alternatives' | 'at'>,
): Promise<EngineExplanation> {
  const { protocol, host } = engine;
  if (text === '') throw new UserError(msg`There is no text to explain.`);
  const alternatives = Math.min(topK, protocol.abilities.alternatives);
  const { read, start, stop, window, after, experts, ms } = await readAtOnce(protocol, text, {
    ...options,
    host,
    alternatives,
    ...(at === undefined ? {} : { at }),
  });
  const { ids, ...predictions } = returnedPredictions({ read, after });
  return {
    explanation: {
      model: servedInfo(engine, experts),
      run: runOf(ids, UNCHANGED),
      text: text.slice(start, stop),
      ...(window === null ? {} : { window }),
      omitted: window === null ? text.length - stop : 0,
      ...predictions,
      forwardMs: ms,
    },
    experts: experts instanceof UserError ? null : experts,
  };
}

/**
 * The description of an engine's model: what it does not tell is 0, and `served` says that it is not known. `experts`: what it told of
 * those of a text, if anything.
 */
export function servedInfo({ protocol, address }: OpenedEngine, experts: EngineReading['experts'] = null): ModelInfo {
  const { kind, model, version, abilities, hiddenStates } = protocol;
  return {
    name: model,
    family: kind,
    layers: 0,
    heads: 0,
    kvHeads: 0,
    headDim: 0,
    dim: 0,
    vocab: 0,
    contextLength: abilities.contextLength ?? 0,
    parameters: abilities.parameters ?? 0,
    weightType: '',
    positions: 'none',
    norm: 'RMSNorm',
    runtime: 'native',
    threads: 0,
    served: {
      engine: kind,
      version,
      address,
      readOnTheWay: isReadOnTheWay(address),
      alternatives: abilities.alternatives,
      requestEach: abilities.scores !== 'prompt',
      listedAlone: abilities.scores === 'texts',
      ...(experts === null || experts instanceof UserError ? {} : { routing: experts.told }),
      ...(hiddenStates === undefined ? {} : { hiddenStates: true }),
    },
    ...(experts instanceof UserError && experts.said !== undefined ? { notices: [experts.said] } : {}),
  };
}
