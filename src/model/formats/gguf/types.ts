/** Storage of a ggml type: `bytes` for each `elements` numbers along the last axis. */
export interface BlockType {
  readonly name: string;
  readonly elements: number;
  readonly bytes: number;
}

/** The types that weights may have, by number; ggml's `enum ggml_type` and block structures (ggml-common.h). */
const READ: ReadonlyMap<number, BlockType> = new Map([
  [0, { name: 'F32', elements: 1, bytes: 4 }],
  [1, { name: 'F16', elements: 1, bytes: 2 }],
  [30, { name: 'BF16', elements: 1, bytes: 2 }],
  [2, { name: 'Q4_0', elements: 32, bytes: 18 }],
  [3, { name: 'Q4_1', elements: 32, bytes: 20 }],
  [6, { name: 'Q5_0', elements: 32, bytes: 22 }],
  [7, { name: 'Q5_1', elements: 32, bytes: 24 }],
  [8, { name: 'Q8_0', elements: 32, bytes: 34 }],
  [10, { name: 'Q2_K', elements: 256, bytes: 84 }],
  [11, { name: 'Q3_K', elements: 256, bytes: 110 }],
  [12, { name: 'Q4_K', elements: 256, bytes: 144 }],
  [13, { name: 'Q5_K', elements: 256, bytes: 176 }],
  [14, { name: 'Q6_K', elements: 256, bytes: 210 }],
  [20, { name: 'IQ4_NL', elements: 32, bytes: 18 }],
  [23, { name: 'IQ4_XS', elements: 256, bytes: 136 }],
  [16, { name: 'IQ2_XXS', elements: 256, bytes: 66 }],
  [17, { name: 'IQ2_XS', elements: 256, bytes: 74 }],
  [22, { name: 'IQ2_S', elements: 256, bytes: 82 }],
  [18, { name: 'IQ3_XXS', elements: 256, bytes: 98 }],
  [21, { name: 'IQ3_S', elements: 256, bytes: 110 }],
  [19, { name: 'IQ1_S', elements: 256, bytes: 50 }],
  [29, { name: 'IQ1_M', elements: 256, bytes: 56 }],
  [34, { name: 'TQ1_0', elements: 256, bytes: 54 }],
  [35, { name: 'TQ2_0', elements: 256, bytes: 66 }],
  [39, { name: 'MXFP4', elements: 32, bytes: 17 }],
]);

/** Names of the other types, for the sentence that refuses them. */
const OTHER: ReadonlyMap<number, string> = new Map([
  [4, 'Q4_2'],
  [5, 'Q4_3'],
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [31, 'Q4_0_4_4'],
  [32, 'Q4_0_4_8'],
  [33, 'Q4_0_8_8'],
  [36, 'IQ4_NL_4_4'],
  [37, 'IQ4_NL_4_8'],
  [38, 'IQ4_NL_8_8'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
]);

/** The block type with number `id`; null for an unsupported type. */
export function blockType(id: number): BlockType | null {
  return READ.get(id) ?? null;
}

/** Names of all supported types. */
export function blockTypeNames(): readonly string[] {
  return [...READ.values()].map(({ name }) => name);
}

/** Name of a type, supported or not. */
export function typeName(id: number): string {
  return READ.get(id)?.name ?? OTHER.get(id) ?? `number ${id}`;
}

const BY_NAME: ReadonlyMap<string, BlockType> = new Map([...READ.values()].map((type) => [type.name, type]));

/** The block type of a name. */
export function blockTypeNamed(name: string): BlockType {
  const type = BY_NAME.get(name);
  if (type === undefined) throw new Error(`There is no ggml type ${name}.`);
  return type;
}
