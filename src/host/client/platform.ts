import type { ExecutionProvider, RuntimeChoice } from '../../core/runtimeChoice.ts';

/** Choice of the runtime. */
export interface RuntimeOptions {
  readonly choice: RuntimeChoice;
  /** Folder of an onnxruntime-node package as the user wrote it; empty if not set. */
  readonly nativeFolder: string;
  /** The native runtime's execution provider. */
  readonly provider: ExecutionProvider;
}
