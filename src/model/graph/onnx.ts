import type { Weight } from '../families/spec.ts';
import type { QuantizedMatrix, QuantizedPart } from '../formats/quantized.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import type { WeightType } from '../formats/widen.ts';
import { MessageWriter } from './protobuf.ts';

// Writes ONNX models. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

/** TensorProto.DataType. */
export const DATA_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 } as const;
export type DataType = (typeof DATA_TYPE)[keyof typeof DATA_TYPE];

const STORED_TYPE: Readonly<Record<WeightType, DataType>> = { F32: DATA_TYPE.float32, F16: DATA_TYPE.float16, BF16: DATA_TYPE.bfloat16 };
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;
const IR_VERSION = 9;
const OPSET = 18;
const CONTRIB = 'com.microsoft';
const EXTERNAL = 1;

export type Attribute = { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] };
/** A fixed size, or the name of one that the feeds decide. */
export type Dim = number | string;

/** Bytes of a model's files. */
export type Stored = Pick<StoredTensor, 'name' | 'file' | 'offset' | 'length'>;

/** Where the runtime finds what is stored: a file or buffer by name, and the bytes of it; or the bytes themselves, within the model. */
export type Place = { readonly location: string; readonly offset: number } | { readonly bytes: Uint8Array };

interface GraphNode {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Port {
  readonly name: string;
  readonly type: DataType;
  /** null: whatever comes out. */
  readonly dims: readonly Dim[] | null;
}

interface Constant extends Port {
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** A tensor of the graph, within what is stored under a name. */
interface Initializer extends QuantizedPart {
  readonly name: string;
  readonly type: DataType;
  readonly within: string;
}

/** A quantised matrix in a graph: the names of its parts. */
export interface QuantizedValues {
  readonly integers: string;
  readonly lower: string | null;
  readonly scales: string;
  readonly offsets: string | null;
}

/** A graph being built. Values are named by strings; weights stay in their files, and only their places are written. */
export class OnnxGraph {
  /** What of the model's files the graph reads, once. */
  readonly weights = new Map<string, Stored>();
  private readonly initializers: Initializer[] = [];
  private readonly nodes: GraphNode[] = [];
  private readonly inputs: Port[] = [];
  private readonly outputs: Port[] = [];
  private readonly constants = new Map<string, Constant>();
  private readonly published = new Map<string, string>();
  private readonly named = new Map<string, string>();

  input(name: string, type: DataType, dims: readonly Dim[]): string {
    this.inputs.push({ name, type, dims });
    return name;
  }

  /** Publishes an operator's value under `name`, once; the value is renamed, not copied. */
  output(name: string, value: string, type: DataType, dims: readonly Dim[]): void {
    this.published.set(value, name);
    this.outputs.push({ name, type, dims });
  }

  /** Gives an operator's float32 value a name by which `outputNamed` publishes it; in other graphs this is without effect. */
  name(name: string, value: string): string {
    this.named.set(name, value);
    return value;
  }

  /** Publishes every named value that is no output yet, and returns all names with the output each is found under. */
  outputNamed(): ReadonlyMap<string, string> {
    for (const [name, value] of this.named) {
      if (this.published.has(value)) continue;
      this.published.set(value, name);
      this.outputs.push({ name, type: DATA_TYPE.float32, dims: null });
    }
    return new Map(Array.from(this.named, ([name, value]) => [name, this.published.get(value) ?? name]));
  }

  /** Adds a standard operator of one output, and returns that. */
  op(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.nodes.length}`;
    this.push(operator, '', inputs, [name], attributes);
    return name;
  }

  /** Adds one of ONNX Runtime's own operators (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). */
  contrib(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.nodes.length}`;
    this.push(operator, CONTRIB, inputs, [name], attributes);
    return name;
  }

  /** Adds a standard operator of several outputs. */
  ops(operator: string, inputs: readonly string[], outputs: number, attributes: Readonly<Record<string, Attribute>>): readonly string[] {
    const names = Array.from({ length: outputs }, (_, i) => `v${this.nodes.length}_${i}`);
    this.push(operator, '', inputs, names, attributes);
    return names;
  }

  /** A float32 number, of shape []. */
  float(value: number): string {
    return this.constant(`float ${value}`, DATA_TYPE.float32, [], new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A list of int64, of shape [n]. */
  ints(...values: readonly number[]): string {
    return this.constant(`ints ${values.join(' ')}`, DATA_TYPE.int64, [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  /** A list of float32 numbers, of shape [n]. */
  floats(...values: readonly number[]): string {
    return this.constant(`floats ${values.join(' ')}`, DATA_TYPE.float32, [values.length], new Uint8Array(Float32Array.from(values).buffer));
  }

  /** A tensor of bytes, all 0. */
  zeroBytes(...dims: readonly number[]): string {
    return this.constant(`zeros ${dims.join(' ')}`, DATA_TYPE.uint8, dims, new Uint8Array(dims.reduce((product, dim) => product * dim, 1)));
  }

  /** [n] float32 numbers, all 1. */
  ones(n: number): string {
    return this.constant(`ones ${n}`, DATA_TYPE.float32, [n], new Uint8Array(new Float32Array(n).fill(1).buffer));
  }

  /** A stored weight as float32; 16-bit ones go through a cast that the runtime folds when it loads. */
  weight(weight: Weight): string {
    const known = this.weights.has(weight.name);
    this.weights.set(weight.name, weight);
    const name = `stored ${weight.name}`;
    if (!known) this.initializers.push({ name, type: STORED_TYPE[weight.dtype], dims: weight.shape, within: weight.name, from: 0, length: weight.length });
    if (weight.dtype === 'F32') return name;
    const wide = `wide ${weight.name}`;
    if (!known) this.push('Cast', '', [name], [wide], { to: { int: DATA_TYPE.float32 } });
    return wide;
  }

  /** The parts of a matrix of quantised numbers. */
  quantized(matrix: QuantizedMatrix): QuantizedValues {
    const known = this.weights.has(matrix.name);
    this.weights.set(matrix.name, matrix);
    const add = (what: string, type: DataType, part: QuantizedPart): string => {
      const name = `${what} of ${matrix.name}`;
      if (!known) this.initializers.push({ name, type, within: matrix.name, ...part });
      return name;
    };
    const { integers, lower, scales, offsets } = matrix.parts;
    return {
      integers: add('integers', DATA_TYPE.uint8, integers),
      lower: lower === null ? null : add('lower halves', DATA_TYPE.uint8, lower),
      scales: add('scales', DATA_TYPE.float32, scales),
      offsets: offsets === null ? null : add('offsets', DATA_TYPE.float32, offsets),
    };
  }

  /** Bytes of all weights as the runtime holds them: numbers as float32, quantised ones as they are. */
  get heldBytes(): number {
    return this.initializers.reduce((sum, { type, dims, length }) => sum + (type === DATA_TYPE.uint8 ? length : 4 * dims.reduce((product, dim) => product * dim, 1)), 0);
  }

  /** The bytes of the ONNX model, with everything stored where `place` says. */
  encode(place: (stored: Stored) => Place): Uint8Array {
    const model = new MessageWriter();
    model.int(1, IR_VERSION);
    model.text(2, 'explain-tokens');
    model.message(7, (graph) => this.encodeGraph(graph, place));
    for (const [domain, version] of [['', OPSET], [CONTRIB, 1]] as const) {
      model.message(8, (opset) => {
        opset.text(1, domain);
        opset.int(2, version);
      });
    }
    return model.finish();
  }

  private encodeGraph(graph: MessageWriter, place: (stored: Stored) => Place): void {
    const named = (values: readonly string[]): readonly string[] => values.map((value) => this.published.get(value) ?? value);
    for (const [index, node] of this.nodes.entries()) {
      graph.message(1, (message) => encodeNode(message, { ...node, inputs: named(node.inputs), outputs: named(node.outputs) }, index));
    }
    graph.text(2, 'decoder');
    for (const constant of this.constants.values()) {
      graph.message(5, (message) => {
        encodeTensorType(message, constant.name, constant.type, constant.dims);
        message.bytes(9, constant.bytes);
      });
    }
    const places = new Map(Array.from(this.weights, ([name, stored]) => [name, place(stored)]));
    for (const initializer of this.initializers) graph.message(5, (message) => encodeInitializer(message, initializer, places.get(initializer.within)));
    for (const port of this.inputs) graph.message(11, (message) => encodePort(message, port));
    for (const port of this.outputs) graph.message(12, (message) => encodePort(message, port));
  }

  private push(operator: string, domain: string, inputs: readonly string[], outputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): void {
    this.nodes.push({ operator, domain, inputs, outputs, attributes });
  }

  private constant(name: string, type: DataType, dims: readonly number[], bytes: Uint8Array): string {
    this.constants.set(name, { name, type, dims, bytes });
    return name;
  }
}

function encodeNode(message: MessageWriter, node: GraphNode, index: number): void {
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, `${node.operator} ${index}`);
  message.text(4, node.operator);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message.message(5, (field) => {
      field.text(1, name);
      if ('float' in attribute) field.float(2, attribute.float);
      else if ('int' in attribute) field.int(3, attribute.int);
      else for (const item of attribute.ints) field.int(8, item);
      field.int(20, 'float' in attribute ? ATTRIBUTE_TYPE.float : 'int' in attribute ? ATTRIBUTE_TYPE.int : ATTRIBUTE_TYPE.ints);
    });
  }
  message.text(7, node.domain);
}

function encodeTensorType(message: MessageWriter, name: string, type: DataType, dims: readonly number[]): void {
  for (const dim of dims) message.int(1, dim);
  message.int(2, type);
  message.text(8, name);
}

function encodeInitializer(message: MessageWriter, { name, type, dims, within, from, length }: Initializer, place: Place | undefined): void {
  if (place === undefined) throw new Error(`No place for ${within}.`);
  encodeTensorType(message, name, type, dims);
  if ('bytes' in place) {
    message.bytes(9, place.bytes.subarray(from, from + length));
    return;
  }
  const { location, offset } = place;
  for (const [key, value] of [['location', location], ['offset', String(offset + from)], ['length', String(length)]] as const) {
    message.message(13, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  message.int(14, EXTERNAL);
}

function encodePort(message: MessageWriter, port: Port): void {
  message.text(1, port.name);
  message.message(2, (type) => type.message(1, (tensor) => {
    tensor.int(1, port.type);
    const { dims } = port;
    if (dims === null) return;
    tensor.message(2, (shape) => {
      for (const dim of dims) {
        shape.message(1, (size) => {
          if (typeof dim === 'number') size.int(1, dim);
          else size.text(2, dim);
        });
      }
    });
  }));
}
