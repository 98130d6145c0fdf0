// Workers inside the test process: the product's engine over tiny models, behind a port that the test can watch, delay and break.
import { readFileSync } from 'node:fs';
import { UserError } from '../../../src/core/errors.ts';
import type { ModelFiles } from '../../../src/model/formats/modelFiles.ts';
import { createEngine } from '../../../src/worker/engine.ts';
import { serve, type Port } from '../../../src/worker/rpc.ts';
import type { WorkerApi } from '../../../src/worker/workerApi.ts';
import { FIXTURES, wasm } from '../../golden/compare.ts';
import { LETTERS_TOKENIZER } from '../../webview/family.ts';
import { folder } from '../model/folder.ts';

/** Last part of a model's path -> golden case. */
const CASES: Readonly<Record<string, string>> = {
  'explain-tokens-9m': 'llama',
  other: 'gpt2',
  gpt2: 'gpt2',
  ends: 'llama',
  'owner--name': 'llama',
};

/** Context in tokens of the model whose path ends with "short"; that of the others is 64. */
export const SHORT_CONTEXT = 24;

/** A tokenizer that has carriage returns, and no letter z. */
function endsTokenizer(): object {
  const { z, ...vocab } = LETTERS_TOKENIZER.model.vocab;
  return { ...LETTERS_TOKENIZER, model: { ...LETTERS_TOKENIZER.model, vocab: { ...vocab, č: z } } };
}

/** The model at a path. Throws UserError for a path that is not among `CASES`. */
function filesAt(path: string): ModelFiles {
  const last = path.split('/').at(-1) ?? '';
  // A file of Ollama's: the model that the servers of `test/engines` answer from.
  if (last.startsWith('sha256-')) return folder('media/models/explain-tokens-9m');
  const name = last === 'short' ? 'llama' : CASES[last];
  if (name === undefined) throw new UserError(`There is no model folder ${path}.`);
  const config = JSON.parse(readFileSync(`${FIXTURES}/${name}/config.json`, 'utf8')) as object;
  return folder(`${FIXTURES}/${name}`, {
    'tokenizer.json': JSON.stringify(last === 'ends' ? endsTokenizer() : LETTERS_TOKENIZER),
    ...(last === 'short' ? { 'config.json': JSON.stringify({ ...config, max_position_embeddings: SHORT_CONTEXT }) } : {}),
  });
}

/** Starts workers and watches their ports. `endedBy` makes the error for a lost worker, of the class in the host's own modules. */
export async function engineWorkers(endedBy: (reason: string) => Error) {
  const runtime = await wasm();
  const alive = new Set<{ kill(): void }>();
  let calls = 0;
  let answers = 0;
  /** Number of messages that workers have sent, including progress. */
  let said = 0;
  let before: (place: number) => void = () => undefined;

  const start = (): Port => {
    const [toHost, toWorker, failed]: [((message: unknown) => void)[], ((message: unknown) => void)[], ((error: Error) => void)[]] = [
      [],
      [],
      [],
    ];
    let open = 0;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      answers += open;
      alive.delete(worker);
    };
    const worker = {
      kill: (): void => {
        if (ended) return;
        end();
        for (const listener of failed) listener(endedBy('signal SIGKILL'));
      },
    };
    alive.add(worker);
    const isAnswer = (message: object): boolean => 'result' in message || 'error' in message;
    // As between processes, a message is copied and arrives later.
    const send = (listeners: readonly ((message: unknown) => void)[], message: unknown, then: (copy: object) => void): void => {
      const copy = structuredClone(message) as object;
      setImmediate(() => {
        if (ended) return;
        then(copy);
        if (!ended) for (const listener of listeners) listener(copy);
      });
    };
    serve<WorkerApi>(
      {
        post: (message) =>
          send(toHost, message, (copy) => {
            before(said++);
            if (!ended && isAnswer(copy)) [open, answers] = [open - 1, answers + 1];
          }),
        onMessage: (listener) => void toWorker.push(listener),
        onFailure: () => undefined,
        terminate: async () => undefined,
      },
      createEngine({
        runtime: () => runtime,
        runtimeKind: 'wasm',
        openFiles: async (location) => filesAt(location.kind === 'folder' ? location.path : location.name),
      }),
    );
    return {
      post: (message) => {
        if (typeof message === 'object' && message !== null && 'name' in message) [open, calls] = [open + 1, calls + 1];
        send(toWorker, message, () => undefined);
      },
      onMessage: (listener) => void toHost.push(listener),
      onFailure: (listener) => void failed.push(listener),
      terminate: async () => end(),
    };
  };

  return {
    start,
    /** Whether a call has not been answered yet. */
    isBusy: () => calls > answers,
    said: () => said,
    alive: () => alive.size,
    /** Calls `act` just before the `place`-th message of a worker (from 0, counted from now) arrives; `came` says whether it did. */
    onceAt: (place: number, act: () => void) => {
      const moment = { came: false };
      const first = said;
      before = (now) => {
        if (now - first !== place) return;
        moment.came = true;
        before = () => undefined;
        act();
      };
      return moment;
    },
    /** Kills all workers, as the system does when it is out of memory. */
    killAll: () => {
      for (const worker of alive) worker.kill();
    },
  };
}
