import type { DecoderSpec } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { inputGraph, rowGraph, trunkGraph } from './graph/decoder.ts';
import type { OnnxGraph } from './graph/onnx.ts';
import { unembedGraph } from './graph/unembed.ts';
import type { Runtime, Session } from './runtime.ts';

/** The session of layers `from` up to, not including, `to`. */
export interface TrunkPart {
  readonly session: Session;
  readonly from: number;
  readonly to: number;
}

/** The sessions of one model, each made when it is first needed and kept until `dispose`. */
export interface Sessions {
  /** All layers, in order. The unembedding is loaded with them, before them, as every explanation needs it. */
  trunk(onProgress: (done: number, total: number) => void): Promise<readonly TrunkPart[]>;
  /** Embedding rows to the first residual; null where that takes no weights. */
  input(): Promise<Session | null>;
  attention(heads: 'all' | 'one', graph: () => OnnxGraph): Promise<Session>;
  /** Layer `layer` for one token, as `rowGraph`, with the outputs that its names are found under. */
  row(layer: number): Promise<{ readonly session: Session; readonly outputs: ReadonlyMap<string, string> }>;
  unembed(): Promise<Session>;
  dispose(): Promise<void>;
}

/** Weights of the layers whose rows were looked at last: as float32, all of the bundled model's. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

export function openSessions(spec: DecoderSpec, files: ModelFiles, runtime: Runtime): Sessions {
  const open = new Map<string, Promise<Session>>();
  /** Bytes of the weights of each open session of a row, the latest asked for last. */
  const rows = new Map<string, number>();
  let disposed = false;
  /** A session that could not be made is tried again the next time. */
  const once = (name: string, graph: () => OnnxGraph): Promise<Session> => {
    if (disposed) return Promise.reject(new Error('The model was disposed.'));
    const known = open.get(name);
    if (known !== undefined) return known;
    const session = runtime.openSession(graph(), files);
    open.set(name, session);
    session.catch(() => open.delete(name));
    return session;
  };
  /** Their weights are there a second time: only the latest, and what is small, stays open. */
  const closeRows = async (latest: string): Promise<void> => {
    let total = [...rows.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [name, bytes] of rows) {
      if (total <= MAX_ROW_BYTES || name === latest) return;
      rows.delete(name);
      total -= bytes;
      const session = open.get(name);
      open.delete(name);
      await (await session)?.release();
    }
  };
  const unembed = (): Promise<Session> => once('unembed', () => unembedGraph(spec));
  const layersAtOnce = runtime.sessionPerLayer ? 1 : spec.blocks.length;
  return {
    trunk: async (onProgress) => {
      const parts: TrunkPart[] = [];
      const total = Math.ceil(spec.blocks.length / layersAtOnce) + 1;
      onProgress(0, total);
      // Often the largest weight: while it is packed there are copies of it, whose room the layers then take.
      await unembed();
      onProgress(1, total);
      for (let from = 0; from < spec.blocks.length; from += layersAtOnce) {
        const to = from + layersAtOnce;
        parts.push({ session: await once(`trunk ${from}`, () => trunkGraph(spec, from, to)), from, to });
        onProgress(1 + parts.length, total);
      }
      return parts;
    },
    input: async () => {
      const graph = inputGraph(spec);
      return graph === null ? null : once('input', () => graph);
    },
    attention: (heads, graph) => once(`attention of ${heads}`, graph),
    row: async (layer) => {
      const { graph, outputs } = rowGraph(spec, layer);
      const name = `row ${layer}`;
      const session = await once(name, () => graph);
      rows.delete(name);
      rows.set(name, graph.heldBytes);
      await closeRows(name);
      return { session, outputs };
    },
    unembed,
    dispose: async () => {
      disposed = true;
      const sessions = await Promise.allSettled(open.values());
      open.clear();
      for (const session of sessions) {
        if (session.status === 'fulfilled') await session.value.release();
      }
    },
  };
}
