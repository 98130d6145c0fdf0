import type { FoundModel } from './foundApi.ts';
import { huggingFaceModels } from './huggingFace.ts';
import { lmStudioModels } from './lmStudio.ts';
import type { Machine } from './machine.ts';
import { ollamaModels } from './ollama.ts';

/** Time after which a store on a drive that does not respond is left out. */
const STORE_MAX_MS = 10_000;

/** The models that Hugging Face's libraries, Ollama and LM Studio keep on a machine. A store that cannot be read counts as empty. */
export async function findModels(machine: Machine, maxMs = STORE_MAX_MS): Promise<readonly FoundModel[]> {
  const stores = [huggingFaceModels, ollamaModels, lmStudioModels];
  return (await Promise.all(stores.map((store) => within(maxMs, store(machine))))).flat();
}

async function within(ms: number, models: Promise<readonly FoundModel[]>): Promise<readonly FoundModel[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<readonly FoundModel[]>((resolve) => {
    timer = setTimeout(() => resolve([]), ms);
  });
  try {
    return await Promise.race([models.catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}
