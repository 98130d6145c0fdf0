import { TRUNK_PARTS } from '../../core/memory.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { startStreamsGraph } from '../graph/altUpGraph.ts';
import { inputGraph, layerGraph, rowGraph, trunkGraph } from '../graph/decoder.ts';
import { directEndGraph, directLayerGraph } from '../graph/directGraph.ts';
import { effectiveGraph } from '../graph/effectiveGraph.ts';
import { gatedValuesGraph } from '../graph/gatedValuesGraph.ts';
import { headGatesGraph } from '../graph/headGatesGraph.ts';
import { headReadingGraph } from '../graph/headReadingGraph.ts';
import { endGradientGraph, layerGradientGraph, startGradientGraph } from '../graph/layerGradient.ts';
import { layerStepsGraph } from '../graph/layerStepsGraph.ts';
import { mixingGraph } from '../graph/mixingGraph.ts';
import { perLayerInputsGraph } from '../graph/perLayerGraph.ts';
import { recurrenceRowGraph } from '../graph/recurrenceRowGraph.ts';
import { projectedValuesGraph } from '../graph/projectedValuesGraph.ts';
import type { OnnxGraph } from '../graph/onnx.ts';
import { unembedGraph } from '../graph/unembed.ts';
import { workOf, type SessionWork } from './pieces.ts';
import type { Runtime, Session, SessionMemory } from './runtime.ts';

/** The session of layers `from` to `to` - 1. */
export interface TrunkPart {
  readonly session: Session;
  readonly from: number;
  readonly to: number;
  readonly work: SessionWork;
}

/** The sessions of one model, each opened when it is first needed and kept until `dispose`. */
export interface Sessions {
  /** Sessions of all layers, in order. Loads the unembedding first, as every explanation needs it. */
  trunk(onProgress: (done: number, total: number) => unknown): Promise<readonly TrunkPart[]>;
  /**
   * Sessions that run the layers from this one on, once `trunk` has been loaded: where those of the trunk hold several layers, a session
   * for each if there is room for their weights again, else the trunk's, which then begin with an earlier layer.
   */
  rest(from: number): Promise<readonly TrunkPart[]>;
  /** Session of `inputGraph`; null where that takes no weights. */
  input(): Promise<Session | null>;
  /** Session of `startStreamsGraph`; null where the residual is one stream. */
  streams(): Promise<Session | null>;
  /** Session of `perLayerInputsGraph`; null where the layers read no vectors of their own. */
  perLayer(): Promise<Session | null>;
  /** Session of a graph of attention weights: of all heads of layer `layer`, or of one; layers of one size share it. */
  attention(heads: 'all' | 'one', layer: number, graph: () => OnnxGraph): Promise<Session>;
  /** Session of `headReadingGraph` for layer `layer`; layers of one size share it. */
  headReading(layer: number): Promise<Session>;
  /** Session of `rowGraph` for layer `layer`, with the graph output of each named value. */
  row(layer: number): Promise<{ readonly session: Session; readonly outputs: ReadonlyMap<string, string> }>;
  /** Session of `recurrenceRowGraph` for layer `layer`, with the graph output of each named value: for one use. */
  withRecurrenceRow<Result>(
    layer: number,
    use: (session: Session, outputs: ReadonlyMap<string, string>) => Promise<Result>,
  ): Promise<Result>;
  unembed(): Promise<Session>;
  /**
   * Layer `layer` with its gradients, as `layerGradientGraph`, or what follows the last layer, as `endGradientGraph`, or how several
   * streams begin, as `startGradientGraph`: for one use.
   */
  withGradient<Result>(
    part: number | 'start' | 'end',
    use: (session: Session, inside: ReadonlyMap<string, string>) => Promise<Result>,
  ): Promise<Result>;
  /** Layer `layer` alone, as `layerGraph`: for one use. */
  withLayer<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** The same of `directLayerGraph` and `directEndGraph`. */
  withDirect<Result>(part: number | 'end', use: (session: Session) => Promise<Result>): Promise<Result>;
  /** Session of `projectedValuesGraph` for layer `layer`: for one use. */
  withProjectedValues<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** The same of `headGatesGraph`, for a layer whose heads have gates. */
  withHeadGates<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** The same of `gatedValuesGraph`. */
  withGatedValues<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** Session of `layerStepsGraph` for layer `layer`: for one use. */
  withSteps<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** The same of `effectiveGraph`. */
  withEffective<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  /** The same of `mixingGraph`. */
  withMixing<Result>(layer: number, use: (session: Session) => Promise<Result>): Promise<Result>;
  dispose(): Promise<void>;
}

/** Most bytes of weights in open sessions of `row`: enough for all layers of the bundled model as float32. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

/**
 * Weights of the layers whose gradients stay open: as float32, all of a model like GPT-2. They are there a third time, forwards
 * and backwards; those that do not fit are opened for each use. The first stay, as each pass reads all in one order.
 */
const MAX_LENT_BYTES = 512 * 1024 * 1024;

/**
 * The weights of a larger model are not packed: that would take seconds per GiB once, natively as much memory as the file again, and
 * saves a tenth to a fifth of the time of each text.
 */
const PACKED_MAX_BYTES = 1024 * 1024 * 1024;

const DISPOSED = 'The model was disposed.';

/** The sessions of one model, whose weights take `loadedBytes` where they are held. */
export function openSessions(spec: DecoderSpec, files: ModelFiles, runtime: Runtime, loadedBytes: number): Sessions {
  const memory = loadedBytes > PACKED_MAX_BYTES ? 'kept' : 'packed';
  const open = new Map<string, Promise<Session>>();
  /** Bytes of the weights of each open session of `row`, the most recent last. */
  const rows = new Map<string, number>();
  /** Sessions of gradients that stay open. */
  const lent = new Set<string>();
  let lentBytes = 0;
  let disposed = false;
  /** Opens a session once; one that failed to open is tried again the next time. */
  const once = (name: string, graph: () => OnnxGraph, held?: SessionMemory): Promise<Session> => {
    if (disposed) return Promise.reject(new Error(DISPOSED));
    const known = open.get(name);
    if (known !== undefined) return known;
    const session = runtime.openSession(graph(), files, held);
    open.set(name, session);
    session.catch(() => open.delete(name));
    return session;
  };
  /** Closes old sessions of `row`, whose weights are second copies: only the latest, and small ones, stay open. */
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
  /** Whether these sessions stay open: those that do, and those that do not yet, if there is room for all of them. */
  const stay = (sessions: readonly { readonly name: string; readonly graph: () => OnnxGraph }[]): boolean => {
    const others = sessions.filter(({ name }) => !lent.has(name));
    const bytes = others.reduce((sum, { graph }) => sum + graph().heldBytes, 0);
    if (others.length > 0 && lentBytes + bytes > MAX_LENT_BYTES) return false;
    for (const { name } of others) lent.add(name);
    lentBytes += bytes;
    return true;
  };
  const lend = async <Result>(name: string, graph: () => OnnxGraph, use: (session: Session) => Promise<Result>): Promise<Result> => {
    if (stay([{ name, graph }])) return use(await once(name, graph));
    if (disposed) throw new Error(DISPOSED);
    const session = await runtime.openSession(graph(), files);
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  };
  const sizesOf = (layer: number): string => {
    const { kvHeads, headDim } = ofLayer(spec, layer);
    return `${kvHeads} of ${headDim}`;
  };
  const unembed = (): Promise<Session> => once('unembed', () => unembedGraph(spec), memory);
  const layerSession = (layer: number) => ({ name: `layer ${layer}`, graph: () => layerGraph(spec, layer) });
  // Cancel is heard between two sessions. The fewer layers one has, the more tokens it may be given, and the better processors are used.
  const layersAtOnce = runtime.sessionPerLayer ? 1 : Math.ceil(spec.blocks.length / TRUNK_PARTS);
  const works = new Map<number, SessionWork>();
  const workFrom = (from: number): SessionWork => {
    const work = works.get(from) ?? workOf(spec, from, from + layersAtOnce);
    works.set(from, work);
    return work;
  };
  /** Names of what is inside each layer's gradient graph. A graph is built to be opened only: that takes as long as running few tokens. */
  const insides = new Map<number, ReadonlyMap<string, string>>();
  const insideOf = (layer: number): ReadonlyMap<string, string> => {
    const inside = insides.get(layer) ?? layerGradientGraph(spec, layer).inside;
    insides.set(layer, inside);
    return inside;
  };
  const startGradient = (): OnnxGraph => {
    if (spec.streams === null) throw new Error('One stream begins as it is.');
    return startGradientGraph(spec, spec.streams);
  };
  const trunk: Sessions['trunk'] = async (onProgress) => {
    const parts: TrunkPart[] = [];
    const total = Math.ceil(spec.blocks.length / layersAtOnce) + 1;
    await onProgress(0, total);
    // Often the largest weight: packing it needs temporary copies, whose memory the layers use afterwards.
    await unembed();
    await onProgress(1, total);
    for (let from = 0; from < spec.blocks.length; from += layersAtOnce) {
      const to = Math.min(from + layersAtOnce, spec.blocks.length);
      const session = await once(`trunk ${from}`, () => trunkGraph(spec, from, to), memory);
      parts.push({ session, from, to, work: workFrom(from) });
      await onProgress(1 + parts.length, total);
    }
    return parts;
  };
  return {
    trunk,
    rest: async (from) => {
      const parts = (await trunk(() => undefined)).filter(({ to }) => to > from);
      if (parts[0] === undefined || parts[0].from === from) return parts;
      const alone = Array.from({ length: spec.blocks.length - from }, (_, index) => layerSession(from + index));
      if (!stay(alone)) return parts;
      const opened: TrunkPart[] = [];
      for (const [index, { name, graph }] of alone.entries()) {
        const layer = from + index;
        opened.push({ session: await once(name, graph), from: layer, to: layer + 1, work: workOf(spec, layer, layer + 1) });
      }
      return opened;
    },
    input: async () => {
      const graph = inputGraph(spec);
      return graph === null ? null : once('input', () => graph);
    },
    streams: async () => {
      const { streams } = spec;
      return streams === null ? null : once('streams', () => startStreamsGraph(spec, streams));
    },
    perLayer: async () => {
      const { perLayerInputs: inputs } = spec;
      return inputs === null ? null : once('vectors of layers', () => perLayerInputsGraph(spec, inputs));
    },
    attention: (heads, layer, graph) => once(`attention of ${heads}, ${sizesOf(layer)}`, graph),
    headReading: (layer) => once(`reading of heads, ${sizesOf(layer)}`, () => headReadingGraph(ofLayer(spec, layer)), 'kept'),
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
    withRecurrenceRow: (layer, use) => {
      const { graph, outputs } = recurrenceRowGraph(spec, layer);
      return lend(
        `recurrence of a row ${layer}`,
        () => graph,
        (session) => use(session, outputs),
      );
    },
    withGradient: (part, use) =>
      typeof part === 'number'
        ? lend(
            `gradient ${part}`,
            () => layerGradientGraph(spec, part).graph,
            (session) => use(session, insideOf(part)),
          )
        : lend(
            `${part} of gradients`,
            () => (part === 'end' ? endGradientGraph(spec) : startGradient()),
            (session) => use(session, new Map()),
          ),
    withLayer: (layer, use) => lend(layerSession(layer).name, layerSession(layer).graph, use),
    withDirect: (part, use) => lend(`direct ${part}`, () => (part === 'end' ? directEndGraph(spec) : directLayerGraph(spec, part)), use),
    withProjectedValues: (layer, use) => lend(`projected values ${layer}`, () => projectedValuesGraph(spec, layer), use),
    withHeadGates: (layer, use) => lend(`gates of heads ${layer}`, () => headGatesGraph(spec, layer), use),
    withGatedValues: (layer, use) => lend(`gated values ${layer}`, () => gatedValuesGraph(spec, layer), use),
    withSteps: (layer, use) => lend(`steps ${layer}`, () => layerStepsGraph(spec, layer), use),
    withEffective: (layer, use) => lend(`effective ${layer}`, () => effectiveGraph(spec, layer), use),
    withMixing: (layer, use) => lend(`mixing ${layer}`, () => mixingGraph(spec, layer), use),
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
