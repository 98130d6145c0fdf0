import { readSafetensorsHeader } from '../../../../src/model/formats/safetensors.ts';
import { folder } from '../folder.ts';

const FIXTURES = 'test/fixtures/gguf';

/** Blocks of a quantised type and the numbers that ggml makes of them. */
export async function quantisedBlocks(type: string): Promise<{ readonly blocks: Uint8Array; readonly values: Float32Array }> {
  const files = folder(FIXTURES);
  const header = await readSafetensorsHeader(files, 'blocks.safetensors');
  const bytes = async (name: string): Promise<Uint8Array> => {
    const stored = header.get(name);
    if (stored === undefined) throw new Error(`No ${name}.`);
    return files.read(stored.file, stored.offset, stored.length);
  };
  return { blocks: await bytes(type), values: new Float32Array((await bytes(`${type}.values`)).slice().buffer) };
}
