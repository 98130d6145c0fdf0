import { vscode } from '../vscode.ts';
import { percentOf } from '../../core/contextBudget.ts';
import { fileTotals } from '../../core/fileScores.ts';
import { inertSentence, joined, withIcon, type Inert } from '../../core/inertText.ts';
import { bitsPerByte, type ScoreTotals } from '../../core/textScores.ts';
import { Disposable } from '../disposable.ts';
import { Later } from '../later.ts';
import { t } from '../say.ts';
import { createStatusItem, type StatusItem } from '../surfaces.ts';
import type { FileReader } from './fileReader.ts';
import { isEdited, shareOf, type FileReading, type Scored } from './fileReading.ts';

/** Time between two looks at the totals while a file is read. */
const RENDER_AFTER_MS = 200;

/** The item in the status bar about the active editor's file: how far its reading has come, and what it came to. */
export class FileStatus extends Disposable {
  readonly #reader: FileReader;
  #item: StatusItem | undefined;

  constructor(reader: FileReader) {
    super();
    this.#reader = reader;
    const { ask, askInPause } = this.register(new Later(RENDER_AFTER_MS, () => this.#render()));
    for (const event of [reader.onDidChange, reader.onDidActivate]) this.register(event(ask));
    this.register(reader.onDidEdit(askInPause));
  }

  #render(): void {
    const file = this.#reader.active;
    if (file === undefined) return this.#item?.hide();
    const item = (this.#item ??= this.#createItem());
    item.text = textOf(file);
    item.tooltip = joined(tooltipOf(file), '\n');
    item.command = `explainTokens.${commandOf(file)}`;
    item.show();
  }

  #createItem(): StatusItem {
    const item = this.register(createStatusItem('explainTokens.file', 99));
    item.name = t('Explain Tokens: the whole file');
    return item;
  }
}

/** What a click does: it ends what is going on, or reads again what was edited, or shows what was found. */
function commandOf({ state, scored }: FileReading): string {
  if (state === 'reading') return 'stopFile';
  return state === 'stopped' || scored === null || isEdited(scored) ? 'explainFile' : 'surprises.focus';
}

function textOf({ state, scored, live }: FileReading): Inert {
  const rate = scored === null ? NaN : bitsPerByte(fileTotals(scored.scores));
  const share = scored === null ? t('file…') : t('file {0} %', Math.floor(100 * shareOf(scored)));
  const parts = [
    ...(state === 'done' ? [] : [share]),
    ...(Number.isNaN(rate) ? [] : [t('{0} bits/byte', rate.toFixed(3))]),
    ...(live ? [t('live')] : []),
  ];
  const icon = state === 'reading' ? 'sync' : state === 'stopped' ? 'circle-slash' : scored && isEdited(scored) ? 'history' : 'graph';
  return withIcon(icon, joined(parts, ' · '));
}

/** Sentences about a file, with its totals. */
function tooltipOf(file: FileReading): readonly Inert[] {
  const { scored, label, state } = file;
  if (scored === null) return [t('{0} is being read as a whole. Click to stop.', label)];
  const edited = isEdited(scored) ? [t('The file was edited since it was read; what is marked has no numbers any more.')] : [];
  const ended: Readonly<Record<FileReading['state'], Inert>> = {
    reading: t('{0} is being read as a whole. Click to stop.', label),
    stopped: t('The reading of {0} was stopped. Click to read on.', label),
    done: edited.length > 0 ? t('Click to read again what was edited.') : t('{0} was read as a whole. Click for its surprises.', label),
  };
  return [...summaryOf(scored), ...edited, ended[state]];
}

/** The totals of what was read, in sentences. */
export function summaryOf(scored: Scored): readonly Inert[] {
  const totals = fileTotals(scored.scores);
  const { rule, model, tokens } = scored.layout;
  return [
    // How many tokens there are is not known while they are those of a beginning.
    ...(totals.scored === 0 || scored.isBeginning ? [] : [totalsText(totals)]),
    ...(scored.isBeginning ? [] : [contextText(tokens.ids.length, model.contextLength)]),
    t('Model: {0}, in windows of {1} tokens, {2} apart.', model.name, rule.length, rule.stride),
    ...(scored.left > 0
      ? [t('Code blocks, {0} characters, are left out (the setting Prose Only).', scored.left.toLocaleString(vscode.env.language))]
      : []),
    ...(scored.omitted > 0 ? [omissionText(scored.omitted)] : []),
  ];
}

/** What part of the model's context a file of so many tokens takes. */
function contextText(tokens: number, context: number): Inert {
  const [share, most] = [percentOf(tokens, context, vscode.env.language), context.toLocaleString(vscode.env.language)];
  return t('The file takes {0} % of the {1} tokens that the model reads at once.', share, most);
}

/** What is said of characters that were left out. */
export function omissionText(omitted: number): Inert {
  return t('The last characters of the file, {0} of them, were left out.', omitted.toLocaleString(vscode.env.language));
}

function totalsText(totals: ScoreTotals): Inert {
  const { tokens, scored, bits, bytes } = totals;
  const numbers = [tokens, bytes, Math.round(bits)].map((value) => value.toLocaleString(vscode.env.language));
  const perToken = bits / scored;
  return inertSentence(
    t(
      '{0} tokens; {1} bytes in {2} bits: {3} bits per byte, {4} bits per token, perplexity {5}.',
      ...numbers,
      bitsPerByte(totals).toFixed(3),
      perToken.toFixed(2),
      (2 ** perToken).toPrecision(4),
    ),
  );
}
