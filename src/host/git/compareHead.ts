import { vscode } from '../vscode.ts';
import { partsAround, sharedEnds, type Shared, type TextPart } from '../../core/changedPart.ts';
import { UserError } from '../../core/errors.ts';
import { isRecord } from '../../core/records.ts';
import type { Divergence } from '../../core/comparison.ts';
import type { Explanation } from '../../core/trace.ts';
import type { ModelClient } from '../client/modelClient.ts';
import { surprisalBits } from '../editor/surprisal.ts';
import { type EditorTexts, labelOf, MAX_TEXT, readDocument, type Target } from '../editor/target.ts';
import type { Comparer } from '../explain/comparer.ts';
import type { CurrentExplanation } from '../explain/currentExplanation.ts';
import type { Explainer } from '../explain/explainer.ts';
import { t } from '../say.ts';
import { inform } from '../surfaces.ts';
import { committedDocument, openText } from './gitApi.ts';

/** UTF-16 units before the change that are looked at in a file longer than is read. */
const BEFORE_CHANGE = MAX_TEXT / 2;

/** Parts of the extension that the comparison with the last commit uses. */
export interface HeadContext {
  readonly client: ModelClient;
  readonly explainer: Explainer;
  readonly comparer: Comparer;
  readonly current: CurrentExplanation;
  readonly editors: EditorTexts;
}

/**
 * Command "Compare With the Last Commit": the file as it is at HEAD beside the file as it is now. `resource`: of the source control view;
 * otherwise the file of the active editor. Throws UserError where there is nothing to compare.
 */
export async function compareHead({ client, explainer, comparer, current, editors }: HeadContext, resource: unknown): Promise<void> {
  const uri = resourceOf(resource) ?? editors.active?.document.uri;
  if (uri === undefined) return void inform(t('Open a file that is under version control, or choose one in the Source Control view.'));
  const label = uri.path.split('/').findLast((part) => part !== '') ?? uri.path;
  const before = await committedDocument(uri, label);
  const after = await openText(uri, label);
  const [a, b] = [textOf(before), textOf(after, before.eol)];
  if ([a, b].some((text) => text.includes('\0')))
    throw new UserError(t('{0} cannot be opened as a text: it is binary, too large, or gone.', label));
  const shared = sharedEnds(a, b);
  if (a === b) return void inform(t('{0} is as it is in the last commit: there is no change to look at.', label));
  if (a === '' || b === '') return void inform(t('One of the two texts is empty: there is nothing to compare.'));
  const parts = await partsOf(client, [a, b], shared);
  const first = targetOf(before, a, parts[0], t('{0} (HEAD)', label), []);
  const second = targetOf(
    after,
    b,
    parts[1],
    labelOf(after),
    before.eol === after.eol ? [] : [t('Line ends are read as they are at HEAD.')],
  );
  await explainer.explain(first);
  // If explaining failed or was cancelled, there is no first side.
  if (current.value?.shown.source !== first.source) return;
  await comparer.compare({ kind: 'text', target: second, describe: (...sides) => whatChanged(...sides) });
}

/** The address in a resource state of the source control view; undefined: there is none. */
function resourceOf(resource: unknown): vscode.Uri | undefined {
  const uri = isRecord(resource) ? resource['resourceUri'] : undefined;
  return isRecord(uri) && typeof uri['scheme'] === 'string' && typeof uri['path'] === 'string' ? (uri as unknown as vscode.Uri) : undefined;
}

function textOf(document: vscode.TextDocument, eol = document.eol): string {
  const end = document.offsetAt(document.lineAt(document.lineCount - 1).range.end);
  const text = readDocument(document, 0, end);
  if (eol === document.eol) return text;
  return text.replaceAll(/\r\n|\n/g, eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n');
}

/** The parts of both texts that the model reads at once, the first change among them. */
async function partsOf(client: ModelClient, [a, b]: readonly [string, string], { prefix }: Shared): Promise<readonly [TextPart, TextPart]> {
  const from = Math.max(a.length, b.length) <= MAX_TEXT ? 0 : a.lastIndexOf('\n', Math.max(0, prefix - BEFORE_CHANGE)) + 1;
  const texts = [a.slice(from, from + MAX_TEXT), b.slice(from, from + MAX_TEXT)] as const;
  const { signal } = new AbortController();
  const [laidA, laidB] = [await client.layOut(texts[0], null, signal), await client.layOut(texts[1], null, signal)];
  const parts = partsAround(texts, [laidA.layout.tokens, laidB.layout.tokens], prefix - from, laidA.layout.rule.length);
  return [moved(parts[0], from), moved(parts[1], from)];
}

function moved({ start, end }: TextPart, by: number): TextPart {
  return { start: start + by, end: end + by };
}

function targetOf(
  document: vscode.TextDocument,
  text: string,
  { start, end }: TextPart,
  label: string,
  notices: readonly string[],
): Target {
  const line = (offset: number): number => text.slice(0, offset).split('\n').length;
  const isPart = start > 0 || end < text.length;
  return {
    source: { uri: document.uri.toString(), start, end, label },
    text: text.slice(start, end),
    unread: 0,
    line: line(start),
    notices: [
      ...(isPart
        ? [
            t(
              'The model cannot read all of {0} at once: this is the part around the first change, lines {1} to {2}.',
              label,
              line(start),
              line(end),
            ),
          ]
        : []),
      ...notices,
    ],
  };
}

/** What a change did to the surprisal of what follows it, and to the prediction behind the end. */
function whatChanged(before: Explanation, after: Explanation, divergence: Divergence | null): readonly string[] {
  const { suffix } = sharedEnds(before.text, after.text);
  const [one, other] = [bitsOfEnd(before, suffix), bitsOfEnd(after, suffix)];
  return [
    ...(one.tokens === 0 || one.tokens !== other.tokens
      ? []
      : [
          t(
            'What follows the change, {0} tokens, takes {1} bits at HEAD and {2} now.',
            one.tokens,
            one.bits.toFixed(1),
            other.bits.toFixed(1),
          ),
        ]),
    ...(divergence === null || Number.isNaN(divergence.final)
      ? []
      : [t('The predictions of the next token diverge by {0} bits: KL(HEAD ‖ now).', divergence.final.toFixed(3))]),
  ];
}

/** Surprisal in bits of the tokens that lie in the last `suffix` UTF-16 units of a text. */
function bitsOfEnd(explanation: Explanation, suffix: number): { readonly tokens: number; readonly bits: number } {
  const from = explanation.text.length - suffix;
  const inside = explanation.tokens.filter(({ special, start, end }) => !special && start >= from && end > start);
  return { tokens: inside.length, bits: inside.reduce((sum, { index }) => sum + (surprisalBits(explanation, index) ?? 0), 0) };
}
