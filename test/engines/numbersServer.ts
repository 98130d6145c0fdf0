import { Worker } from 'node:worker_threads';

/** A server of vLLM's protocol in a thread of its own, so that what it takes is not the client's. */
export interface NumbersServer {
  readonly address: string;
  /** Milliseconds in which at least one request was being answered since the last call. */
  readonly busyMs: () => Promise<number>;
  readonly close: () => Promise<unknown>;
}

/** Runs in the thread. A text's characters are its tokens; their numbers are of the kind that an engine sends, and mean nothing. */
const SERVER = `
const { createServer } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
const { context } = workerData;
let open = 0, began = 0, busy = 0;
const ids = (prompt) => typeof prompt === 'string' ? Array.from(prompt, (letter) => letter.codePointAt(0)) : prompt;
const entry = (id) => id === 32 ? '▁' : String.fromCodePoint(id);
const told = (id, logprob, rank) => [id, { logprob, rank, decoded_token: String.fromCodePoint(id) }];
const row = (id, most) => Object.fromEntries(
  Array.from({ length: most + 1 }, (_, k) => told(id + k, -0.123456789012345 - k, k + 1)));
const top = (most) => Object.fromEntries(Array.from({ length: most }, (_, k) => [String.fromCodePoint(97 + k), -1 - k]));
const answers = {
  '/version': () => ({ version: '0.0.0-bench' }),
  '/v1/models': () => ({ data: [{ id: 'numbers', owned_by: 'vllm', max_model_len: context }] }),
  '/tokenize': ({ prompt }) => ({ tokens: ids(prompt), token_strs: ids(prompt).map(entry) }),
  '/v1/completions': ({ prompt, prompt_logprobs, logprobs }) => prompt_logprobs === undefined
    ? { model: 'numbers', choices: [{ text: 'a', logprobs: { tokens: ['a'], token_logprobs: [-1], top_logprobs: [top(logprobs)] } }] }
    : { model: 'numbers', choices: [{ text: '', prompt_token_ids: ids(prompt),
        prompt_logprobs: ids(prompt).map((id, i) => i === 0 ? null : row(id, prompt_logprobs)) }] },
};
const server = createServer((request, response) => {
  if (open++ === 0) began = performance.now();
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const answer = answers[request.url];
    const body = Buffer.concat(pieces).toString();
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ? answer(body === '' ? {} : JSON.parse(body)) : {}));
  });
  response.on('close', () => { if (--open === 0) busy += performance.now() - began; });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
parentPort.on('message', () => { parentPort.postMessage(busy); busy = 0; });
`;

/** Starts it on a free port of this machine. `context`: tokens that it reads at once. */
export async function startNumbersServer(context: number): Promise<NumbersServer> {
  const thread = new Worker(SERVER, { eval: true, workerData: { context } });
  const next = (): Promise<number> => new Promise((resolve) => thread.once('message', (value: unknown) => resolve(Number(value))));
  const port = await next();
  return {
    address: `http://127.0.0.1:${port}`,
    busyMs: () => {
      const told = next();
      thread.postMessage('busy');
      return told;
    },
    close: () => thread.terminate(),
  };
}
