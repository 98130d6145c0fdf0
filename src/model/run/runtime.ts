import * as ortWeb from 'onnxruntime-web/wasm';
import { RuntimeFailedError, UserError, messageOf } from '../../core/errors.ts';
import type { OtherProvider, ProviderUse, RuntimeKind } from '../../core/runtimeChoice.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import type { OnnxGraph, Place, Stored } from '../graph/onnx.ts';
import { DEQUANTIZED_MAX_BYTES } from '../formats/keptQuantized.ts';

/** The part of the module onnxruntime-node that is used. */
export type OnnxRuntimeNode = Pick<typeof ortWeb, 'InferenceSession' | 'Tensor'> & {
  /** The execution providers that the binary was built with. */
  readonly listSupportedBackends: () => readonly { readonly name: string }[];
};
type Engine = Pick<OnnxRuntimeNode, 'InferenceSession' | 'Tensor'>;
type SessionOptions = ortWeb.InferenceSession.SessionOptions;

/** A tensor given to a session. */
export interface Feed {
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array;
}

/** A graph with its weights, ready to run. */
export interface Session {
  /** The named outputs' numbers, each in a buffer of its own; 64-bit ones as 32-bit. */
  run<Name extends string>(
    feeds: Readonly<Record<string, Feed>>,
    fetches: readonly Name[],
  ): Promise<Record<Name, Float32Array | Int32Array>>;
  release(): Promise<void>;
}

/**
 * What a session holds on to. 'given back': nothing but its weights, which the native runtime reads where their file is mapped. 'kept':
 * natively also the working memory of its runs, which makes runs of many layers up to a fifth faster; WASM returns it to the other
 * sessions. 'packed': that, and float32 weights in the order in which products read them, which makes these up to a quarter faster. That
 * copy is most of the time to open a session.
 */
export type SessionMemory = 'given back' | 'kept' | 'packed';

/** ONNX Runtime, the only engine: WASM everywhere, native where it is installed. One call runs at a time. */
export interface Runtime {
  readonly kind: RuntimeKind;
  readonly threads: number;
  /** The native runtime's own error, where WASM replaces it. Absent: no failure. */
  readonly nativeFailure?: string;
  /** The same runtime with the execution provider that was asked for. Absent: none but the CPU was. */
  readonly provided?: ProvidedRuntime;
  /** What became of this runtime's own execution provider, null until it is checked. Absent: the CPU's. */
  readonly use?: () => ProviderUse | null;
  /**
   * Whether each layer has a session. WASM: this costs nothing, keeps memory low and allows progress reports.
   * Native: sessions would compete with a thread pool each, so one holds all layers.
   */
  readonly sessionPerLayer: boolean;
  /** Weights that take more than this as float32 stay quantised. */
  readonly dequantizedMaxBytes: number;
  /** Throws UserError when the weights cannot be read or do not fit in memory. */
  openSession(graph: OnnxGraph, files: ModelFiles, memory?: SessionMemory): Promise<Session>;
}

/** A runtime whose sessions an execution provider computes, or the CPU from the moment on that the provider was given up. */
export interface ProvidedRuntime extends Runtime {
  readonly provider: OtherProvider;
  /** Null: it is not known yet how far its numbers are from the CPU's. */
  readonly use: () => ProviderUse | null;
  /** The provider passed the self-check with this largest difference. */
  readonly accept: (difference: number) => void;
  /** The CPU computes from here on. `why`: a sentence for the user; `details`: for the log. */
  readonly giveUp: (why: Translatable, details: string) => void;
}

/** Files and threads of the WASM runtime. */
export interface WasmOptions {
  /** The bytes of ort-wasm-simd-threaded.wasm: enough for one thread. */
  readonly wasmBinary?: Uint8Array;
  /** URLs of the runtime's two files, which several threads need. */
  readonly wasmPaths?: { readonly mjs: string; readonly wasm: string };
  readonly threads: number;
}

/** ONNX Runtime Web in this thread; its settings are per thread, so the first session decides. */
export function wasmRuntime({ wasmBinary, wasmPaths, threads }: WasmOptions): Runtime {
  ortWeb.env.wasm.numThreads = threads;
  if (wasmBinary !== undefined) ortWeb.env.wasm.wasmBinary = wasmBinary;
  if (wasmPaths !== undefined) ortWeb.env.wasm.wasmPaths = wasmPaths;
  const exclusive = oneAtATime();
  return {
    kind: 'wasm',
    threads,
    sessionPerLayer: true,
    dequantizedMaxBytes: DEQUANTIZED_MAX_BYTES.wasm,
    openSession: async (graph, files, memory = 'given back') => {
      const { bytes, externalData = [] } = await weightsInMemory(graph, files);
      const extra = { session: packing(graph, memory) };
      const session = await openSession(ortWeb, bytes, { externalData, extra }, exclusive);
      // The first session has compiled the module.
      delete ortWeb.env.wasm.wasmBinary;
      return session;
    },
  };
}

/**
 * onnxruntime-node; weights are mapped from their files where these are on disk. `provider` computes what it has kernels for, the CPU
 * the rest; absent: the CPU everything.
 */
export function nativeRuntime(ort: OnnxRuntimeNode, threads: number, provider?: OtherProvider): Runtime {
  const exclusive = oneAtATime();
  return {
    kind: 'native',
    threads,
    sessionPerLayer: false,
    dequantizedMaxBytes: DEQUANTIZED_MAX_BYTES.native,
    openSession: async (graph, files, memory = 'given back') => {
      const options: SessionOptions = {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        enableCpuMemArena: memory !== 'given back',
        executionProviders: provider === undefined ? ['cpu'] : [provider, 'cpu'],
      };
      const session = { intra_op: { allow_spinning: '0' }, ...packing(graph, memory) };
      const { bytes, externalData = [], folder } = await weightsOnDisk(graph, files);
      const extra = { session: folder === undefined ? session : { ...session, model_external_initializers_file_folder_path: folder } };
      return openSession(ort, bytes, { ...options, ...(folder === undefined ? { externalData } : {}), extra }, exclusive);
    },
  };
}

/** The runtime's setting. Quantised weights are always packed: without that they would be made float32 for each run. */
function packing(graph: OnnxGraph, memory: SessionMemory): { readonly disable_prepacking: '0' | '1' } {
  return { disable_prepacking: memory === 'packed' || graph.isQuantized ? '0' : '1' };
}

type Exclusive = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Serialises calls, as ONNX Runtime takes one at a time: each waits for all before it. */
function oneAtATime(): Exclusive {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** A function of its own, since closures that live as long as the session would keep the weights, which the runtime has copied. */
function createSession(ort: Engine, bytes: Uint8Array, options: SessionOptions, exclusive: Exclusive): Promise<ortWeb.InferenceSession> {
  return exclusive(() => ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options })).catch(explainFailure);
}

async function openSession(ort: Engine, bytes: Uint8Array, options: SessionOptions, exclusive: Exclusive): Promise<Session> {
  const session = await createSession(ort, bytes, options, exclusive);
  return {
    run: (feeds, fetches) => exclusive(() => runSession(ort, session, feeds, fetches)).catch(explainFailure),
    release: () => exclusive(() => session.release()),
  };
}

async function runSession<Name extends string>(
  ort: Engine,
  session: ortWeb.InferenceSession,
  feeds: Readonly<Record<string, Feed>>,
  fetches: readonly Name[],
): Promise<Record<Name, Float32Array | Int32Array>> {
  const inputs = Object.entries(feeds).map(([name, { dims, data }]) => {
    if (data instanceof Float32Array) return [name, new ort.Tensor('float32', data, dims)] as const;
    return [name, data instanceof Int32Array ? new ort.Tensor('int32', data, dims) : new ort.Tensor('int64', data, dims)] as const;
  });
  const outputs = await session.run(Object.fromEntries(inputs), [...fetches]);
  const results: Partial<Record<Name, Float32Array | Int32Array>> = {};
  for (const name of fetches) {
    const output = outputs[name];
    if (output === undefined) throw new Error(`The runtime returned no "${name}".`);
    results[name] = numbersOf(output.data);
    output.dispose();
  }
  for (const [, tensor] of inputs) tensor.dispose();
  return results as Record<Name, Float32Array | Int32Array>;
}

function numbersOf(data: ortWeb.Tensor['data']): Float32Array | Int32Array {
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  if (data instanceof BigInt64Array) return Int32Array.from(data, Number);
  throw new Error('The runtime returned numbers of a type that no graph asks for.');
}

interface LoadedWeights {
  /** The ONNX model. */
  readonly bytes: Uint8Array;
  readonly externalData?: { path: string; data: Uint8Array }[];
  /** Folder of the weights' files. */
  readonly folder?: string;
}

/** Reads every weight into memory, in a buffer of its own. */
async function weightsInMemory(graph: OnnxGraph, files: ModelFiles): Promise<LoadedWeights> {
  const externalData: { path: string; data: Uint8Array }[] = [];
  const places = new Map<string, Place>();
  for (const weight of graph.weights.values()) {
    const path = `weight${places.size}`;
    places.set(weight.name, { location: path, offset: 0 });
    externalData.push({ path, data: await files.read(weight.file, weight.offset, weight.length) });
  }
  return { bytes: graph.encode((weight) => placeOf(places, weight)), externalData };
}

/**
 * Weights left in their files on disk, if all files are in one folder, and the few that are generated embedded in the model: the
 * runtime takes weights from files or from memory, not both. All weights in memory where that is impossible.
 */
async function weightsOnDisk(graph: OnnxGraph, files: ModelFiles): Promise<LoadedWeights> {
  const paths = new Map<string, { readonly folder: string; readonly name: string } | null>();
  for (const { file } of graph.weights.values()) {
    if (!paths.has(file)) paths.set(file, await pathOf(files, file));
  }
  const folders = new Set([...paths.values()].flatMap((path) => path?.folder ?? []));
  const [folder] = folders;
  const weights = [...graph.weights.values()];
  const [placed, made] = [
    bytesOf(weights.filter(({ file }) => paths.get(file) !== null)),
    bytesOf(weights.filter(({ file }) => paths.get(file) === null)),
  ];
  if (folder === undefined || folders.size > 1 || made > Math.min(placed, WITHIN_MODEL_MAX_BYTES)) return weightsInMemory(graph, files);
  const places = new Map<string, Place>();
  for (const { name, file, offset, length } of weights) {
    const path = paths.get(file) ?? null;
    places.set(name, path === null ? { bytes: await files.read(file, offset, length) } : { location: path.name, offset });
  }
  return { folder, bytes: graph.encode((weight) => placeOf(places, weight)) };
}

/** Limit of embedded weights: a model is copied while it is written and read, and must stay under 2 GB. */
const WITHIN_MODEL_MAX_BYTES = 512 * 1024 * 1024;

function bytesOf(weights: readonly Stored[]): number {
  return weights.reduce((sum, { length }) => sum + length, 0);
}

async function pathOf(files: ModelFiles, file: string): Promise<{ readonly folder: string; readonly name: string } | null> {
  const path = (await files.localPath?.(file)) ?? null;
  if (path === null) return null;
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1;
  return { folder: path.slice(0, end), name: path.slice(end) };
}

function placeOf(places: ReadonlyMap<string, Place>, weight: Stored): Place {
  const place = places.get(weight.name);
  if (place === undefined) throw new Error(`No place for ${weight.name}.`);
  return place;
}

/** Messages of the runtime and JavaScript for exhausted memory; an overflowing size means the same. */
const OUT_OF_MEMORY = new RegExp(
  [
    'bad_alloc|out of memory|allocat|cannot enlarge memory|safeint|integer overflow',
    'invalid (typed )?array length|memory access out of bounds',
  ].join('|'),
  'i',
);

/** Throws RuntimeFailedError. The runtime's own message becomes its cause, for the log: users cannot act on it. */
function explainFailure(error: unknown): never {
  if (error instanceof UserError) throw error;
  throw new RuntimeFailedError(
    OUT_OF_MEMORY.test(messageOf(error))
      ? msg`The model or the text needs more memory than the runtime can have: choose a smaller model or a shorter text.`
      : msg`The runtime that computes the model has failed; the log has its own words.`,
    { cause: error },
  );
}
