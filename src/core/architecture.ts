import type { Activation } from './activationFunctions.ts';
import type { RecurrenceKind } from './trace.ts';

/** A model's parts in the order in which a token passes them, with their sizes. `parameters`: numbers in the stored weights of a part. */
export interface Architecture {
  /** The table of embeddings: `vocab` rows of `width` numbers. */
  readonly embedding: {
    readonly width: number;
    /** Whether a matrix takes the row to the width of the stream, and a norm follows. */
    readonly projected: boolean;
    readonly normed: boolean;
    readonly parameters: number;
  };
  /** Parameters of a table of positions; 0: there is none. */
  readonly positionParameters: number;
  /** Parameters of the vectors that each layer reads besides the stream (per-layer embeddings); 0: there are none. */
  readonly perLayerParameters: number;
  /** Residual streams side by side, and the parameters of what makes them and merges them at the end; null: there is one. */
  readonly streams: { readonly count: number; readonly parameters: number } | null;
  readonly blocks: readonly BlockParts[];
  /** Parameters of the norm behind the last layer; null: there is no such norm. */
  readonly finalNorm: number | null;
  /** `tied`: its matrix is the table of embeddings, whose parameters are counted there. */
  readonly unembedding: { readonly tied: boolean; readonly projected: boolean; readonly parameters: number };
}

/** The norms around attention or MLP: before it, of what it adds, and of the stream after the addition. */
export interface NormsAround {
  readonly pre: boolean;
  readonly post: boolean;
  readonly stream: boolean;
  readonly parameters: number;
}

/** One layer. */
export interface BlockParts {
  /** Null: the layer mixes no tokens, it is an MLP alone. */
  readonly mixer: MixerPart | null;
  /** What works beside attention, over the same input; null: nothing. */
  readonly beside: RecurrencePart | null;
  /** Null: the layer has none. */
  readonly mlp: MlpPart | null;
  readonly attentionNorms: NormsAround;
  readonly mlpNorms: NormsAround;
  /** `parallel`: attention and MLP both read the layer's input. */
  readonly wiring: 'sequential' | 'parallel';
  /** What a step is added to: the stream, or the stream behind the norm before the step. */
  readonly addTo: 'stream' | 'normed';
  /** Parameters of a second, narrow way beside attention; null: there is none. */
  readonly laurel: number | null;
  /** Parameters of what predicts and corrects the streams around the layer; null: there is one stream. */
  readonly altUp: number | null;
  /** Parameters of what the layer adds last, of the token's vector for it; null: nothing. */
  readonly perLayer: number | null;
  /** Whether the layer multiplies the whole stream by a number last. */
  readonly scaled: boolean;
}

/** How a layer's tokens read those before them. */
export type MixerPart = AttentionPart | RecurrencePart;

/** Softmax attention. */
export interface AttentionPart {
  readonly kind: 'attention';
  readonly heads: number;
  readonly kvHeads: number;
  /** Width of a query or key, and of a value, in one head. */
  readonly headDim: number;
  readonly valueDim: number;
  /** Numbers that all keys and values are computed from; null: not latent. */
  readonly latentRank: number | null;
  /** Keys that a query sees at most, or the length of the chunk it sees; null: all up to its own. */
  readonly window: number | null;
  readonly chunk: number | null;
  readonly rotary: boolean;
  /** Whether queries and keys are normed. */
  readonly normedQueries: boolean;
  readonly gated: boolean;
  /** The layer whose keys and values this one reads; null: its own. */
  readonly keysOf: number | null;
  /** Parameters of all of it, and of the output projection among them. */
  readonly parameters: number;
  readonly outputParameters: number;
}

/** A layer that carries the text before a token in a state of fixed size. */
export interface RecurrencePart {
  readonly kind: Exclude<RecurrenceKind, 'mlpAlone'>;
  /** Tokens that its convolution reads, its own included. */
  readonly reach: number;
  /** Numbers that it keeps of all tokens before. */
  readonly kept: number;
  readonly parameters: number;
}

/** One MLP or several experts. */
export interface MlpPart {
  /** Neurons of the MLP, or of one expert. */
  readonly hidden: number;
  /** Whether a gate multiplies what goes up. */
  readonly gated: boolean;
  readonly activation: Activation | 'xielu';
  readonly experts: { readonly count: number; readonly chosen: number; readonly shared: boolean } | null;
  readonly parameters: number;
  /** Parameters that a token passes: all, but for experts it is not sent to. */
  readonly active: number;
}

/** A group of parts whose parameters are counted together. */
export type ParameterGroup = 'embedding' | 'attention' | 'mlp' | 'norms' | 'streams' | 'unembedding';

/** Parameters by group, in the order in which a token passes them; their sum is the model's. */
export function parameterGroups({
  embedding,
  positionParameters,
  perLayerParameters,
  streams,
  blocks,
  finalNorm,
  unembedding,
}: Architecture): ReadonlyMap<ParameterGroup, number> {
  const sum = (of: (block: BlockParts) => number): number => blocks.reduce((total, block) => total + of(block), 0);
  return new Map<ParameterGroup, number>([
    ['embedding', embedding.parameters + positionParameters + perLayerParameters + sum(({ perLayer }) => perLayer ?? 0)],
    ['attention', sum(({ mixer, beside, laurel }) => (mixer?.parameters ?? 0) + (beside?.parameters ?? 0) + (laurel ?? 0))],
    ['mlp', sum(({ mlp }) => mlp?.parameters ?? 0)],
    [
      'norms',
      (finalNorm ?? 0) + sum(({ attentionNorms, mlpNorms, scaled }) => attentionNorms.parameters + mlpNorms.parameters + Number(scaled)),
    ],
    ['streams', (streams?.parameters ?? 0) + sum(({ altUp }) => altUp ?? 0)],
    ['unembedding', unembedding.parameters],
  ]);
}
