import * as ortWeb from 'onnxruntime-web/wasm';
import { UserError, messageOf } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { ModelFiles } from './files.ts';
import type { OnnxGraph, Place, Stored } from './graph/onnx.ts';
import { DEQUANTIZED_MAX_BYTES } from './keptQuantized.ts';

/** The module onnxruntime-node, as far as it is used. */
export type OnnxRuntimeNode = Pick<typeof ortWeb, 'InferenceSession' | 'Tensor'>;
type SessionOptions = ortWeb.InferenceSession.SessionOptions;

/** A tensor given to a session. */
export interface Feed {
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** A graph with its weights, ready to run. */
export interface Session {
  /** The named outputs' numbers, each in a buffer of its own; 64-bit ones as 32-bit. */
  run<Name extends string>(feeds: Readonly<Record<string, Feed>>, fetches: readonly Name[]): Promise<Record<Name, Float32Array | Int32Array>>;
  release(): Promise<void>;
}

/** ONNX Runtime, the only engine: WASM everywhere, native where it is installed. One call runs at a time. */
export interface Runtime {
  readonly kind: 'wasm' | 'native';
  readonly threads: number;
  /**
   * WASM: a session per layer costs nothing, keeps memory low and can report progress.
   * Native: sessions would fight with a thread pool each, so one holds all layers.
   */
  readonly sessionPerLayer: boolean;
  /** Weights that take more than this as float32 stay quantised. */
  readonly dequantizedMaxBytes: number;
  /** Throws UserError when the weights cannot be read or do not fit in memory. */
  openSession(graph: OnnxGraph, files: ModelFiles): Promise<Session>;
}

export interface WasmOptions {
  /** The bytes of ort-wasm-simd-threaded.wasm: enough for one thread. */
  readonly wasmBinary?: Uint8Array;
  /** URLs of the two files of the runtime: what several threads need. */
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
    openSession: async (graph, files) => {
      const { bytes, externalData = [] } = await weightsInMemory(graph, files);
      return openSession(ortWeb, bytes, { externalData }, exclusive);
    },
  };
}

/** onnxruntime-node: the weights are mapped from their files where these are on disk. */
export function nativeRuntime(ort: OnnxRuntimeNode, threads: number): Runtime {
  const exclusive = oneAtATime();
  return {
    kind: 'native',
    threads,
    sessionPerLayer: false,
    dequantizedMaxBytes: DEQUANTIZED_MAX_BYTES.native,
    openSession: async (graph, files) => {
      const options: SessionOptions = { intraOpNumThreads: threads, interOpNumThreads: 1 };
      const session = { intra_op: { allow_spinning: '0' } };
      const { bytes, externalData = [], folder } = await weightsOnDisk(graph, files);
      const extra = { session: folder === undefined ? session : { ...session, model_external_initializers_file_folder_path: folder } };
      return openSession(ort, bytes, { ...options, ...(folder === undefined ? { externalData } : {}), extra }, exclusive);
    },
  };
}

type Exclusive = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** ONNX Runtime takes one call at a time: a later one waits for all before it. */
function oneAtATime(): Exclusive {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Apart from what lives as long as the session: its closures would keep the weights' bytes for as long, which the runtime has copied. */
function createSession(ort: OnnxRuntimeNode, bytes: Uint8Array, options: SessionOptions, exclusive: Exclusive): Promise<ortWeb.InferenceSession> {
  return exclusive(() => ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options })).catch(explainFailure);
}

async function openSession(ort: OnnxRuntimeNode, bytes: Uint8Array, options: SessionOptions, exclusive: Exclusive): Promise<Session> {
  const session = await createSession(ort, bytes, options, exclusive);
  return {
    run: (feeds, fetches) => exclusive(() => runSession(ort, session, feeds, fetches)).catch(explainFailure),
    release: () => exclusive(() => session.release()),
  };
}

async function runSession<Name extends string>(
  ort: OnnxRuntimeNode, session: ortWeb.InferenceSession, feeds: Readonly<Record<string, Feed>>, fetches: readonly Name[],
): Promise<Record<Name, Float32Array | Int32Array>> {
  const inputs = Object.entries(feeds).map(([name, { dims, data }]) => {
    const tensor = data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int64', data, dims);
    return [name, tensor] as const;
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
  /** Where the weights' files are. */
  readonly folder?: string;
}

/** Each weight as bytes of its own, read now. */
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
 * Weights that lie in files on disk where they lie, if all files are in one folder, and the few that are made of others within the model:
 * the runtime takes weights from files or from memory, not both. Everything in memory where that is not so.
 */
async function weightsOnDisk(graph: OnnxGraph, files: ModelFiles): Promise<LoadedWeights> {
  const paths = new Map<string, { readonly folder: string; readonly name: string } | null>();
  for (const { file } of graph.weights.values()) {
    if (!paths.has(file)) paths.set(file, await pathOf(files, file));
  }
  const folders = new Set([...paths.values()].flatMap((path) => path?.folder ?? []));
  const [folder] = folders;
  const weights = [...graph.weights.values()];
  const [placed, made] = [bytesOf(weights.filter(({ file }) => paths.get(file) !== null)), bytesOf(weights.filter(({ file }) => paths.get(file) === null))];
  if (folder === undefined || folders.size > 1 || made > Math.min(placed, WITHIN_MODEL_MAX_BYTES)) return weightsInMemory(graph, files);
  const places = new Map<string, Place>();
  for (const { name, file, offset, length } of weights) {
    const path = paths.get(file) ?? null;
    places.set(name, path === null ? { bytes: await files.read(file, offset, length) } : { location: path.name, offset });
  }
  return { folder, bytes: graph.encode((weight) => placeOf(places, weight)) };
}

/** A model is copied while it is written and read, and must stay under 2 GB. */
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

/** Running out of memory is the one failure of the runtime that users can do something about. */
function explainFailure(error: unknown): never {
  if (/bad_alloc|out of memory|allocation failed|cannot enlarge memory/i.test(messageOf(error))) {
    throw new UserError(msg`The model or the text needs more memory than the runtime can have: choose a smaller model or a shorter text.`, { cause: error });
  }
  throw error;
}
