import type { Weight } from '../families/spec.ts';
import type { QuantizedMatrix, QuantizedPart } from '../formats/quantized.ts';
import type { StoredTensor } from '../formats/storedTensor.ts';
import type { WeightType } from '../formats/widen.ts';
import { MessageWriter } from './protobuf.ts';

// Writes ONNX models. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

/** Numbers of ONNX's TensorProto.DataType. */
export const DATA_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 } as const;
/** Number of a data type. */
export type DataType = (typeof DATA_TYPE)[keyof typeof DATA_TYPE];

const STORED_TYPE: Readonly<Record<WeightType, DataType>> = { F32: DATA_TYPE.float32, F16: DATA_TYPE.float16, BF16: DATA_TYPE.bfloat16 };
const ATTRIBUTE_TYPE = { float: 1, int: 2, text: 3, ints: 7 } as const;
const IR_VERSION = 9;
const OPSET = 18;
const CONTRIB = 'com.microsoft';
const EXTERNAL = 1;

/** Attribute of an operator. */
export type Attribute =
  { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] } | { readonly text: string };
/** Size of an axis: fixed, or the name of one that the feeds decide. */
export type Dim = number | string;

/** A byte range of a model's files. */
export type Stored = Pick<StoredTensor, 'name' | 'file' | 'offset' | 'length'>;

/** Where the runtime finds a stored byte range: in a named file or buffer at an offset, or embedded in the model. */
export type Place = { readonly location: string; readonly offset: number } | { readonly bytes: Uint8Array };

/** One operator of a graph. */
export interface GraphNode {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Port {
  readonly name: string;
  readonly type: DataType;
  /** Shape; null: not declared. */
  readonly dims: readonly Dim[] | null;
}

interface Constant extends Port {
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** A constant tensor of the graph: a part of a stored byte range. */
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

/** A graph under construction. Values are named by strings; weights stay in their files, and only their locations are written. */
export class OnnxGraph {
  /** Byte ranges of the model's files that the graph reads, once each. */
  readonly weights = new Map<string, Stored>();
  /** Whether matrices that are kept quantised are multiplied with as such. */
  readonly matrices: 'as kept' | 'as float32';
  private readonly initializers: Initializer[] = [];
  private readonly steps: GraphNode[] = [];
  private readonly inputs: Port[] = [];
  private readonly outputs: Port[] = [];
  private readonly constants = new Map<string, Constant>();
  private readonly published = new Map<string, string>();
  private readonly named = new Map<string, string>();
  private readonly narrowed = new Set<string>();
  private readonly scaled = new Set<string>();

  /** The operators so far, each after those that it reads. */
  get nodes(): readonly GraphNode[] {
    return this.steps;
  }

  /** The values that have a name. */
  get namedValues(): ReadonlyMap<string, string> {
    return this.named;
  }

  constructor(matrices: OnnxGraph['matrices'] = 'as kept') {
    this.matrices = matrices;
  }

  input(name: string, type: DataType, dims: readonly Dim[]): string {
    this.inputs.push({ name, type, dims });
    return name;
  }

  /** Makes an operator's value the graph output `name`, once; the value is renamed, not copied. */
  output(name: string, value: string, type: DataType, dims: readonly Dim[] | null): void {
    this.published.set(value, name);
    this.outputs.push({ name, type, dims });
  }

  /** Gives an operator's float32 value a name for `outputNamed`; otherwise without effect. */
  name(name: string, value: string): string {
    this.named.set(name, value);
    return value;
  }

  /** Makes every named value an output, and returns the output name of each. */
  outputNamed(): ReadonlyMap<string, string> {
    for (const [name, value] of this.named) {
      if (this.published.has(value)) continue;
      this.published.set(value, name);
      this.outputs.push({ name, type: DATA_TYPE.float32, dims: null });
    }
    return new Map(Array.from(this.named, ([name, value]) => [name, this.published.get(value) ?? name]));
  }

  /** Adds a standard operator with one output, and returns that output. */
  op(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.steps.length}`;
    this.push(operator, '', inputs, [name], attributes);
    return name;
  }

  /** Adds an operator of ONNX Runtime's own (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). */
  contrib(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.steps.length}`;
    this.push(operator, CONTRIB, inputs, [name], attributes);
    return name;
  }

  /** Adds a standard operator with several outputs. */
  ops(operator: string, inputs: readonly string[], outputs: number, attributes: Readonly<Record<string, Attribute>>): readonly string[] {
    const names = Array.from({ length: outputs }, (_, i) => `v${this.steps.length}_${i}`);
    this.push(operator, '', inputs, names, attributes);
    return names;
  }

  /** Adds an operator of ONNX Runtime's own with several outputs; the input '' is one that is left out. */
  contribs(
    operator: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>>,
  ): readonly string[] {
    const names = Array.from({ length: outputs }, (_, i) => `v${this.steps.length}_${i}`);
    this.push(operator, CONTRIB, inputs, names, attributes);
    return names;
  }

  /** A float32 scalar, shape []. */
  float(value: number): string {
    return this.constant(`float ${value}`, DATA_TYPE.float32, [], new Uint8Array(Float32Array.of(value).buffer));
  }

  /** An int64 scalar, shape []: an index that takes its axis away. */
  index(value: number): string {
    return this.constant(`index ${value}`, DATA_TYPE.int64, [], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  }

  /** A constant of int64, shape [n]. */
  ints(...values: readonly number[]): string {
    return this.constant(
      `ints ${values.join(' ')}`,
      DATA_TYPE.int64,
      [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  }

  /** The numbers of a list that `ints` made; null for any other value. */
  wholeNumbers(name: string): readonly number[] | null {
    const constant = this.constants.get(name);
    if (constant === undefined || constant.type !== DATA_TYPE.int64) return null;
    return Array.from(new BigInt64Array(constant.bytes.buffer), Number);
  }

  /** Whether a value is a constant of shape [], which takes on the shape of whatever it meets. */
  isSingle(name: string): boolean {
    return this.constants.get(name)?.dims.length === 0;
  }

  /** Marks a value that stretches to whatever it meets, which never stretches to it. */
  narrow(value: string): string {
    this.narrowed.add(value);
    return value;
  }

  /** Whether whatever this value meets has the shape of the two together. */
  isNarrow(name: string): boolean {
    return this.isSingle(name) || this.narrowed.has(name);
  }

  /** A constant of float32, shape [n]. */
  floats(...values: readonly number[]): string {
    return this.constant(
      `floats ${values.join(' ')}`,
      DATA_TYPE.float32,
      [values.length],
      new Uint8Array(Float32Array.from(values).buffer),
    );
  }

  /** A uint8 constant of zeros. */
  zeroBytes(...dims: readonly number[]): string {
    return this.constant(`zeros ${dims.join(' ')}`, DATA_TYPE.uint8, dims, new Uint8Array(dims.reduce((product, dim) => product * dim, 1)));
  }

  /** A float32 constant of ones, shape [n]. */
  ones(n: number): string {
    return this.constant(`ones ${n}`, DATA_TYPE.float32, [n], new Uint8Array(new Float32Array(n).fill(1).buffer));
  }

  /** A stored weight as float32, times its factor; the runtime folds both the cast of a 16-bit one and the product when it loads. */
  weight(weight: Weight): string {
    const { factor = 1 } = weight;
    const wide = this.stored(weight);
    if (factor === 1) return wide;
    const name = `${factor} x ${weight.name}`;
    if (!this.scaled.has(name)) this.push('Mul', '', [wide, this.float(factor)], [name], {});
    this.scaled.add(name);
    return name;
  }

  private stored(weight: Weight): string {
    const known = this.weights.has(weight.name);
    this.weights.set(weight.name, weight);
    const name = `stored ${weight.name}`;
    if (!known)
      this.initializers.push({
        name,
        type: STORED_TYPE[weight.dtype],
        dims: weight.shape,
        within: weight.name,
        from: 0,
        length: weight.length,
      });
    if (weight.dtype === 'F32') return name;
    const wide = `wide ${weight.name}`;
    if (!known) this.push('Cast', '', [name], [wide], { to: { int: DATA_TYPE.float32 } });
    return wide;
  }

  /** The parts of a quantised matrix. */
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

  /** Bytes of all weights as the runtime holds them: float32, or quantised. */
  get heldBytes(): number {
    return this.initializers.reduce(
      (sum, { type, dims, length }) => sum + (type === DATA_TYPE.uint8 ? length : 4 * dims.reduce((product, dim) => product * dim, 1)),
      0,
    );
  }

  /** Whether some weights stay quantised. */
  get isQuantized(): boolean {
    return this.initializers.some(({ type }) => type === DATA_TYPE.uint8);
  }

  /** The bytes of the ONNX model; `place` gives the location of each stored byte range. */
  encode(place: (stored: Stored) => Place): Uint8Array {
    const model = new MessageWriter();
    model.int(1, IR_VERSION);
    model.text(2, 'explain-tokens');
    model.message(7, (graph) => this.encodeGraph(graph, place));
    for (const [domain, version] of [
      ['', OPSET],
      [CONTRIB, 1],
    ] as const) {
      model.message(8, (opset) => {
        opset.text(1, domain);
        opset.int(2, version);
      });
    }
    return model.finish();
  }

  private encodeGraph(graph: MessageWriter, place: (stored: Stored) => Place): void {
    const named = (values: readonly string[]): readonly string[] => values.map((value) => this.published.get(value) ?? value);
    for (const [index, node] of this.steps.entries()) {
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
    for (const initializer of this.initializers)
      graph.message(5, (message) => encodeInitializer(message, initializer, places.get(initializer.within)));
    for (const port of this.inputs) graph.message(11, (message) => encodePort(message, port));
    for (const port of this.outputs) graph.message(12, (message) => encodePort(message, port));
  }

  private push(
    operator: string,
    domain: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): void {
    this.steps.push({ operator, domain, inputs, outputs, attributes });
  }

  private constant(name: string, type: DataType, dims: readonly number[], bytes: Uint8Array): string {
    this.constants.set(name, { name, type, dims, bytes });
    return name;
  }
}

function attributeType(attribute: Attribute): number {
  if ('float' in attribute) return ATTRIBUTE_TYPE.float;
  if ('int' in attribute) return ATTRIBUTE_TYPE.int;
  return 'text' in attribute ? ATTRIBUTE_TYPE.text : ATTRIBUTE_TYPE.ints;
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
      else if ('text' in attribute) field.text(4, attribute.text);
      else for (const item of attribute.ints) field.int(8, item);
      field.int(20, attributeType(attribute));
    });
  }
  message.text(7, node.domain);
}

function encodeTensorType(message: MessageWriter, name: string, type: DataType, dims: readonly number[]): void {
  for (const dim of dims) message.int(1, dim);
  message.int(2, type);
  message.text(8, name);
}

function encodeInitializer(
  message: MessageWriter,
  { name, type, dims, within, from, length }: Initializer,
  place: Place | undefined,
): void {
  if (place === undefined) throw new Error(`No place for ${within}.`);
  encodeTensorType(message, name, type, dims);
  if ('bytes' in place) {
    message.bytes(9, place.bytes.subarray(from, from + length));
    return;
  }
  const { location, offset } = place;
  for (const [key, value] of [
    ['location', location],
    ['offset', String(offset + from)],
    ['length', String(length)],
  ] as const) {
    message.message(13, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  message.int(14, EXTERNAL);
}

function encodePort(message: MessageWriter, port: Port): void {
  message.text(1, port.name);
  message.message(2, (type) =>
    type.message(1, (tensor) => {
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
    }),
  );
}
