import type { DecoderSpec } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { inputGraph, trunkGraph } from './graph/decoder.ts';
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
  /** All layers, in order. The unembedding is loaded with them, as every explanation needs it. */
  trunk(onProgress: (done: number, total: number) => void): Promise<readonly TrunkPart[]>;
  /** Embedding rows to the first residual; null where that takes no weights. */
  input(): Promise<Session | null>;
  attention(graph: () => OnnxGraph): Promise<Session>;
  unembed(): Promise<Session>;
  dispose(): Promise<void>;
}

export function openSessions(spec: DecoderSpec, files: ModelFiles, runtime: Runtime): Sessions {
  const open = new Map<string, Promise<Session>>();
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
  const unembed = (): Promise<Session> => once('unembed', () => unembedGraph(spec));
  const layersAtOnce = runtime.sessionPerLayer ? 1 : spec.blocks.length;
  return {
    trunk: async (onProgress) => {
      const parts: TrunkPart[] = [];
      const total = Math.ceil(spec.blocks.length / layersAtOnce) + 1;
      onProgress(0, total);
      for (let from = 0; from < spec.blocks.length; from += layersAtOnce) {
        const to = from + layersAtOnce;
        parts.push({ session: await once(`trunk ${from}`, () => trunkGraph(spec, from, to)), from, to });
        onProgress(parts.length, total);
      }
      await unembed();
      onProgress(total, total);
      return parts;
    },
    input: async () => {
      const graph = inputGraph(spec);
      return graph === null ? null : once('input', () => graph);
    },
    attention: (graph) => once('attention', graph),
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
