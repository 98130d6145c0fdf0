import type { Continuation } from '../core/generation.ts';
import type { Recipe } from '../core/run.ts';

/** A text to explain, with options. */
export interface ExplainRequest {
  readonly text: string;
  /**
   * Of a text that the model cannot read at once, the first window that holds this UTF-16 offset is read. Absent, or for a chat: the
   * beginning, as much as fits.
   */
  readonly at?: number;
  /** Candidates kept per position. */
  readonly topK: number;
  /** Whether to read the text as a user's message, if the model has a chat template. */
  readonly chat?: boolean;
  /**
   * Generated tokens to append to the text's, by their ids. Ignored if another model generated them, or if they followed the other reading
   * of the text (as a chat message or as it is).
   */
  readonly continuation?: Continuation;
  /** Interventions on the model while it reads; absent: none. */
  readonly recipe?: Recipe;
  /** What the recipe was made for; absent: for this text and model. */
  readonly recipeFor?: RecipeFor;
}

/**
 * What a recipe was made for. Another model does nothing of it, and of a text that only begins like `ids` no intervention that names a
 * token after that beginning. `ids`: null: this text.
 */
export interface RecipeFor {
  /** Name of the model. */
  readonly model: string;
  readonly ids: Int32Array | null;
}
