import { visibleControls } from '../core/visibleText.ts';
import { packData } from './packedData.ts';
import { zipText } from './zippedText.ts';

/** The built parts of a page that shows a report by itself: the panel's own, and what stands in for VS Code. */
export interface ReportPage {
  /** Unpacks the page's other parts and runs them. */
  readonly loader: string;
  /** The scripts that it runs one after another: what stands in for VS Code, what draws figures, and the panel's own. */
  readonly scripts: readonly string[];
  /** The stylesheet of the panel, with the theme that it has outside of VS Code. */
  readonly style: string;
  /** Translations of English texts, by language. */
  readonly languages: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What a page packs for its loader. */
export type PackedPage = Omit<ReportPage, 'loader'>;

/** Reads the built parts of the page; `read` gives the text of a file of the product's folder. */
export async function loadReportPage(read: (file: string) => Promise<string>): Promise<ReportPage> {
  const [loader = '', host = '', plots = '', panel = '', theme = '', style = '', chinese = '{}'] = await Promise.all(
    [
      'dist/reportLoader.js',
      'dist/report.js',
      'dist/plots.js',
      'dist/webview.js',
      'dist/report.css',
      'dist/webview.css',
      'l10n/bundle.l10n.zh-cn.json',
    ].map(read),
  );
  return {
    loader,
    scripts: [host, plots, panel],
    style: `${theme}\n${style}`,
    languages: { 'zh-cn': JSON.parse(chinese) as Readonly<Record<string, string>> },
  };
}

/** Id of the element with the packed code. */
export const CODE_ID = 'explain-tokens-code';

/** What is shown until the page's script runs, in the colours of a browser. */
const OPENING = `
:root { color-scheme: light dark; }
body { margin: 0; padding: 24px; font: 13px/1.5 system-ui, sans-serif; }
.opening { max-width: 80ch; }
.opening pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
`;

/**
 * HTML of a report that needs no network and allows itself none: its policy runs its own scripts, known by their hashes, and nothing else.
 * `elements`: HTML of the elements with the numbers. Without scripts the page shows the text alone.
 */
export async function reportPage(
  { label, text, elements }: { readonly label: string; readonly text: string; readonly elements: string },
  { loader, ...packed }: ReportPage,
): Promise<string> {
  if (/<\/script|<!--/i.test(loader)) throw new Error('The loader would end its element early.');
  const hashes = await Promise.all([loader, ...packed.scripts].map(hashOf));
  const policy =
    `default-src 'none'; script-src ${hashes.map((hash) => `'sha256-${hash}'`).join(' ')}; style-src 'unsafe-inline'; ` +
    "img-src data: blob:; base-uri 'none'; form-action 'none'";
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Explain Tokens">
<title>${escaped(visibleControls(label))}</title>
<style>${OPENING}</style>
</head>
<body>
<div id="root"><main class="opening"><p>Explain Tokens</p><pre dir="auto">${escaped(visibleLines(text))}</pre></main></div>
${elements}<script type="text/plain" id="${CODE_ID}">${await zipText(packData(packed satisfies PackedPage))}</script>
<script>${loader}</script>
</body>
</html>
`;
}

/** The text's lines as they are, other control and format characters visible. */
function visibleLines(text: string): string {
  return text.split('\n').map(visibleControls).join('\n');
}

async function hashOf(script: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

function escaped(text: string): string {
  return text.replaceAll(/[&"'<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
