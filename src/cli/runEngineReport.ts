import { basename } from 'node:path';
import { bytesText } from '../core/bytesText.ts';
import { UserError } from '../core/errors.ts';
import type { Explanation } from '../core/trace.ts';
import { engineExplanation, type EngineExplanation, type ServedText } from '../engines/engineExplanation.ts';
import type { OpenedEngine } from '../engines/openEngine.ts';
import { routingOf, type RoutedExperts } from '../engines/routedExperts.ts';
import type { QueryArgs } from '../protocol/queries.ts';
import { collectAnswers, type AskModel } from '../report/collectAnswers.ts';
import { checkSameTokens, differencesOf, requestOf } from '../report/readAgain.ts';
import { commandTokenizer, openCommandEngine, requestBudget } from './commandEngine.ts';
import type { EngineOptions } from './engineOptions.ts';
import { readInput, type Note } from './input.ts';
import { openOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import type { ReportOptions, VerifyOptions } from './reportOptions.ts';
import { keptReport, noteModel, tellVerified } from './verification.ts';
import { CANDIDATES, refuseTerminal, reportBytes, shownIn } from './writtenReport.ts';

/** Writes what an engine returns of a text as a page that opens anywhere. Throws UserError or UsageError. */
export async function reportByEngine(options: ReportOptions, engine: EngineOptions, distFolder: string, note: Note): Promise<void> {
  refuseTerminal(options);
  const text = await readInput(options.input, note);
  const read = await readerOf(engine, note);
  const output = await openOutput(options.output);
  try {
    const { explanation, experts } = await read.explain({ text, topK: CANDIDATES });
    const shown = shownIn(options, explanation);
    for (const notice of shown.notices) await note(notice);
    const choice = { parts: [], tokens: [], layer: 0, head: 0, embeddingLayer: 0 };
    const answers = await collectAnswers(shown, choice, [], askOf(experts), () => undefined);
    const settings = { selected: explanation.tokens.length - 1 };
    const bytes = await reportBytes({ shown, comparison: null, answers, choice, files: [], settings, notes: [] }, distFolder);
    await output.write(bytes);
    await note(`${explanation.tokens.length} tokens as ${explanation.model.name} returned them: ${bytesText(bytes.length)}.`);
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

/**
 * Has an engine read again what it returned of a report's text, and of the other text where two were compared. Returns the exit code as
 * `verify` does. Throws UserError.
 */
export async function verifyByEngine(options: VerifyOptions, engine: EngineOptions, note: Note): Promise<number> {
  const name = basename(options.file);
  const kept = await keptReport(options.file);
  const { comparison, shown } = kept;
  if (shown.explanation.model.served === undefined)
    throw new UserError(`${name} was read by a model on a machine and holds more than an engine returns: verify it without --engine.`);
  const read = await readerOf(engine, note);
  await noteModel(kept, read.opened.protocol.model, note);
  const again = async (explanation: Explanation): Promise<EngineExplanation> => {
    const found = await read.explain(requestOf(explanation));
    checkSameTokens(explanation, found.explanation, name);
    return found;
  };
  const first = await again(shown.explanation);
  const isOther = comparison?.kind === 'model';
  if (isOther) await note(`The comparison with ${comparison.explanation.model.name} is not read again.`);
  const second = comparison === null || isOther ? null : await again(comparison.explanation);
  const nothing = async (): Promise<never> => {
    throw new UserError(`${name} holds answers that an engine does not give.`);
  };
  const now = { first: first.explanation, second: second?.explanation ?? null, ask: askOf(first.experts), divergence: nothing };
  const differences = await differencesOf(kept, now, () => undefined);
  return tellVerified(options, kept, first.explanation.model.name, differences, note);
}

/** Answers the questions about a text for which what an engine returned of it suffices. */
function askOf(experts: RoutedExperts | null): AskModel {
  return async (name, args) => {
    if (name !== 'experts' || experts === null) throw new UserError('The engine does not give the answer to this.');
    return routingOf(experts, (args as QueryArgs<'experts'>).layer);
  };
}

/** Opens the engine of a command, and reads texts by it. */
async function readerOf(
  engine: EngineOptions,
  note: Note,
): Promise<{ readonly opened: OpenedEngine; readonly explain: (text: ServedText) => Promise<EngineExplanation> }> {
  const never = new AbortController().signal;
  const opened = await openCommandEngine(engine, never, note);
  const tokenizer = await commandTokenizer(engine);
  const onRequests = requestBudget(engine, opened.host);
  const line = progressLine();
  const explain = async (text: ServedText): Promise<EngineExplanation> => {
    try {
      return await engineExplanation(opened, text, {
        signal: never,
        tokenizer,
        agree: async (requests) => onRequests(requests),
        onProgress: (share) => line.tell(`${opened.host}: ${Math.round(share * 100)} %`),
      });
    } finally {
      line.clear();
    }
  };
  return { opened, explain };
}
