import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createFixture, embeddingRange, type Fixture, type FixtureFile } from './fixture.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** The fixture as stored. */
export function fixtureFile(): FixtureFile {
  return JSON.parse(gunzipSync(readFileSync(join(ROOT, 'test/fixtures/webview/explanation.json.gz'))).toString('utf8')) as FixtureFile;
}

/** The bundled model's embedding table [vocab, dim], as stored F16 bits. */
export function embeddingTable(): Uint16Array {
  const file = readFileSync(join(ROOT, 'media/models/explain-tokens-9m/model.safetensors'));
  const [start, end] = embeddingRange(file);
  return new Uint16Array(Uint8Array.from(file.subarray(start, end)).buffer);
}

/** The unpacked fixture. */
export function readFixture(): Fixture {
  return createFixture(fixtureFile(), embeddingTable());
}
