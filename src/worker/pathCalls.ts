import type { StageName } from '../core/forwardPath.ts';
import type { WorkerApi } from './api.ts';
import { checkHead, checkIndex, type EngineParts } from './engineParts.ts';
import type { Implementation } from './rpc.ts';
import { forwardPath } from './views.ts';

/** Calls about one token's way through the model, and how positions come into a layer. */
export function pathCalls({ inOrder, opened, traceOf }: EngineParts): Pick<Implementation<WorkerApi>, 'forwardPath' | 'weightedSum' | 'positions'> {
  return {
    forwardPath: inOrder(async (context, ids: Int32Array, token: number, layer: number, head: number, expert: number) => {
      const { model, tokenizer } = opened();
      checkIndex('token', token, ids.length);
      checkHead(model, layer, head);
      return forwardPath(model, await traceOf(model, ids, context), { token, layer, head, expert }, tokenizer.piece);
    }),
    weightedSum: inOrder(async (context, ids: Int32Array, token: number, layer: number, head: number, expert: number, stage: StageName, index: number) => {
      const { model } = opened();
      checkIndex('token', token, ids.length);
      checkHead(model, layer, head);
      return model.weightedSum(await traceOf(model, ids, context), { token, layer, head, expert }, stage, index);
    }),
    positions: inOrder(async (context, ids: Int32Array, layer: number, head: number, query: number, key: number) => {
      const { model } = opened();
      checkHead(model, layer, head);
      checkIndex('query', query, ids.length);
      checkIndex('key', key, ids.length);
      return model.positions(await traceOf(model, ids, context), { layer, head, query, key });
    }),
  };
}
