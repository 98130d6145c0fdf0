import { attribute } from '../analysis/attribute.ts';
import { targetOf } from '../analysis/attributing.ts';
import { lastResidual, rowsBetween } from '../analysis/traceRows.ts';
import type { Attribution } from '../core/attribution.ts';
import type { CallContext } from '../core/progress.ts';
import type { Recipe } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import type { Token } from '../core/trace.ts';
import { deletionByOrders } from './deletionOrders.ts';
import { openInput, type Note, type Opened } from './input.ts';
import { namedToken } from './namedToken.ts';
import { UsageError } from './optionValues.ts';
import type { WhyOptions } from './options.ts';
import { openOutput } from './output.ts';
import { readRecipe, recipeMember, runWith } from './recipeOption.ts';
import { writeWhyJson, writeWhySafetensors, type Causes } from './whyOutput.ts';

/** A command ends with its process: nothing has to be asked or told between two parts. */
const CONTEXT: CallContext = { progress: async () => undefined, checkpoint: async () => undefined };

/** Writes where one prediction comes from, as JSON or safetensors. Throws UserError or UsageError. */
export async function why(options: WhyOptions, distFolder: string, note: Note): Promise<void> {
  if (options.format === 'safetensors' && options.output === null && process.stdout.isTTY)
    throw new UsageError('safetensors is not for a terminal: name a file with --output.');
  const opened = await openInput(options, distFolder, note);
  if (opened.omitted !== null) await note(opened.omitted.sentence);
  const recipe = await readRecipe(options);
  recipe.check(opened.model, opened.tokens.length);
  const chosen = choiceOf(options, opened);
  const output = await openOutput(options.output);
  try {
    const causes = await causesOf(options, opened, chosen, recipe.recipe);
    if (options.format === 'safetensors') await writeWhySafetensors(output, causes, recipe.json);
    else await writeWhyJson(output, opened, causes, options, recipeMember(recipe));
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

/** The prediction that the options name; of its token null: the likeliest. */
interface Choice {
  readonly position: number;
  readonly token: number | null;
  readonly rival: number | null;
}

function choiceOf({ position: asked, token, rival }: WhyOptions, { tokens, tokenizer, model }: Opened): Choice {
  const position = asked ?? tokens.length - 1;
  if (position >= tokens.length)
    throw new UsageError(
      `--position: the ${tokens.length} tokens read are numbered from 0 to ${tokens.length - 1}, there is no ${position}.`,
    );
  const { vocab } = model.info;
  const chosen = {
    position,
    token: token === null ? followingId(tokens, position) : namedToken('token', token, tokenizer, vocab),
    rival: rival === null ? null : namedToken('rival', rival, tokenizer, vocab),
  };
  checkRival(chosen.token, chosen.rival);
  return chosen;
}

function followingId(tokens: readonly Token[], position: number): number | null {
  return tokens[position + 1]?.id ?? null;
}

function checkRival(token: number | null, rival: number | null): void {
  if (token !== null && token === rival) throw new UsageError(`--rival is the token itself (${token}): a difference needs two tokens.`);
}

async function causesOf(
  options: WhyOptions,
  { model, tokens }: Opened,
  { position, token, rival }: Choice,
  recipe: Recipe,
): Promise<Causes> {
  const ids = tokens.map(({ id }) => id);
  const trace = await runWith(model, Int32Array.from(ids), recipe);
  const rows = rowsBetween(lastResidual(trace), position, position + 1);
  const candidates = await model.unembed(rows, Math.max(1, options.top), Int32Array.of(token ?? 0));
  const explained = token ?? at(candidates.topIds, 0);
  checkRival(explained, rival);
  const target = targetOf({ position, token: explained, rival });
  const direct = await model.direct(trace, target);
  const gradient = await model.gradient(trace, target);
  const attributions: Attribution[] = [];
  for (const method of options.methods) attributions.push(await attribute(model, trace, target, method, CONTEXT));
  const deletion = options.deletion ? await deletionByOrders(model, trace, target, attributions, CONTEXT) : null;
  return { trace, target, direct, gradient, attributions, deletion, candidates };
}
