/** The program in whose store a model was found. */
export type Source = 'huggingFace' | 'ollama' | 'lmStudio';

/** A model that another program keeps on this machine. Its files are read, never written. */
export interface FoundModel {
  readonly source: Source;
  /** Name of the model in its program. */
  readonly name: string;
  /** Other names of the same weights. */
  readonly aliases: readonly string[];
  /** Absolute path of a folder in Hugging Face layout or of a GGUF file. */
  readonly path: string;
  /** Size of the weights. */
  readonly bytes: number;
}
