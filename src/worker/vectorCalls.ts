import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import type { TableVector } from '../core/vectors.ts';
import type { TextReading, TokenPlace, VectorApi } from './api.ts';
import { checkIndex, type EngineParts } from './engineParts.ts';
import type { Implementation } from './rpc.ts';
import { lensTop, neighbours, readWord, similarity, vectorMap, wordByLayer } from './vectors.ts';

/** The engine's calls about vectors. */
export function vectorCalls({ inOrder, opened, traceOf }: EngineParts): Implementation<VectorApi> {
  return {
    readText: inOrder(async (_, text: string): Promise<TextReading> => {
      if (text === '') throw new UserError(msg`There is no text to read.`);
      const { model, tokenizer } = opened();
      const { tokenized, length } = tokenizer.encodeFirst(text, model.info.contextLength);
      return { tokens: tokenized.tokens, length };
    }),
    words: inOrder(async (_, texts: readonly string[]) => ({ words: texts.map((text) => readWord(opened().tokenizer, text)) })),
    neighbours: inOrder(async (_, vector: TableVector, count: number) => neighbours(opened().model, vector, count, opened().tokenizer.piece)),
    vectorMap: inOrder(async (_, vectors: readonly TableVector[]) => vectorMap(opened().model, vectors)),
    lensTop: inOrder(async (context, ids: Int32Array, layer: number, token: number, count: number) => {
      const { model, tokenizer } = opened();
      checkIndex('layer', layer, model.info.layers + 1);
      checkIndex('token', token, ids.length);
      return lensTop(model, await traceOf(model, ids, context), layer, token, count, tokenizer.piece);
    }),
    similarity: inOrder(async (context, ids: Int32Array, layer: number) => {
      const { model } = opened();
      checkIndex('layer', layer, model.info.layers + 1, -1);
      return similarity(await traceOf(model, ids, context), layer);
    }),
    wordByLayer: inOrder(async (context, first: TokenPlace, second: TokenPlace) => {
      const { model } = opened();
      for (const { ids, token } of [first, second]) checkIndex('token', token, ids.length);
      return wordByLayer(model, await traceOf(model, first.ids, context), first.token, await traceOf(model, second.ids, context), second.token);
    }),
  };
}
