import type { Block, DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import type { Trace } from '../run/forwardTrace.ts';
import type { HeadChoice } from './headsPath.ts';
import type { LayerRow, RecurrenceRow } from './layerRow.ts';

/** The token, layer and head of a path, and the values it is built from. */
export interface LayerPlace {
  readonly spec: DecoderSpec;
  readonly files: ModelFiles;
  readonly trace: Trace;
  readonly row: LayerRow;
  readonly block: Block;
  readonly layer: number;
  readonly token: number;
  readonly choice: HeadChoice;
  /** Of a layer that keeps a state what is in it, and which of its heads is shown. */
  readonly recurrence: { readonly row: RecurrenceRow; readonly head: number } | null;
}
