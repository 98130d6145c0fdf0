/** What runs the model: native where it is installed and the platform can, WebAssembly, or what the user insists on. */
export type RuntimeChoice = 'auto' | 'wasm' | 'native';

/** How the model is to be run. */
export interface RuntimeOptions {
  readonly choice: RuntimeChoice;
  /** Folder of an onnxruntime-node package as the user wrote it; empty where not set. */
  readonly nativeFolder: string;
}
