import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { TARGETS } from '../../scripts/package.mjs';
import { bundledPackages } from '../../scripts/notices.mjs';
import { vsixPath } from '../e2e/session.ts';
import { NATIVE, NATIVE_FILES, isCode } from './native.ts';
import { readZip, type ZipEntry } from './zip.ts';

const MODEL = 'extension/media/models/explain-tokens-9m/';

/** Everything that may be in each VSIX, and must be, but for the native runtime. */
const EXPECTED = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  // vsce gives these three its own spelling
  'extension/changelog.md',
  'extension/readme.md',
  'extension/LICENSE.txt',
  'extension/THIRD_PARTY_NOTICES.md',
  'extension/package.json',
  'extension/package.nls.json',
  'extension/package.nls.zh-cn.json',
  'extension/l10n/bundle.l10n.zh-cn.json',
  'extension/dist/extension.js',
  'extension/dist/host.js',
  'extension/dist/worker.js',
  'extension/dist/cli.js',
  'extension/dist/mcp.js',
  'extension/dist/plots.js',
  'extension/dist/webview.js',
  'extension/dist/webview.css',
  'extension/dist/report.js',
  'extension/dist/report.css',
  'extension/dist/reportLoader.js',
  'extension/dist/web/extension.js',
  'extension/dist/web/worker.js',
  'extension/dist/ort-wasm-simd-threaded.mjs',
  'extension/dist/ort-wasm-simd-threaded.wasm',
  'extension/media/icon.png',
  'extension/media/icon.svg',
  'extension/media/recipe.schema.json',
  ...['editor', 'explain', 'model', 'panel'].map((page) => `extension/media/walkthrough/${page}.md`),
  'extension/media/screenshots/agent.png',
  'extension/media/screenshots/notebook.png',
  'extension/media/screenshots/panel.png',
  'extension/media/screenshots/report.png',
  'extension/media/screenshots/save.png',
  'extension/media/screenshots/sizes.png',
  'extension/media/screenshots/tour.gif',
  ...['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].map(
    (file) => MODEL + file,
  ),
].sort();

/** Largest sizes of the VSIXs in MB, which is 10^6 bytes: a tenth more than they had when this was written. */
const LARGEST_MB: Readonly<Record<string, number>> = {
  universal: 24,
  'linux-x64': 44,
  'linux-arm64': 36,
  'darwin-arm64': 39,
  'win32-x64': 36,
  'win32-arm64': 36,
};

it('there is a package for every platform that has a native runtime, and one for all', () => {
  expect([...TARGETS].sort()).toEqual(Object.keys(LARGEST_MB).sort());
});

describe.each(Object.entries(LARGEST_MB))('the VSIX %s', (target, largest) => {
  const archive = readFileSync(vsixPath(target));
  const entries = readZip(archive);
  const names = entries.map((entry) => entry.name).sort();

  it('holds exactly the files it should', () => {
    expect(names).toEqual([...EXPECTED, ...(NATIVE_FILES[target] ?? [])].sort());
  });

  it(`is at most ${largest} MB, and smaller than 15 MB without the model and the native runtime`, () => {
    expect(archive.length).toBeLessThan(largest * 1e6);
    const rest = entries.filter((entry) => !entry.name.startsWith(MODEL) && !entry.name.startsWith(NATIVE));
    expect(rest.reduce((sum, entry) => sum + entry.packedBytes, 0)).toBeLessThan(15e6);
  });

  it('says for which platform it is', () => {
    const platform = /TargetPlatform="([^"]*)"/.exec(textOf(entries, 'extension.vsixmanifest'))?.[1];
    expect(platform).toBe(target === 'universal' ? undefined : target);
  });

  it('has binaries for its own system and processor, and no other', () => {
    const binaries = entries.filter(({ name }) => name.startsWith(NATIVE) && !/\.(js|json)$/.test(name));
    expect(binaries).toHaveLength(target === 'universal' ? 0 : 2);
    for (const { name, read } of binaries) expect([name, isCode(read(), target)]).toEqual([name, true]);
  });

  it('has every picture that its README shows', () => {
    const shown = Array.from(textOf(entries, 'extension/readme.md').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g), ([, path]) => path);
    expect(shown).toContain('media/screenshots/panel.png');
    expect(names).toEqual(expect.arrayContaining(shown.map((path) => `extension/${path}`)));
  });

  it('has no source maps and nothing of the machine that built it', () => {
    for (const entry of entries.filter(({ name }) => /\.(js|mjs|css|json|md|xml|txt|vsixmanifest)$/.test(name))) {
      const text = entry.read().toString('utf8');
      expect(text.includes(ROOT), `${entry.name} holds ${ROOT}`).toBe(false);
      expect(text.includes(`${homedir()}/`), `${entry.name} holds ${homedir()}`).toBe(false);
      // The native runtime's own scripts are as npm has them, and name maps that are left out.
      if (!entry.name.startsWith(NATIVE)) expect(text, entry.name).not.toMatch(/\/\/# sourceMappingURL=|sourcesContent/);
    }
  });

  it('has a notice for every package in its bundles and beside them', () => {
    const notices = textOf(entries, 'extension/THIRD_PARTY_NOTICES.md');
    const packages = bundledPackages();
    expect(packages.map((each) => each.name)).toEqual(
      expect.arrayContaining(['@huggingface/tokenizers', 'onnxruntime-node', 'onnxruntime-web', 'plotly.js']),
    );
    for (const { name, version } of packages) expect(notices).toContain(`## ${name} ${version}\n`);
  });

  it('is the version in package.json, for both extension hosts', () => {
    const manifest = JSON.parse(textOf(entries, 'extension/package.json')) as Record<string, unknown>;
    const source = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as Record<string, unknown>;
    expect(manifest['version']).toBe(source['version']);
    expect(names).toEqual(
      expect.arrayContaining([manifest['main'], manifest['browser']].map((path) => `extension/${String(path).replace('./', '')}`)),
    );
  });
});

function textOf(entries: readonly ZipEntry[], wanted: string): string {
  const entry = entries.find(({ name }) => name === wanted);
  if (entry === undefined) throw new Error(`The VSIX has no ${wanted}.`);
  return entry.read().toString('utf8');
}
