// A file that is read as a whole, over the fake editor: what tests of it look at.
import type { FakeEditor } from './fakeEditor.ts';
import { startHost, turns } from './wholeHost.ts';

/** 20 lines of 24 characters, each of which is a token of its own here. */
export const LONG = Array.from({ length: 20 }, (_, i) => `the cat ${String.fromCharCode(97 + i)} sat on a mat.\n`).join('');

/** A host. */
export type Host = Awaited<ReturnType<typeof startHost>>;

/** A host with one document of this text. */
export async function longHost(text = LONG, settings: Readonly<Record<string, unknown>> = {}): Promise<Host> {
  const host = await startHost(settings);
  host.document.text = text;
  host.select(host.shown, 0, 0);
  return host;
}

/** Waits with time that goes on while no worker computes. */
export async function until(host: Host, done: () => boolean): Promise<void> {
  const begun = performance.now();
  for (let said = -1; !done();) {
    if (performance.now() - begun > 40_000) throw new Error(`It did not come to that: ${status(host)?.text}, ${host.errors().join(' ')}`);
    await turns(1);
    if (host.workers.isBusy() && host.workers.said() === said) continue;
    said = host.workers.said();
    await host.turnTime(40);
  }
}

/** Waits until the file of the active editor is read, and all of it is painted. */
export async function whole(host: Host): Promise<void> {
  // The item is painted before the ruler.
  await host.turnTime(300);
  await until(host, () => status(host)?.shown === true && /^\$\((graph|history)\) \d/.test(status(host)?.text ?? ''));
  await host.settle();
}

/** Reads the file of the active editor to its end. */
export async function readFile(host: Host): Promise<void> {
  host.run('explainFile');
  await whole(host);
}

/** Begins to read the file of the active editor, until some of it is read. */
export async function beginFile(host: Host): Promise<void> {
  host.run('explainFile');
  await until(host, () => /file [1-9]\d* %/.test(status(host)?.text ?? ''));
}

/** The item of the status bar about the file. */
export const status = (host: Host) => host.statusItems.get('explainTokens.file');

/** Ranges last painted by decorations that match, as offsets. */
export function painted(editor: FakeEditor, match: (options: Readonly<Record<string, unknown>>) => boolean): readonly [number, number][] {
  const last = new Map<object, readonly { start: never; end: never }[]>();
  for (const [type, ranges] of editor.setDecorations.mock.calls as [{ options: Record<string, unknown> }, { start: never; end: never }[]][])
    if (match(type.options)) last.set(type, ranges);
  return [...last.values()]
    .flat()
    .map(({ start, end }): [number, number] => [editor.document.offsetAt(start), editor.document.offsetAt(end)])
    .sort(([a], [b]) => a - b);
}

/** What is behind the ends of lines, with its place. */
export function sums({ shown }: Host): readonly (readonly [at: number, text: string])[] {
  type Option = { readonly range: { readonly end: never }; readonly renderOptions: { readonly after: { readonly contentText: string } } };
  const calls = shown.setDecorations.mock.calls as [{ options: Record<string, unknown> }, readonly Option[]][];
  const last = calls.findLast(([{ options }]) => options['after'] !== undefined)?.[1] ?? [];
  return last.map(({ range, renderOptions }) => [shown.document.offsetAt(range.end), renderOptions.after.contentText] as const);
}

/** Decorations of surprisal, of older surprisal, of what was edited, and in the ruler. */
export const isColour = ({ backgroundColor }: Readonly<Record<string, unknown>>): boolean =>
  (backgroundColor as { id?: string } | undefined)?.id?.startsWith('explainTokens.surprisal') === true;
export const isFaded = ({ backgroundColor, borderWidth, borderStyle, borderRadius }: Readonly<Record<string, unknown>>): boolean =>
  backgroundColor === undefined && borderWidth !== undefined && borderStyle !== 'double' && borderRadius === undefined;
export const isStale = ({ textDecoration }: Readonly<Record<string, unknown>>): boolean => textDecoration === 'underline wavy';
export const isRuler = ({ overviewRulerColor, backgroundColor }: Readonly<Record<string, unknown>>): boolean =>
  overviewRulerColor !== undefined && backgroundColor === undefined;
/** UTF-16 units in all ranges. */
export const length = (ranges: readonly [number, number][]): number => ranges.reduce((sum, [start, end]) => sum + end - start, 0);
