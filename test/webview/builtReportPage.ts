import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundles } from '../../scripts/lib/bundles.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { loadReportPage, type ReportPage } from '../../src/report/reportPage.ts';

/** The page of a report as the product ships it, built in memory. */
export async function builtReportPage(): Promise<ReportPage> {
  const built = await Promise.all(
    [bundles.webview, bundles.plots, bundles.report, bundles.reportLoader].map((bundle) =>
      build({ ...bundle, minify: true, write: false }),
    ),
  );
  const files = new Map(built.flatMap(({ outputFiles }) => (outputFiles ?? []).map(({ path, text }) => [basename(path), text] as const)));
  return loadReportPage(async (file) => files.get(basename(file)) ?? readFileSync(join(ROOT, file), 'utf8'));
}
