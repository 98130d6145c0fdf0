import { runOptions, UsageError, type RunOptions } from './optionValues.ts';

/** Options of `mcp`. */
export interface McpOptions extends Pick<RunOptions, 'runtime' | 'nativeFolder'> {
  /** Model folders and GGUF files that agents may ask besides the bundled model. */
  readonly models: readonly string[];
}

/** Reads the options of `mcp`. Throws UsageError. */
export function mcpOptions(models: readonly string[], values: Parameters<typeof runOptions>[0]): McpOptions {
  if (values.output !== undefined) throw new UsageError('--output does not go with mcp, which speaks with its client on standard output.');
  if (models.includes('')) throw new UsageError('mcp takes model folders and GGUF files, and one of them has no name.');
  const { runtime, nativeFolder } = runOptions(values);
  return { models, runtime, nativeFolder };
}
