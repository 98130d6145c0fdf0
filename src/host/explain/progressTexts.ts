import { areAtLeast, isAtMost, isUntold } from '../../core/atMost.ts';
import { beyondPanel, boundOf, chatOmissionOf, omissionOf, windowsOf } from '../../core/omission.ts';
import { inertSentence, type Inert } from '../../core/inertText.ts';
import { msg, translated, type Translatable } from '../../core/translatable.ts';
import type { ModelInfo } from '../../core/trace.ts';
import { PROVIDER_NAMES } from '../../core/runtimeChoice.ts';
import type { Progress } from '../../core/progress.ts';
import type { ExplainedBy } from '../client/modelClient.ts';
import { linesOf } from '../../core/textWindows.ts';
import type { WindowNames } from '../../protocol/messages.ts';
import { MAX_TEXT, type Target } from '../editor/target.ts';
import { t } from '../say.ts';

/**
 * Sentences about a runtime that replaces the one asked for, files of the model that the results do not include, and text that the
 * model did not read.
 */
export function noticesOf(target: Pick<Target, 'unread'>, { explanation }: Pick<ExplainedBy, 'explanation'>): string[] {
  const { omitted, model, shortage, chat = false } = explanation;
  const { unread } = target;
  const { provider } = model;
  const omission = (chat ? chatOmissionOf : omissionOf)(boundOf(model, shortage ?? null), omitted + unread);
  const cut = omitted > 0 ? [omission] : [beyondPanel(MAX_TEXT, unread)];
  const said = [
    ...(provider?.kind === 'refused' ? [provider.why] : []),
    ...(provider?.kind === 'used' ? [nearlyEqual(PROVIDER_NAMES[provider.provider], provider.difference.toPrecision(2))] : []),
    ...(model.notices ?? []),
    ...(areAtLeast(explanation) ? [boundsOf(explanation)] : []),
    ...(omitted + unread === 0 ? [] : cut),
  ];
  const notices = said.map((notice) => inertSentence(translated(notice, t)));
  if (model.nativeFailure === undefined) return notices;
  return [
    t('The native runtime does not work here, so the slower WebAssembly computes, with the same results; the log has the details.'),
    ...notices,
  ];
}

/** Names of the windows of a text that the model does not read at once; undefined where it does. */
export function windowNames(
  { text, line }: Pick<Target, 'text' | 'line'>,
  explanation: ExplainedBy['explanation'],
): WindowNames | undefined {
  const { window, model, shortage = null } = explanation;
  if (window === undefined) return undefined;
  const [whole = [1, 1], ...lines] = linesOf(text, [{ start: 0, stop: text.length }, ...window.windows], line);
  return { rule: inertSentence(translated(windowsOf(boundOf(model, shortage), window), t)), lines, whole };
}

/** What is not known of a text of which an engine tells the likeliest tokens alone. */
function boundsOf(explanation: ExplainedBy['explanation']): Translatable {
  const { tokens, model } = explanation;
  const bounds = tokens.filter(({ index }) => isAtMost(explanation, index)).length;
  const untold = tokens.filter(({ index, special }) => !special && isUntold(explanation, index)).length;
  const most = model.served?.alternatives ?? 0;
  return untold === 0
    ? msg`${bounds} of the ${tokens.length} tokens are not among the ${most} likeliest, which alone the engine tells: their probability is \
at most what is shown, and their surprisal at least.`
    : msg`${bounds} of the ${tokens.length} tokens are not among the ${most} likeliest, which alone the engine tells: their probability is \
at most what is shown, and their surprisal at least. Of ${untold} more nothing is told.`;
}

function nearlyEqual(name: string, off: string): Translatable {
  return msg`${name} computes, up to ${off} off the CPU in a self-check: float32 equality is promised for the CPU alone.`;
}

/** A sentence on what computes a model: the runtime with its execution provider, and the number of threads. */
export function computedBy({ runtime, threads, provider, served }: ModelInfo): Inert {
  if (served)
    return t('Computed by: {0} at {1}.', served.version === null ? served.engine : `${served.engine} ${served.version}`, served.address);
  if (runtime === 'wasm') return t('Computed by: {0}, threads: {1}.', 'WebAssembly', threads);
  if (provider?.kind !== 'used') return t('Computed by: {0}, threads: {1}.', t('native'), threads);
  const by = t('native, {0}', PROVIDER_NAMES[provider.provider]);
  return t(
    'Computed by: {0}, threads: {1}, difference from the CPU in a self-check: {2}.',
    by,
    threads,
    provider.difference.toPrecision(2),
  );
}

/** Name of a stage of the work; without progress, of its start. */
export function stageText(progress?: Progress): Inert {
  switch (progress?.stage) {
    case 'load':
      return t('Loading the model…');
    case 'forward':
      return t('Running the model…');
    case 'predictions':
      return t('Reading the predictions…');
    case 'windows':
      return t('Reading the text window by window…');
    case 'gradient':
      return t('Following the gradient back…');
    case 'changed':
      return t('Running the model on changed texts…');
    case undefined:
      return t('Starting the model…');
  }
}

/** Share of a stage that is done, in 0..1; null if unknown. */
export function fractionOf({ done, total }: Progress): number | null {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}

/** Why a text that a model read is compared with no other. */
export function listedAloneText(name: string): string {
  return t('The engine of {0} tells the probabilities of its likeliest tokens alone, so the bits of a whole text are not known.', name);
}
