import type { startHost } from './wholeHost.ts';

const FILES = ['reportLoader.js', 'report.js', 'plots.js', 'webview.js', 'report.css', 'webview.css'];

/** Gives a host the parts of a report's page, as short as they may be. */
export function putReportPage({ files }: Awaited<ReturnType<typeof startHost>>): void {
  for (const name of FILES) files.set(`/extension/dist/${name}`, new TextEncoder().encode(`/* ${name} */`));
  files.set('/extension/l10n/bundle.l10n.zh-cn.json', new TextEncoder().encode('{"Text": "文本"}'));
}
