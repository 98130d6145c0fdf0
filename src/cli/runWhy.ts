import { attribute } from '../analysis/attribute.ts';
import { targetOf, type Attributing } from '../analysis/attributing.ts';
import { deletionCurve } from '../analysis/deletionAnswers.ts';
import { leftOut } from '../analysis/leaveOneOut.ts';
import { attributeSpan, logprobsOf, spanDeletion, spanPredictions } from '../analysis/spanAttribution.ts';
import { lastResidual, rowsBetween } from '../analysis/traceRows.ts';
import { isSpanMethod, leavesOneOut, type Attribution, type AttributionMethod, type SpanAttribution } from '../core/attribution.ts';
import type { CallContext } from '../core/progress.ts';
import type { Recipe } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import { unitsOf, type TokenRun } from '../core/textUnits.ts';
import type { Token } from '../core/trace.ts';
import { deletionByOrders } from './deletionOrders.ts';
import { openInput, type Note, type Opened } from './input.ts';
import { namedToken } from './namedToken.ts';
import { checkPosition, UsageError } from './optionValues.ts';
import type { WhyOptions } from './options.ts';
import { openOutput } from './output.ts';
import { readRecipe, recipeMember, runWith } from './recipeOption.ts';
import { textOf, writeWhyJson, writeWhySafetensors, type Causes } from './whyOutput.ts';

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
  const ask = options.end === null ? predictionCauses(options, opened) : spanCauses(options, opened, options.end);
  const output = await openOutput(options.output);
  try {
    const causes = await ask(recipe.recipe);
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

/** Checks what is asked of one prediction, and returns what answers it. Throws UsageError. */
function predictionCauses(options: WhyOptions, opened: Opened): (recipe: Recipe) => Promise<Causes> {
  const chosen = choiceOf(options, opened);
  return (recipe) => causesOf(options, opened, chosen, recipe);
}

/** The same of a span. */
function spanCauses(options: WhyOptions, { model, tokens }: Opened, end: number): (recipe: Recipe) => Promise<Causes> {
  const span = { position: options.position ?? 0, end };
  if (end > tokens.length - 2)
    throw new UsageError(
      `--position ${span.position}-${end}: a token follows the positions up to ${tokens.length - 2} of the ${tokens.length} tokens read.`,
    );
  return async (recipe) => {
    const trace = await runWith(
      model,
      Int32Array.from(tokens, ({ id }) => id),
      recipe,
    );
    const predictions = spanPredictions(trace, span);
    const logprobs = await logprobsOf(model, trace, predictions);
    const gradient = await model.gradient(trace, { kind: 'logprobs', predictions });
    const attributions: SpanAttribution[] = [];
    for (const method of options.methods.filter(isSpanMethod)) attributions.push(await attributeSpan(model, trace, span, method, CONTEXT));
    const deletion = options.deletion
      ? await deletionByOrders(attributions, end, (words) => spanDeletion(model, trace, span, words, CONTEXT))
      : null;
    const units = byUnits(options, tokens);
    return { trace, gradient, attributions, units, leftOut: null, deletion, about: { kind: 'span', ...span, predictions, logprobs } };
  };
}

function choiceOf({ position: asked, token, rival }: WhyOptions, { tokens, tokenizer, model }: Opened): Choice {
  const position = asked ?? tokens.length - 1;
  checkPosition(position, tokens.length);
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
  const units = byUnits(options, tokens);
  const leftOut =
    units === null ? null : await leftOutByUnit({ model, trace, target, value: direct.target, context: CONTEXT }, units, options.methods);
  const deletion = options.deletion
    ? await deletionByOrders(attributions, position, (words) => deletionCurve(model, trace, target, words, CONTEXT))
    : null;
  return { trace, gradient, attributions, units, leftOut, deletion, about: { kind: 'prediction', target, direct, candidates } };
}

/** The units by which attributions are added up too; null: tokens alone. */
function byUnits({ by }: WhyOptions, tokens: readonly Token[]): readonly TokenRun[] | null {
  return by === 'token' ? null : unitsOf(tokens, textOf(tokens), by);
}

/** What the target loses without each unit as a whole, by each of the methods that leave one out. */
async function leftOutByUnit(
  of: Attributing,
  units: readonly TokenRun[],
  methods: readonly AttributionMethod[],
): Promise<ReadonlyMap<AttributionMethod, readonly number[]>> {
  const found = new Map<AttributionMethod, readonly number[]>();
  for (const method of methods.filter(leavesOneOut)) {
    const values: number[] = [];
    for (const unit of units) values.push(Math.fround(await leftOut(of, method, unit)));
    found.set(method, values);
  }
  return found;
}
