import type { Translatable } from './translatable.ts';

/** ONNX Runtime's builds: WebAssembly everywhere, native where there is a binary for the machine. */
export type RuntimeKind = 'wasm' | 'native';

/** Runtimes a user may choose: `auto` takes the native one where there is one that works. */
export const RUNTIME_CHOICES = ['auto', 'wasm', 'native'] as const satisfies readonly (RuntimeKind | 'auto')[];
export type RuntimeChoice = (typeof RUNTIME_CHOICES)[number];

/** Execution providers of the native runtime that a user may choose, by the runtime's own names. A binary has some of them. */
export const EXECUTION_PROVIDERS = ['cpu', 'webgpu', 'coreml', 'dml', 'cuda'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];
/** One that is not the CPU: its numbers are near the CPU's, not equal to them. */
export type OtherProvider = Exclude<ExecutionProvider, 'cpu'>;

/** The names under which providers are known. */
export const PROVIDER_NAMES: Readonly<Record<OtherProvider, string>> = {
  webgpu: 'WebGPU',
  coreml: 'CoreML',
  dml: 'DirectML',
  cuda: 'CUDA',
};

/** What became of an execution provider other than the CPU that was asked for. */
export type ProviderUse =
  /** It computes. `difference`: the largest from the CPU of a log-probability (nats) or attention weight in the self-check. */
  | { readonly kind: 'used'; readonly provider: OtherProvider; readonly difference: number }
  /** The CPU computes, for the reason `why`; `details` are for the log. */
  | { readonly kind: 'refused'; readonly provider: OtherProvider; readonly why: Translatable; readonly details: string };
