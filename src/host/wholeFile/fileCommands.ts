import { vscode } from '../vscode.ts';
import { neighbourPlace, type TextPlace } from '../../core/placesAround.ts';
import { surprisingTokens } from '../../core/surprising.ts';
import { readSettings, writeSetting } from '../configuration.ts';
import { isWithheld, type EditorTexts } from '../editor/target.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import { t } from '../say.ts';
import { inform } from '../surfaces.ts';
import type { FileReader } from './fileReader.ts';
import { placeOf, type FileReading } from './fileReading.ts';

/** Parts of the extension that commands about whole files use. */
export interface FileContext {
  readonly files: { readonly reader: FileReader };
  readonly current: CurrentExplanation;
  readonly editors: EditorTexts;
}

/** Handlers of the commands about whole files, by id. */
export function fileCommands(context: FileContext): Readonly<Record<string, () => Promise<void> | void>> {
  const withFile = (act: (file: FileReading) => void) => (): void => {
    const file = fileOf(context);
    if (file === undefined) void inform(t('This file was not read as a whole: run Explain the Whole File first.'));
    else act(file);
  };
  return {
    'explainTokens.explainFile': () => explainFile(context),
    'explainTokens.stopFile': withFile((file) => context.files.reader.stop(file)),
    'explainTokens.clearFile': withFile((file) => context.files.reader.forget(file)),
    'explainTokens.toggleLive': () => {
      const file = fileOf(context);
      if (file === undefined) explainFile(context);
      const now = fileOf(context);
      if (now !== undefined) context.files.reader.setLive(now, !now.live);
    },
    'explainTokens.toggleLineSums': () => toggleLineSums(context),
    'explainTokens.nextSurprise': () => goTo(context, 'next'),
    'explainTokens.previousSurprise': () => goTo(context, 'previous'),
  };
}

function fileOf({ files, editors }: FileContext): FileReading | undefined {
  return editors.active && files.reader.of(editors.active.document);
}

function explainFile({ files, editors: { active } }: FileContext): void {
  if (!active && isWithheld()) return void inform(t('VS Code gives this file to no extension: it is larger than 50 MB, or no text.'));
  if (!active) return void inform(t('Open the file that is to be read.'));
  if (active.selectedOrWhole === null) return void inform(t('There is no text here to explain: write or select some first.'));
  files.reader.read(active.document);
}

/** Shows or hides the sums behind the lines; a file that was not read yet is read for them. */
async function toggleLineSums(context: FileContext): Promise<void> {
  const on = !readSettings().lineSums;
  await writeSetting('lineSums', on);
  if (on && fileOf(context) === undefined) explainFile(context);
}

/** Goes to the next or previous surprising token, and selects it: of the file that was read as a whole, or of the explained text. */
function goTo(context: FileContext, direction: 'next' | 'previous'): void {
  const { editors, current } = context;
  const { active } = editors;
  if (!active) return void inform(t('Open the file that is to be read.'));
  const { document } = active;
  const scored = fileOf(context)?.scored;
  if (!scored && !current.isAbout(document)) return void inform(t('This file was not read as a whole: run Explain the Whole File first.'));
  const rule = readSettings().surprising;
  const places = scored
    ? surprisingTokens(scored.scores, rule).map((token) => placeOf(scored, token))
    : surprisingTokens(current.value?.shown.explanation ?? { logprob: new Float32Array() }, rule).flatMap((token) => {
        const place = current.rangeOf(document, token);
        return place ? [{ start: document.offsetAt(place.range.start), end: document.offsetAt(place.range.end), stale: place.stale }] : [];
      });
  const fresh: readonly TextPlace[] = places.filter(({ stale }) => !stale);
  const place = neighbourPlace(fresh, document.offsetAt(active.selection.start), direction);
  if (place === undefined) return void inform(t('No token of this text is surprising by the setting Surprising.'));
  const editor = vscode.window.activeTextEditor;
  if (editor?.document !== document) return;
  editor.selection = new vscode.Selection(document.positionAt(place.start), document.positionAt(place.end));
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
