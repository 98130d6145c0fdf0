import { UserError } from '../core/errors.ts';
import { recurrencesIn } from '../core/recurrence.ts';
import { checkRecipe } from '../core/recipe.ts';
import { carriedOver, runOf, UNCHANGED, type Recipe } from '../core/run.ts';
import type { Explanation, ModelInfo } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import type { Generation } from '../model/generation/generationConfig.ts';
import type { ExplainRequest } from '../protocol/explainRequest.ts';
import type { AnswerContext, OpenModel } from './answering.ts';
import { appliedRecipe } from './appliedRecipe.ts';
import { shortageOf, type Room } from './fitting.ts';
import { piecesOf } from './traceRows.ts';
import { windowOfText, type Part } from './windowOfText.ts';

/** Description of the open model, with the chat template and generation settings that its files give. */
export function infoOf({ model, tokenizer, generation }: OpenModel): ModelInfo {
  return {
    ...model.info,
    ...(tokenizer.hasChat ? { chatTemplate: true } : {}),
    ...(generation instanceof UserError ? {} : generationInfo(generation)),
  };
}

function generationInfo({ eos, applied, leftOut, suggested }: Generation): Pick<ModelInfo, 'eos' | 'generation'> {
  return { eos, ...(applied.length + leftOut.length + suggested.length === 0 ? {} : { generation: { applied, leftOut, suggested } }) };
}

/** Runs the model over as much of a text as memory and context allow, or over a window of it. Throws UserError for an empty text. */
export async function explain({ open, cache, room: roomNow, progress }: AnswerContext, request: ExplainRequest): Promise<Explanation> {
  const room = await roomNow();
  if (request.text === '') throw new UserError(msg`There is no text to explain.`);
  const { tokenizer } = open;
  const info = infoOf(open);
  const chat = request.chat === true && tokenizer.hasChat;
  const part = partOf(open, request, room, chat);
  const { tokenized: prompt, window, shortage } = part;
  const generated = generatedIds(request, info, chat, room.tokens - prompt.tokens.length);
  const {
    text,
    tokenized: { ids, tokens },
  } = tokenizer.continued(part.text, prompt, generated);
  const asked = recipeHere(request, info, ids);
  const recipe = await appliedRecipe(open.model, ids, asked, (plain) => cache.trace(plain, progress), ids.length - generated.length);
  const run = runOf(ids, recipe);
  // Known long before anything is predicted of them.
  if (!cache.holds(run)) await progress({ stage: 'load', done: 0, total: 0, tokens });
  const { trace, forwardMs, kept, shared } = await cache.wholePass(run, progress);
  const predictions = await cache.predictions(trace, request.topK, progress);
  return {
    model: info,
    run,
    ...(chat ? { chat } : {}),
    text,
    ...(generated.length > 0 ? { generated: generated.length } : {}),
    ...(window === null ? {} : { window }),
    omitted: window === null ? request.text.length - part.text.length : 0,
    ...(shortage === null ? {} : { shortage }),
    tokens,
    ...predictions,
    pieces: piecesOf(predictions.topIds, tokenizer.piece),
    forwardMs,
    ...(kept ? { forwardKept: true } : {}),
    ...(shared > 0 ? { forwardShared: shared } : {}),
  };
}

/** What is read of the text: the window asked for, else the beginning. */
function partOf({ model, tokenizer }: OpenModel, { text, at }: ExplainRequest, room: Room, chat: boolean): Part {
  if (at !== undefined && !chat) return windowOfText(model, tokenizer, text, room, { at });
  const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, room.tokens);
  const shortage = shortageOf(model, room, { tokens: tokenized.tokens.length, read: length, length: text.length });
  return { tokenized, text: text.slice(0, length), window: null, shortage };
}

/** The recipe as far as it is for this model and text. Throws UserError for a step that the model does not have. */
function recipeHere({ recipe = UNCHANGED, recipeFor }: ExplainRequest, info: ModelInfo, ids: Int32Array): Recipe {
  const { name, layers, heads } = info;
  const recurrences = recurrencesIn(info);
  if (recipeFor !== undefined && recipeFor.model !== name) return UNCHANGED;
  const here = recipeFor === undefined ? recipe : carriedOver(runOf(recipeFor.ids ?? ids, recipe), ids);
  checkRecipe(here, { layers, heads, tokens: ids.length, ...(recurrences === undefined ? {} : { recurrences }) });
  return here;
}

/** Ids that this model generated after the text, at most `room` of them; none if they belong to another model or reading. */
function generatedIds({ continuation }: ExplainRequest, { name, vocab }: ModelInfo, chat: boolean, room: number): readonly number[] {
  if (continuation === undefined || continuation.model !== name || continuation.chat !== chat || continuation.ids.some((id) => id >= vocab))
    return [];
  return continuation.ids.slice(0, room);
}
