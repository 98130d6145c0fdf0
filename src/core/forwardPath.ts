import type { Activation } from './activationFunctions.ts';
import type { RecurrenceKind } from './trace.ts';

// One token's path through the model, in stages. Every stage names the stages it is computed from and the operation, so that each
// number can be shown together with its inputs, and checked against them.

/** Steps of the walkthrough, in order; a model has only the steps that it performs. */
export const PATH_STEPS = [
  'embedding',
  'position',
  'embeddingNorm',
  'streams',
  'attentionNorm',
  'convolution',
  'strength',
  'decay',
  'stateUpdate',
  'stateRead',
  'readGate',
  'recurrence',
  'heads',
  'headNorm',
  'clip',
  'rotary',
  'queryScale',
  'scores',
  'scale',
  'mask',
  'softmax',
  'z',
  'headGate',
  'concatenate',
  'attentionOutput',
  'mixed',
  'attentionPostNorm',
  'attentionAdd',
  'laurel',
  'attentionStreamNorm',
  'mlpNorm',
  'router',
  'mlp',
  'mlpOutput',
  'mixture',
  'mlpPostNorm',
  'mlpAdd',
  'mlpStreamNorm',
  'correction',
  'perLayer',
  'layerScale',
  'streamBehind',
  'layers',
  'mergedStreams',
  'finalNorm',
  'logits',
  'probabilities',
] as const;
/** A step of the walkthrough. */
export type PathStep = (typeof PATH_STEPS)[number];

/**
 * Vectors of the token by their place on the path, each with the field's names for it: the hook of TransformerLens's HookedTransformer
 * (within `blocks.N` unless it is of the embedding or `ln_final`), and the module of Hugging Face's transformers whose output it is, in
 * Llama's names (within `model.layers.N` likewise) or those of a family that has it. null: neither a hook nor a module's output.
 *
 * Four hooks differ in some models: `hook_normalized` of an RMSNorm is before its weight; `hook_attn_out` and `hook_mlp_out` are after
 * the post-norm where there is one; `hook_embed` is after a scale or norm of the embedding; in an MLP without a gate, `mlp.hook_pre` is
 * `up`.
 */
export const STAGES = {
  embedding: ['hook_embed', 'model.embed_tokens'],
  scaledEmbedding: [null, null],
  projectedEmbedding: [null, 'model.decoder.project_in'],
  position: ['hook_pos_embed', 'transformer.wpe'],
  placedEmbedding: [null, null],
  normedEmbedding: ['embed.ln.hook_normalized', 'transformer.word_embeddings_layernorm'],
  inputChanged: [null, null],
  input: ['hook_resid_pre', null],
  streamNormed: [null, 'altup.router_norm (Gemma 3n)'],
  streamScaled: [null, null],
  streamRouted: [null, 'altup.modality_router (Gemma 3n)'],
  streamModes: [null, null],
  predictionCoefficients: [null, 'altup.prediction_coefs (Gemma 3n)'],
  mixedStreams: [null, null],
  predicted: [null, null],
  ln1Out: ['ln1.hook_normalized', 'input_layernorm'],
  queryDown: [null, 'self_attn.q_a_proj'],
  queryDownNormed: [null, 'self_attn.q_a_layernorm'],
  latent: [null, 'self_attn.kv_a_proj_with_mqa'],
  latentNormed: [null, 'self_attn.kv_a_layernorm'],
  plainKey: [null, null],
  sharedKey: [null, null],
  query: ['attn.hook_q', 'self_attn.q_proj'],
  key: ['attn.hook_k', 'self_attn.k_proj'],
  value: ['attn.hook_v', 'self_attn.v_proj'],
  queryNormed: ['attn.q_norm.hook_normalized', 'self_attn.q_norm'],
  keyNormed: ['attn.k_norm.hook_normalized', 'self_attn.k_norm'],
  valueNormed: [null, 'self_attn.v_norm (Gemma 4)'],
  queryClipped: [null, null],
  keyClipped: [null, null],
  valueClipped: [null, null],
  queryRotated: ['attn.hook_rot_q', null],
  queryScaled: [null, null],
  keyRotated: ['attn.hook_rot_k', null],
  sharedKeyRotated: [null, null],
  concatenatedKey: [null, null],
  dots: [null, null],
  scaledScores: [null, null],
  cappedScores: [null, null],
  biasedScores: [null, null],
  maskedScores: ['attn.hook_attn_scores', null],
  weights: ['attn.hook_pattern', null],
  z: ['attn.hook_z', null],
  headGateLogit: [null, 'self_attn.q_proj (Qwen 3.5)'],
  headGate: [null, null],
  zGated: [null, null],
  zScaled: [null, null],
  concatenatedHeads: [null, 'self_attn.o_proj (input)'],
  attentionOutput: ['hook_attn_out', 'self_attn.o_proj'],
  stateQuery: [null, null],
  stateQueryFactored: [null, null],
  stateQueryConvolved: [null, null],
  stateQueryActivated: [null, null],
  stateKey: [null, null],
  stateKeyFactored: [null, null],
  stateKeyConvolved: [null, null],
  stateKeyActivated: [null, null],
  openingGate: [null, null],
  stateValue: [null, null],
  stateValueFactored: [null, null],
  openedValue: [null, null],
  stateValueConvolved: [null, null],
  stateValueActivated: [null, null],
  strengthLogit: [null, 'linear_attn.in_proj_b (Qwen 3.5)'],
  strength: [null, null],
  decayInput: [null, 'linear_attn.in_proj_a (Qwen 3.5)'],
  decayInputFactored: [null, null],
  decayBiased: [null, null],
  decayStep: [null, null],
  decayStepClipped: [null, null],
  decay: [null, null],
  stateBefore: [null, null],
  stateDecayed: [null, null],
  stateKeyUnit: [null, null],
  recalled: [null, null],
  surprise: [null, null],
  written: [null, null],
  stateBehind: [null, null],
  stateQueryUnit: [null, null],
  stateRead: [null, null],
  readSkipped: [null, null],
  readGate: [null, 'linear_attn.in_proj_z (Qwen 3.5)'],
  readGateFactored: [null, null],
  readGateActivated: [null, null],
  readNormed: [null, null],
  readGated: [null, 'mamba.norm (Granite 4)'],
  joinedReads: [null, 'linear_attn.out_proj (input)'],
  recurred: [null, 'linear_attn (Qwen 3.5), mamba (Falcon H1), conv (LFM2)'],
  mixedOutput: [null, null],
  attentionPostNorm: ['ln1_post.hook_normalized', 'post_attention_layernorm (Gemma 2)'],
  attentionAdded: ['hook_resid_mid', null],
  laurelDown: [null, 'laurel.linear_left (Gemma 3n)'],
  laurelUp: [null, 'laurel.linear_right (Gemma 3n)'],
  laurelNormed: [null, 'laurel.post_laurel_norm (Gemma 3n)'],
  laurelAdded: [null, 'laurel (Gemma 3n)'],
  laurelJoined: [null, null],
  laurelScaled: [null, null],
  attentionStreamNorm: [null, 'self_attn_layer_norm (OPT 350M)'],
  ln2Out: ['ln2.hook_normalized', 'post_attention_layernorm'],
  routerNormed: [null, 'router.norm (Gemma 4)'],
  routerInput: [null, null],
  expertsNormed: [null, 'pre_feedforward_layernorm_2 (Gemma 4)'],
  routerLogits: [null, 'mlp.gate'],
  routerScores: ['mlp.hook_expert_weights', null],
  correctedScores: [null, null],
  chosenScores: [null, null],
  expertShares: [null, null],
  expertWeights: [null, null],
  sharedGateLogit: [null, 'mlp.shared_expert_gate'],
  sharedGate: [null, null],
  gate: ['mlp.hook_pre', 'mlp.gate_proj'],
  gateClipped: [null, null],
  gateSparse: [null, null],
  activated: [null, 'mlp.act_fn'],
  up: ['mlp.hook_pre_linear', 'mlp.up_proj'],
  upClipped: [null, null],
  hidden: ['mlp.hook_post', 'mlp.down_proj (input)'],
  hiddenScaled: [null, null],
  expertInput: [null, null],
  expertOutput: [null, null],
  mixture: [null, 'experts (Gemma 4)'],
  mixtureNormed: [null, 'post_feedforward_layernorm_2 (Gemma 4)'],
  sharedOutput: [null, 'mlp (Gemma 4)'],
  sharedNormed: [null, 'post_feedforward_layernorm_1 (Gemma 4)'],
  mlpOutput: ['hook_mlp_out', 'mlp.down_proj'],
  mlpScaled: [null, null],
  mlpPostNorm: ['ln2_post.hook_normalized', 'post_feedforward_layernorm (Gemma 2)'],
  mlpAdded: ['hook_resid_post', null],
  mlpStreamNorm: [null, 'final_layer_norm (OPT 350M)'],
  madeNormed: [null, null],
  madeScaled: [null, null],
  madeRouted: [null, null],
  madeModes: [null, null],
  correctionCoefficients: [null, 'altup.correction_coefs (Gemma 3n)'],
  innovation: [null, null],
  corrected: [null, null],
  correctedScaled: [null, null],
  streamBehind: [null, null],
  perLayerInput: [null, null],
  perLayerGate: [null, 'per_layer_input_gate (Gemma 4)'],
  perLayerActivated: [null, null],
  perLayerGated: [null, 'per_layer_projection (input)'],
  perLayerOutput: [null, 'per_layer_projection (Gemma 4)'],
  perLayerNormed: [null, 'post_per_layer_input_norm (Gemma 4)'],
  perLayerAdded: [null, null],
  layerScaled: [null, null],
  residualChanged: [null, null],
  lengths: [null, null],
  changes: [null, null],
  streamShares: [null, null],
  merged: [null, null],
  finalInput: [null, 'model.norm (input)'],
  lnFinalOut: ['ln_final.hook_normalized', 'model.norm'],
  finalProjected: [null, 'model.decoder.project_out'],
  rawLogits: [null, 'lm_head'],
  scaledLogits: [null, null],
  logits: [null, null],
  probabilities: [null, null],
} as const satisfies Readonly<Record<string, readonly [hook: string | null, module: string | null]>>;
/** Name of a stage. */
export type StageName = keyof typeof STAGES;

/** Whether a value from outside is the name of a stage. */
export function isStageName(value: unknown): value is StageName {
  return typeof value === 'string' && Object.hasOwn(STAGES, value);
}

/** The operation that computes a stage. `of` is always its input stage. */
export type Making =
  /** Not computed here: the residual stream at this place. */
  | { readonly kind: 'given' }
  /** Not computed here: the key or value that layer `layer` made, which this one reads too. */
  | { readonly kind: 'ofLayer'; readonly layer: number }
  /** Not computed here: the token's vector for this layer, made before the first one. */
  | { readonly kind: 'perLayer' }
  /** Not computed here: what the layer kept of the tokens before, in a matrix of `columns` columns. */
  | { readonly kind: 'state'; readonly columns: number }
  /**
   * Sum over the last tokens, this one last, of each number's own kernel [n, size] times what the convolution reads of them, `window`
   * [size, n]; (+ bias).
   */
  | {
      readonly kind: 'convolved';
      readonly of: StageName;
      readonly kernel: Float32Array;
      readonly window: Float32Array;
      readonly bias: Float32Array | null;
    }
  /** of / length * factor, the length of `of` being with `epsilon` under its root. */
  | { readonly kind: 'unit'; readonly of: StageName; readonly length: number; readonly epsilon: number; readonly factor: number }
  /** ln(1 + e^of) */
  | { readonly kind: 'softplus'; readonly of: StageName }
  /** e^(-rate * of) */
  | { readonly kind: 'decay'; readonly of: StageName; readonly rate: number }
  /** of + left right^T: number i * columns + j is that of `of` plus number i of `left` times number j of `right`. */
  | { readonly kind: 'outer'; readonly of: StageName; readonly left: StageName; readonly right: StageName }
  /** Not computed here: the output of the shared expert, which another choice of expert shows. */
  | { readonly kind: 'sharedExpert' }
  /** Not computed here: shares of the streams in their mean, each brought to the size of the first. */
  | { readonly kind: 'shareOfStreams' }
  /** Row `row` of a stored table. */
  | { readonly kind: 'row'; readonly row: number; readonly rows: number; readonly tensor: string }
  /** Sines of the position, then cosines; wavelengths from 2 pi to 10000 * 2 pi. */
  | { readonly kind: 'sinusoid'; readonly position: number }
  | { readonly kind: 'scaled'; readonly of: StageName; readonly factor: number }
  /** What a recipe makes of `of`: factor * of + shifts; and each number times its own factor. */
  | { readonly kind: 'moved'; readonly of: StageName; readonly factor: number; readonly shifts: Float32Array }
  | { readonly kind: 'scaledEach'; readonly of: StageName; readonly factors: Float32Array }
  /** of + factor * with */
  | { readonly kind: 'sum'; readonly of: StageName; readonly with: StageName; readonly factor: number }
  /**
   * (x - mean) / divisor * weight + bias, where divisor = sqrt(variance or mean square + epsilon) over the numbers normalised together:
   * the first `values.length` of `of`; or `whole`, where all heads are normalised together and this head's numbers begin at `from`.
   */
  | {
      readonly kind: 'norm';
      readonly of: StageName;
      readonly form: 'layer' | 'rms';
      readonly mean: number;
      readonly divisor: number;
      readonly epsilon: number;
      readonly weight: Float32Array | null;
      readonly bias: Float32Array | null;
      readonly whole?: Float32Array;
      readonly from?: number;
    }
  /** W of (+ bias); the weights behind one number are a separate question (`WeightedSum`). */
  | { readonly kind: 'linear'; readonly of: StageName; readonly bias: boolean }
  | { readonly kind: 'clip'; readonly of: StageName; readonly low: number; readonly high: number }
  /** of[i] * cos[i] + of[partner[i]] * sin[i] (Su et al. 2021, equation 34). */
  | {
      readonly kind: 'rotated';
      readonly of: StageName;
      readonly cos: Float32Array;
      readonly sin: Float32Array;
      readonly partner: Int32Array;
    }
  /** max(0, of - mean - deviations * deviation), mean and standard deviation of all numbers of `of`. */
  | { readonly kind: 'above'; readonly of: StageName; readonly mean: number; readonly deviation: number; readonly deviations: number }
  /** Slice of `of` that begins at index `from`. */
  | { readonly kind: 'part'; readonly of: StageName; readonly from: number }
  /** Concatenation of `of` and `with`. */
  | { readonly kind: 'concatenated'; readonly of: StageName; readonly with: StageName }
  /** Concatenation of all heads' vectors; `of` is that of head `head`. */
  | { readonly kind: 'heads'; readonly of: StageName; readonly head: number; readonly heads: number }
  /** Dot products of `of` with each row of `rows` [n, length of `of`]. */
  | { readonly kind: 'dots'; readonly of: StageName; readonly rows: Float32Array }
  /** limit * tanh(of / limit) */
  | { readonly kind: 'capped'; readonly of: StageName; readonly limit: number }
  | { readonly kind: 'biased'; readonly of: StageName; readonly bias: Float32Array }
  /** `of` at first..last, minus infinity elsewhere and at the keys `cut` that the recipe hides. */
  | {
      readonly kind: 'masked';
      readonly of: StageName;
      readonly first: number;
      readonly last: number;
      readonly window: number | null;
      /** Positions of a chunk, where a token sees only those of its own. */
      readonly chunk?: number;
      readonly cut: readonly number[];
    }
  /** exp(of - max) / sum; `sink` is the score of the attention sink, which takes part in max and sum. */
  | { readonly kind: 'softmax'; readonly of: StageName; readonly max: number; readonly sum: number; readonly sink: number | null }
  /** Sum of the rows of `rows` [length of `of`, n], each weighted by its number of `of`. */
  | { readonly kind: 'weighted'; readonly of: StageName; readonly rows: Float32Array }
  | { readonly kind: 'activation'; readonly of: StageName; readonly activation: Activation }
  /** of * (with + plus) */
  | { readonly kind: 'product'; readonly of: StageName; readonly with: StageName; readonly plus: 0 | 1 }
  /** The numbers of `of` at this stage's `ids`. */
  | { readonly kind: 'chosen'; readonly of: StageName }
  /** of / sum * factor */
  | { readonly kind: 'shares'; readonly of: StageName; readonly sum: number; readonly factor: number }
  /** exp(of - max) / sum, of each number with a max and a sum of its own. */
  | { readonly kind: 'softmaxEach'; readonly of: StageName; readonly max: Float64Array; readonly sum: Float64Array }
  /** xIELU of each number: p x^2 + beta x above 0, else n (e^min(x, epsilon) - 1 - x) + beta x. */
  | {
      readonly kind: 'xielu';
      readonly of: StageName;
      readonly p: number;
      readonly n: number;
      readonly beta: number;
      readonly epsilon: number;
    }
  /**
   * Sum of `rows` [experts, n] weighted by `of`, or as they are where `unweighted`, plus the shared expert's output `shared`, times the
   * stage `gate` where there is one.
   */
  | {
      readonly kind: 'mixture';
      readonly of: StageName;
      readonly rows: Float32Array;
      readonly shared: Float32Array | null;
      readonly gate: StageName | null;
      readonly unweighted?: true;
    }
  /** Euclidean norms of the residual at each place, or of what each layer added to it. */
  | { readonly kind: 'lengths' };

/** What the index of a number in a stage stands for. */
export type StageAxis = 'dimension' | 'state' | 'stream' | 'neuron' | 'key' | 'expert' | 'layer' | 'vocabulary';

/** A vector on the token's path, and how it is computed. */
export interface Stage {
  readonly step: PathStep;
  readonly name: StageName;
  readonly axis: StageAxis;
  readonly values: Float32Array;
  readonly made: Making;
  /** The expert or token id that each number belongs to; absent: number i belongs to i. */
  readonly ids?: Int32Array;
}

/** The path of token `token`, in detail through layer `layer` and its head `head`. */
export interface ForwardPath {
  readonly token: number;
  readonly layer: number;
  readonly head: number;
  /** The key and value head that `head` reads. */
  readonly kvHead: number;
  /** Key and value heads of the layer. Absent: as many as the model's. */
  readonly kvHeads?: number;
  /** Only in a layer that keeps a state: its kind, and which of its heads is shown; null: it has none. */
  readonly recurrence?: { readonly kind: RecurrenceKind; readonly head: { readonly shown: number; readonly of: number } | null };
  readonly stages: readonly Stage[];
  /**
   * Only in a layer with experts: ids of the experts the token was routed to, by falling weight; the index of the one shown in detail
   * (the shared expert comes last); and whether there is a shared expert.
   */
  readonly experts?: { readonly ids: Int32Array; readonly shown: number; readonly shared: boolean };
  /** Whether attention and MLP both read the layer's input. */
  readonly parallel: boolean;
  /** Text of every token id that a stage names. */
  readonly pieces: Readonly<Record<number, string>>;
}

/** One number of a stage that a matrix computes: the dot product of inputs and weights, plus the bias. */
export interface WeightedSum {
  readonly stage: StageName;
  readonly index: number;
  readonly inputs: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number | null;
  /** Name of the stored tensor, and the index of the row (or column) of weights in it. */
  readonly tensor: string;
  readonly row: number;
  /** Whether the weights are a column of the tensor rather than a row. */
  readonly column: boolean;
}

/** The stage of a path by its name. Throws RangeError where the path has none. */
export function stageOf(stages: readonly Stage[], name: StageName): Stage {
  const found = stages.find((stage) => stage.name === name);
  if (found === undefined) throw new RangeError(`The path has no ${name}.`);
  return found;
}

/** Key, or row, and column of a number of a state's matrix, whose columns are what the state is read for. */
export function stateCell(stages: readonly Stage[], index: number): { readonly row: number; readonly column: number } {
  const columns = stageOf(stages, 'stateRead').values.length;
  return { row: Math.floor(index / columns), column: index % columns };
}

/** The stage of what the path's head contributes to a vector of all heads: scaled, where a recipe scales it. */
export function headResult(stages: readonly Stage[], joined: StageName = 'concatenatedHeads'): Stage {
  const { made } = stageOf(stages, joined);
  return stageOf(stages, made.kind === 'heads' ? made.of : 'z');
}
