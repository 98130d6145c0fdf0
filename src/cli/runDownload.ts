import { resolve } from 'node:path';
import { bytesText } from '../core/bytesText.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import { english } from '../core/translatable.ts';
import { endpointOf, environmentToken } from '../library/hub/address.ts';
import type { DownloadProgress, HubChoice, HubModel } from '../library/hub/hubApi.ts';
import { openHub } from '../library/hub/hub.ts';
import type { Note } from './input.ts';
import type { DownloadCommand } from './options.ts';
import { standardOutput } from './output.ts';
import { onStop, StoppedError, type StopSignal } from './signals.ts';

/** Shortest time between two updates of the progress on a terminal. */
const TELL_EVERY_MS = 200;

/** Downloads a model from the hub and prints the path of its folder. Throws UserError; StoppedError after a signal. */
export async function download({ id, folder, gguf }: DownloadCommand, note: Note): Promise<void> {
  const environment = { endpoint: process.env['HF_ENDPOINT'], token: process.env['HF_TOKEN'] };
  const endpoint = endpointOf('', environment, english);
  const root = resolve(folder);
  const stop = new AbortController();
  let stoppedBy: StopSignal | undefined;
  const off = onStop((signal) => {
    stoppedBy = signal;
    stop.abort();
  });
  const progress = terminalProgress();
  try {
    const access = { endpoint, token: environmentToken(environment, endpoint), signal: stop.signal };
    const hub = openHub(english);
    const model = await hub.findModel(id, access);
    const choice = chosen(model, gguf);
    const licence = model.licence ?? 'not named';
    const size = `${choice.files.length} files, ${bytesText(choice.bytes)}`;
    await note(`${model.id}: ${size}, licence ${licence}, commit ${model.commit} of ${endpoint}.`);
    const { path } = await hub.download(root, model, choice, { ...access, onProgress: progress.tell });
    progress.end();
    await standardOutput().write(`${path}\n`);
  } catch (error) {
    progress.end();
    if (error instanceof CancelledError && stoppedBy !== undefined)
      throw new StoppedError(stoppedBy, 'Stopped; the same command goes on where it was.');
    throw error;
  } finally {
    off();
  }
}

function chosen({ id, choices }: HubModel, gguf: string | null): HubChoice {
  const choice =
    gguf === null
      ? (choices.find(({ kind }) => kind === 'safetensors') ?? (choices.length === 1 ? choices[0] : undefined))
      : choices.find(({ entry }) => entry === gguf);
  if (choice) return choice;
  const files = choices.flatMap(({ entry, bytes }) => (entry === null ? [] : [`${entry} (${bytesText(bytes)})`]));
  throw new UserError(files.length === 0 ? `${id} has no GGUF files.` : `Which file of ${id}? --gguf takes one of ${files.join(', ')}.`);
}

/** Progress on one line that is overwritten; nothing is shown if standard error is not a terminal. */
function terminalProgress(): { readonly tell: (progress: DownloadProgress) => void; readonly end: () => void } {
  let toldAt = 0;
  return {
    tell: ({ stage, bytesDone, bytes }) => {
      if (!process.stderr.isTTY || (bytesDone < bytes && Date.now() - toldAt < TELL_EVERY_MS)) return;
      toldAt = Date.now();
      process.stderr.write(`\r\u001b[K${bytesText(bytesDone)} of ${bytesText(bytes)}${stage === 'download' ? '' : ` (${stage})`}`);
    },
    end: () => {
      if (toldAt > 0) process.stderr.write('\n');
    },
  };
}
