import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  allParts,
  FILE_FORMATS,
  formatAtStart,
  formatOfName,
  isLanguageModel,
  modelFilesIn,
  modelNameOf,
  partOf,
  PARTS_MAX,
} from '../../../src/core/fileFormats.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a model in a file', () => {
  it('has its format by its name, and by its first bytes', () => {
    expect([formatOfName('a/b.gguf'), formatOfName('B.GGUF'), formatOfName('gguf'), formatOfName('model.safetensors')]).toEqual([
      'gguf',
      'gguf',
      undefined,
      undefined,
    ]);
    expect([formatAtStart(bytes('GGUF\u0003')), formatAtStart(bytes('GGU')), formatAtStart(bytes('gguf'))]).toEqual([
      'gguf',
      undefined,
      undefined,
    ]);
  });

  it('may be in several parts, which the name of each tells', () => {
    const names = ['m-00001-of-00003.gguf', 'm-00002-of-00003.gguf', 'm-00003-of-00003.gguf'];
    for (const name of names) expect(allParts(name)).toEqual(names);
    expect(partOf('m-00002-of-00003.gguf')).toEqual({ stem: 'm', part: 2, parts: 3, ending: 'gguf' });
    expect(allParts('M-00001-of-00002.GGUF')).toEqual(['M-00001-of-00002.GGUF', 'M-00002-of-00002.GGUF']);
    expect([partOf('m.gguf'), partOf('m-1-of-3.gguf'), partOf('m-00001-of-00003.safetensors')]).toEqual([undefined, undefined, undefined]);
    expect(allParts('m.gguf')).toEqual(['m.gguf']);
  });

  it('has no more parts than make sense: a name that claims them has none', () => {
    expect(allParts('m-00001-of-01000.gguf')).toHaveLength(PARTS_MAX);
    expect(allParts('m-00001-of-99999.gguf')).toEqual([]);
  });

  it('is called by its name without the number of a part and its ending', () => {
    expect(['m-Q8_0.gguf', 'm-00001-of-00003.gguf', 'folder', '.gguf'].map(modelNameOf)).toEqual(['m-Q8_0', 'm', 'folder', '.gguf']);
  });

  it('is not what lies beside it: projectors of pictures and importance matrices', () => {
    const beside = ['mmproj-m-f16.gguf', 'm-mmproj.gguf', 'm.imatrix.gguf', 'imatrix.gguf', 'm-IMatrix.gguf'];
    expect(beside.filter(isLanguageModel)).toEqual([]);
    expect(modelFilesIn([...beside, 'm.gguf', 'n-00002-of-00002.gguf', 'n-00001-of-00002.gguf', 'README.md'])).toEqual([
      'm.gguf',
      'n-00001-of-00002.gguf',
    ]);
  });

  it('is opened from the explorer in every format', () => {
    const conditions = [...readFileSync('package.json', 'utf8').matchAll(/resourceExtname =~ \/\^\\\\\.\(([^)]*)\)\$/g)].map(
      ([, all]) => all,
    );
    expect(conditions.length).toBeGreaterThan(0);
    const endings = [...Object.values(FILE_FORMATS).map(({ ending }) => ending), 'safetensors'];
    for (const all of conditions) expect(all?.split('|')).toEqual(endings);
  });
});
