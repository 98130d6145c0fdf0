import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';

const strings = JSON.parse(readFileSync(join(ROOT, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Readonly<Record<string, string>>;

/** The Chinese translation of an English text. */
export function zh(text: string): string {
  return strings[text] ?? expect.fail(`"${text}" has no translation`);
}
