import { projectionOf } from '../../core/projection.ts';
import type { Run } from '../../core/run.ts';
import type { Tensor } from '../../core/tensor.ts';
import { lessCentre, meanRow, similarityOf } from '../../core/vectors.ts';
import type { Protocol } from '../../engines/engineApi.ts';
import { routingOf, type RoutedExperts } from '../../engines/routedExperts.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../protocol/queries.ts';

/** A text that an engine has read. */
export interface EngineRead {
  readonly text: string;
  /** The experts that its tokens were routed to; null: none are told. */
  readonly experts: RoutedExperts | null;
}

/** Questions about the inside that some engines return enough for. */
const ABOUT_INSIDE = ['experts', 'projection', 'similarity'] as const;
type InsideQuery = (typeof ABOUT_INSIDE)[number];

/** Whether a question is about the inside, and of those that an engine's answers may suffice for. */
export function isAboutInside(name: QueryName): name is InsideQuery {
  return ABOUT_INSIDE.some((one) => one === name);
}

/** Answers about the inside of the text that was asked about last, whose vectors are kept. */
export interface ReturnedInside {
  /** Null: the engine does not return what the question needs. Asks the engine for vectors where they are not known yet. */
  readonly answer: (run: Run, read: EngineRead, name: InsideQuery, args: unknown, signal: AbortSignal) => Promise<object | null>;
}

/** Questions about the inside, answered by what an engine returns. */
export function returnedInside({ hiddenStates }: Pick<Protocol, 'hiddenStates'>): ReturnedInside {
  let known: { readonly key: string; readonly vectors: Tensor } | undefined;
  const vectorsOf = async ({ ids }: Run, signal: AbortSignal): Promise<Tensor | null> => {
    const key = ids.join();
    if (known?.key === key) return known.vectors;
    if (hiddenStates === undefined) return null;
    known = { key, vectors: await hiddenStates(ids, signal) };
    return known.vectors;
  };
  return {
    answer: async (run, { experts }, name, args, signal) => {
      if (name === 'experts') return experts === null ? null : routingOf(experts, (args as QueryArgs<'experts'>).layer);
      const vectors = await vectorsOf(run, signal);
      if (vectors === null) return null;
      return name === 'projection'
        ? projectionOf(vectors, 0, (args as QueryArgs<'projection'>).skipFirst)
        : similarityIn(vectors, (args as QueryArgs<'similarity'>).frame);
    },
  };
}

/** The cosines of vectors as stored, or less their mean without the first. */
function similarityIn(vectors: Tensor, frame: QueryArgs<'similarity'>['frame']): QueryResult<'similarity'> {
  return similarityOf(frame === 'stored' ? vectors : lessCentre(vectors, meanRow([vectors])), 0);
}
