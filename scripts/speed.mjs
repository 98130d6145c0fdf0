// README's figures beside transformers, from artifacts/bench.json: its tables and two pictures. `npm run bench compare` ends with it.
// The figures are kept beside the pictures, so that a run of some models leaves those of the others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARTIFACTS, ROOT } from './lib/paths.mjs';
import { drawSpeedPlots } from './lib/speedPlots.mjs';
import { compares, speedSection, withKept, withSpeed } from './lib/speedSection.mjs';

const README = join(ROOT, 'README.md');
const PLOTS = join(ROOT, 'media/plots');

const KEPT = join(PLOTS, 'speed.json');
const read = (/** @type {string} */ path) => JSON.parse(readFileSync(path, 'utf8'));

const found = read(join(ARTIFACTS, 'bench.json'));
if (compares(found)) {
  const report = withKept(found, existsSync(KEPT) ? read(KEPT) : null);
  writeFileSync(README, withSpeed(readFileSync(README, 'utf8'), speedSection(report)));
  mkdirSync(PLOTS, { recursive: true });
  writeFileSync(KEPT, `${JSON.stringify(report, null, 2)}\n`);
  await drawSpeedPlots(report, (file) => join(PLOTS, file));
} else console.log('README.md is left as it is: nothing was compared with transformers.');
