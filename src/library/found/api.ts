/** Whose store a model was found in. */
export type Source = 'huggingFace' | 'ollama' | 'lmStudio';

/** A model that another program keeps on this machine. It is only ever read. */
export interface FoundModel {
  readonly source: Source;
  /** As its program calls it. */
  readonly name: string;
  /** Other names of the same weights. */
  readonly aliases: readonly string[];
  /** Absolute: a folder in Hugging Face layout, or a GGUF file. */
  readonly path: string;
  /** Of the weights. */
  readonly bytes: number;
}
