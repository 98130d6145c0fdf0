import { resolve } from 'node:path';
import { bytesText } from '../core/bytesText.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import { english } from '../core/translatable.ts';
import { endpointOf, environmentToken } from '../library/hub/address.ts';
import type { DownloadProgress, HubChoice, HubModel } from '../library/hub/api.ts';
import { openHub } from '../library/hub/hub.ts';
import type { Note } from './input.ts';
import type { DownloadCommand } from './options.ts';
import { standardOutput } from './output.ts';

/** Progress on a terminal is written at most this often. */
const TELL_EVERY_MS = 200;

/** Downloads a model of the hub and writes where it is. Throws UserError, CancelledError after Ctrl+C. */
export async function download({ id, folder, gguf }: DownloadCommand, note: Note): Promise<void> {
  const environment = { endpoint: process.env['HF_ENDPOINT'], token: process.env['HF_TOKEN'] };
  const endpoint = endpointOf('', environment, english);
  const root = resolve(folder);
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort);
  try {
    const access = { endpoint, token: environmentToken(environment, endpoint), signal: stop.signal };
    const hub = openHub(english);
    const model = await hub.findModel(id, access);
    const choice = chosen(model, gguf);
    await note(`${model.id}: ${choice.files.length} files, ${bytesText(choice.bytes)}, licence ${model.licence ?? 'not named'}, commit ${model.commit} of ${endpoint}.`);
    const { path } = await hub.download(root, model, choice, { ...access, onProgress: terminalProgress() });
    await standardOutput().write(`${path}\n`);
  } catch (error) {
    if (error instanceof CancelledError) throw new UserError('Stopped; the same command goes on where it was.');
    throw error;
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}

function chosen({ id, choices }: HubModel, gguf: string | null): HubChoice {
  const choice = gguf === null ? (choices.find(({ kind }) => kind === 'safetensors') ?? (choices.length === 1 ? choices[0] : undefined)) : choices.find(({ entry }) => entry === gguf);
  if (choice) return choice;
  const files = choices.flatMap(({ entry, bytes }) => (entry === null ? [] : [`${entry} (${bytesText(bytes)})`]));
  throw new UserError(files.length === 0 ? `${id} has no GGUF files.` : `Which file of ${id}? --gguf takes one of ${files.join(', ')}.`);
}

/** One line that is written over, where there is somebody to see it. */
function terminalProgress(): (progress: DownloadProgress) => void {
  let toldAt = 0;
  return ({ stage, bytesDone, bytes }) => {
    const isLast = bytesDone === bytes;
    if (!process.stderr.isTTY || (!isLast && Date.now() - toldAt < TELL_EVERY_MS)) return;
    toldAt = Date.now();
    process.stderr.write(`\r\u001b[K${bytesText(bytesDone)} of ${bytesText(bytes)}${stage === 'download' ? '' : ` (${stage})`}${isLast ? '\n' : ''}`);
  };
}
