import type { Architecture } from '../../../src/core/architecture.ts';
import type { HeadReads } from '../../../src/core/tokenFlow.ts';
import type { AddedWindow, ExpertRouting, Explanation } from '../../../src/core/trace.ts';
import type { LayerFlow, LensCell } from '../../figures/modelFlow.ts';
import type { FoldName, Settings } from '../../viewSettings.ts';

/** What is known of the open layer for the selected token. */
export interface LayerAnswer {
  readonly layer: number;
  readonly token: number;
  /** A sentence says why heads cannot be told apart. */
  readonly reads: HeadReads | string;
  /** null: the model has norms behind its steps, so that nothing can be read off them. */
  readonly added: AddedWindow | null;
  readonly routing: ExpertRouting | null;
}

/** Everything the picture is drawn from. Null: not known yet. */
export interface ModelData {
  readonly explanation: Explanation;
  readonly architecture: Architecture;
  readonly settings: Settings;
  readonly labels: readonly string[];
  /** The selected token's way through all layers, and its predictions on the way. */
  readonly flows: readonly LayerFlow[] | null;
  readonly cells: readonly LensCell[] | null;
  /** Of the open layer and the selected token. */
  readonly layerAnswer: LayerAnswer | null;
}

/** What the picture's parts do when they are pressed. */
export interface ModelActions {
  /** Opens a layer of the picture. */
  readonly openLayer: (layer: number) => void;
  /** Opens a tab with these settings. */
  readonly go: (change: Partial<Settings>) => void;
  readonly select: (token: number) => void;
  readonly mark: (tokens: readonly number[]) => void;
  /** Keeps whether details are open. */
  readonly fold: (name: FoldName, open: boolean) => void;
}
