import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { bundledPackages } from '../../scripts/notices.mjs';
import { vsixPath } from '../e2e/session.ts';
import { readZip } from './zip.ts';

const entries = readZip(readFileSync(vsixPath()));
const names = entries.map((entry) => entry.name).sort();
const MODEL = 'extension/media/models/explain-tokens-9m/';

/** Everything that may be in the VSIX, and must be. */
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
  'extension/dist/webview.js',
  'extension/dist/webview.css',
  'extension/dist/web/extension.js',
  'extension/dist/web/worker.js',
  'extension/dist/ort-wasm-simd-threaded.mjs',
  'extension/dist/ort-wasm-simd-threaded.wasm',
  'extension/media/icon.png',
  'extension/media/icon.svg',
  ...['editor', 'explain', 'model', 'panel'].map((page) => `extension/media/walkthrough/${page}.md`),
  'extension/media/screenshots/panel.png',
  ...['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].map((file) => MODEL + file),
].sort();

describe('the VSIX', () => {
  it('holds exactly the files it should', () => {
    expect(names).toEqual(EXPECTED);
  });

  it('is smaller than 15 MB without the model', () => {
    const bytes = entries.filter((entry) => !entry.name.startsWith(MODEL)).reduce((sum, entry) => sum + entry.packedBytes, 0);
    expect(bytes).toBeLessThan(15e6);
  });

  it('has no source maps and nothing of the machine that built it', () => {
    for (const entry of entries.filter((each) => /\.(js|mjs|css|json|md|xml|txt|vsixmanifest)$/.test(each.name))) {
      const text = entry.read().toString('utf8');
      expect(text.includes(ROOT), `${entry.name} holds ${ROOT}`).toBe(false);
      expect(text.includes(`${homedir()}/`), `${entry.name} holds ${homedir()}`).toBe(false);
      expect(text, entry.name).not.toMatch(/\/\/# sourceMappingURL=|sourcesContent/);
    }
  });

  it('has a notice for every package in its bundles', () => {
    const notices = entries.find((entry) => entry.name === 'extension/THIRD_PARTY_NOTICES.md')?.read().toString('utf8') ?? '';
    const packages = bundledPackages();
    expect(packages.map((each) => each.name)).toEqual(expect.arrayContaining(['@huggingface/tokenizers', 'onnxruntime-web', 'plotly.js']));
    for (const { name, version } of packages) expect(notices).toContain(`## ${name} ${version}\n`);
  });

  it('is the version in package.json, for both extension hosts', () => {
    const manifest = JSON.parse(entries.find((entry) => entry.name === 'extension/package.json')?.read().toString('utf8') ?? '{}') as Record<string, unknown>;
    const source = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as Record<string, unknown>;
    expect(manifest['version']).toBe(source['version']);
    expect(names).toEqual(expect.arrayContaining([manifest['main'], manifest['browser']].map((path) => `extension/${String(path).replace('./', '')}`)));
  });
});
