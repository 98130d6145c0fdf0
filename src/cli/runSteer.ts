import { basename, join } from 'node:path';
import { steeringVectors, tokenVectors, type SteeringVectors } from '../analysis/steeringVectors.ts';
import { asLong, lengthOf, type ControlVector } from '../core/steering.ts';
import { at } from '../core/tensor.ts';
import { UserError } from '../core/errors.ts';
import { controlVectorBytes, FIRST_STEERED_LAYER } from '../model/formats/gguf/controlVector.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import { openTextModel, readFileText, runtimeOf, type Note, type TextModel } from './input.ts';
import { namedToken } from './namedToken.ts';
import { STANDARD, UsageError } from './optionValues.ts';
import { openOutput, standardOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import { omission, roomNow } from './room.ts';
import type { SteerOptions, TextList } from './steerOptions.ts';

/** Makes a control vector of texts or tokens, and writes it as GGUF. Throws UserError or UsageError. */
export async function steer(options: SteerOptions, distFolder: string, note: Note): Promise<void> {
  const folder = options.model ?? join(distFolder, '..', BUNDLED_MODEL);
  const texts = await textsOf(options, note);
  const opened = await openTextModel(folder, runtimeOf(options, distFolder), note);
  const layers = layersOf(options, opened.model);
  const made = await madeOf(options, opened, texts, note);
  const vector: ControlVector = {
    name: options.name === '' ? nameOf(options) : options.name,
    description: `${made.description} Each is as long as the residual is there: the median of ${made.measured}.`,
    family: opened.model.info.family,
    directions: layers.map((layer) => ({ layer, values: asLong(made.vectors[layer] ?? [], made.lengths[layer] ?? 0) })),
  };
  const empty = vector.directions.find(({ values }) => lengthOf(values) === 0);
  if (empty !== undefined) throw new UserError(`The vector at layer ${empty.layer} is zero: both sides are the same there.`);
  const output = await openOutput(options.output);
  try {
    await output.write(controlVectorBytes(vector));
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
  if (options.output !== null) await standardOutput().write(table(layers, made));
}

/** The layers whose vectors are written. */
function layersOf({ layers: asked }: SteerOptions, { info }: LanguageModel): readonly number[] {
  const last = info.layers;
  if (last < FIRST_STEERED_LAYER)
    throw new UserError(`A control-vector file holds vectors from layer ${FIRST_STEERED_LAYER} on, and the model has ${last} layers.`);
  if (asked === null) return [Math.max(FIRST_STEERED_LAYER, Math.round(last / 2))];
  if (asked === 'all') return Array.from({ length: last - FIRST_STEERED_LAYER + 1 }, (_, i) => FIRST_STEERED_LAYER + i);
  const outside = asked.find((layer) => layer < FIRST_STEERED_LAYER || layer > last);
  if (outside !== undefined)
    throw new UsageError(
      `--layers: a control-vector file holds vectors for the input of layers ${FIRST_STEERED_LAYER} to ${last - 1}, and ${last} for the \
output of the last, not for ${outside}.`,
    );
  return asked;
}

interface Made extends SteeringVectors {
  readonly description: string;
  readonly measured: string;
}

interface Texts {
  readonly positive: readonly string[];
  readonly negative: readonly string[];
}

async function textsOf({ source }: SteerOptions, note: Note): Promise<Texts> {
  if (source.kind === 'tokens') return { positive: await listOf(source.text, note), negative: [] };
  return { positive: await listOf(source.positive, note), negative: await listOf(source.negative, note) };
}

async function listOf(list: TextList, note: Note): Promise<readonly string[]> {
  if (list.kind === 'texts') return list.texts;
  const named = `--${list.option} ${list.path}`;
  const input = list.path === STANDARD ? ({ kind: 'standardInput' } as const) : ({ kind: 'file', path: list.path } as const);
  const lines = (await readFileText(input, named, note)).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new UserError(`${named} holds no text: each line is one.`);
  return lines;
}

async function madeOf(
  { source, chat }: SteerOptions,
  { model, tokenizer }: TextModel,
  { positive, negative }: Texts,
  note: Note,
): Promise<Made> {
  const idsOf = async (texts: readonly string[]): Promise<readonly Int32Array[]> => {
    const room = await roomNow(model);
    const all: Int32Array[] = [];
    for (const text of texts) {
      const { tokenized, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(text, room.tokens);
      const omitted = omission(model, room, { tokens: tokenized.tokens.length, read: length, length: text.length });
      if (omitted !== null) await note(omitted.sentence);
      all.push(tokenized.ids);
    }
    return all;
  };
  if (source.kind === 'tokens') {
    const token = namedToken('token', source.token, tokenizer, model.info.vocab);
    const rival = source.rival === null ? null : namedToken('rival', source.rival, tokenizer, model.info.vocab);
    if (token === rival) throw new UsageError(`--rival is the token itself (${token}): a difference needs two tokens.`);
    const [ids = new Int32Array()] = await idsOf([positive.join('\n')]);
    const named = (id: number): string => JSON.stringify(tokenizer.piece(id));
    return {
      ...(await tokenVectors(model, token, rival, ids)),
      description: `The unembedding's row of ${named(token)}${rival === null ? '' : ` less that of ${named(rival)}`}.`,
      measured: `${ids.length} tokens`,
    };
  }
  const line = progressLine();
  try {
    const progress = async ({ done, total }: { readonly done: number; readonly total: number }): Promise<void> =>
      line.tell(`${done} of ${total} texts`);
    const sides = { positive: await idsOf(positive), negative: await idsOf(negative) };
    return {
      ...(await steeringVectors(model, sides, source.read, { progress, checkpoint: async () => undefined })),
      description: `Difference of the means of ${positive.length} and ${negative.length} texts, ${READS[source.read]}.`,
      measured: 'all their tokens',
    };
  } finally {
    line.clear();
  }
}

const READS = { last: 'of the residual at the last token', mean: "of the residual's mean over the tokens" } as const;

function nameOf({ output }: SteerOptions): string {
  return output === null ? '' : basename(output).replace(/\.gguf$/i, '');
}

/** Per vector its layer, its name in the file, and lengths as they were measured. */
function table(layers: readonly number[], { vectors, lengths }: SteeringVectors): string {
  const columns = [
    ['layer', ...layers.map(String)],
    ['tensor', ...layers.map((layer) => `direction.${layer - 1}`)],
    ['residual', ...layers.map((layer) => at(lengths, layer).toPrecision(4))],
    ['difference', ...layers.map((layer) => lengthOf(vectors[layer] ?? []).toPrecision(4))],
  ];
  const widths = columns.map((cells) => Math.max(...cells.map(({ length }) => length)));
  const rows = Array.from({ length: layers.length + 1 }, (_, row) =>
    columns.map((cells, column) => (cells[row] ?? '').padStart(widths[column] ?? 0)).join('  '),
  );
  return `${rows.join('\n')}\n`;
}
