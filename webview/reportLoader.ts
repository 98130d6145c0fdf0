import { CODE_ID, type PackedPage } from '../src/report/reportPage.ts';
import { unpackData } from '../src/report/packedData.ts';
import { unzipText } from '../src/report/zippedText.ts';

declare global {
  /** The packed parts of the page that shows a report. */
  var reportPage: PackedPage | undefined;
}

/** Most bytes of the page's code: many times what it has. */
const MAX_CODE = 64 * 1024 * 1024;

/** Colours and fonts by the browser's own settings, under the names that VS Code gives them. */
function followTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const set = (): void => {
    document.body.className = dark.matches ? 'vscode-dark' : 'vscode-light';
  };
  dark.addEventListener('change', set);
  set();
}

/** Unpacks the page's code, which its policy knows by its hashes, and runs it. */
async function load(): Promise<void> {
  const packed = document.getElementById(CODE_ID)?.textContent ?? '';
  // The policy refuses any other script than those that the report was written with.
  const page = unpackData(await unzipText(packed, MAX_CODE)) as PackedPage;
  globalThis.reportPage = page;
  const style = document.createElement('style');
  style.textContent = page.style;
  document.head.append(style);
  followTheme();
  for (const text of page.scripts) {
    const script = document.createElement('script');
    script.textContent = text;
    document.body.append(script);
  }
}

load().catch(() => {
  const text = document.createElement('p');
  text.setAttribute('role', 'alert');
  // In both languages: without its code the page has no translations.
  text.textContent = 'This report is damaged or incomplete: it cannot be shown. 此报告已损坏或不完整，无法显示。';
  document.getElementById('root')?.prepend(text);
});
