import { setImmediate as turn } from 'node:timers/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import type { EngineKind } from '../../src/engines/engineApi.ts';
import { answerOf, type Fault } from './protocolAnswers.ts';
import type { ServedModel } from './servedModel.ts';

/** Answers that the server gives to the requests about texts. */
const ABOUT_TEXT = /^\/(v1\/completions|v1\/responses|generate|completion|api\/generate)$/;

/** A server of one protocol, which answers from the bundled model. */
export interface EngineServer {
  readonly address: string;
  /** What it does wrong with requests about texts. */
  fault: Fault;
  /** Requests about texts that are answered with 429 before the others. */
  busy: number;
  /** Seconds in `Retry-After` of a 429; absent where undefined. */
  retryAfter: string | undefined;
  /** Requests that have to be open at once before any is answered: this process computes an answer before it reads the next request. */
  together: number;
  /** Paths asked for, in order; requests open at once, now and at most; bodies; and the keys that came. */
  readonly paths: string[];
  readonly open: { now: number; most: number };
  readonly bodies: string[];
  readonly keys: (string | undefined)[];
  close(): Promise<void>;
}

/** Servers of a test file, one of each kind, which answer from one model until the file ends. */
export function serversOf<Model extends ServedModel>(kinds: readonly EngineKind[], open: () => Promise<Model>) {
  const servers = new Map<EngineKind, EngineServer>();
  let model: Model | undefined;
  beforeAll(async () => {
    model = await open();
    for (const kind of kinds) servers.set(kind, await startEngine(kind, model));
  });
  afterAll(async () => {
    for (const server of servers.values()) await server.close();
    await model?.model.dispose();
  });
  return {
    serverOf: (kind: EngineKind): EngineServer => servers.get(kind) ?? expect.fail(`No server of ${kind}.`),
    served: (): Model => model ?? expect.fail('No model is open.'),
  };
}

/** Starts a server on a free port of this machine. `key`: what it wants; absent: nothing. */
export async function startEngine(kind: EngineKind, served: ServedModel, options: { readonly key?: string } = {}): Promise<EngineServer> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const engine: EngineServer = {
    address: `http://127.0.0.1:${port}`,
    fault: null,
    busy: 0,
    retryAfter: undefined,
    together: 1,
    paths: [],
    open: { now: 0, most: 0 },
    bodies: [],
    keys: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const body = Buffer.concat(pieces).toString();
    engine.paths.push(path);
    engine.bodies.push(body);
    engine.keys.push(request.headers.authorization);
    engine.open.most = Math.max(engine.open.most, ++engine.open.now);
    response.on('close', () => engine.open.now--);
    const json = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    };
    if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`)
      return json(401, { error: { message: 'no key' } });
    const asked = body === '' ? {} : (JSON.parse(body) as Readonly<Record<string, unknown>>);
    if (!ABOUT_TEXT.test(path) || request.method !== 'POST') {
      const answer = await answerOf(kind, path, asked, served, null);
      return answer === null ? json(404, { error: 'not found' }) : json(200, answer);
    }
    if (engine.busy > 0) {
      engine.busy--;
      return json(429, { error: 'busy' }, engine.retryAfter === undefined ? {} : { 'retry-after': engine.retryAfter });
    }
    if (engine.fault === '401') return json(401, { error: 'no' });
    if (engine.fault === '429') return json(429, { error: 'busy' }, { 'retry-after': engine.retryAfter ?? '3600' });
    if (engine.fault === '500') return json(500, { error: { message: 'CUDA out\nof memory', type: 'InternalServerError' } });
    if (engine.fault === 'silent') return;
    if (engine.fault === 'redirect away') return void response.writeHead(307, { location: `http://localhost:${port}${path}` }).end();
    if (engine.fault === 'huge') return sendWithoutEnd(response);
    while (engine.open.most < engine.together) await turn();
    const answer = JSON.stringify(await answerOf(kind, path, asked, served, engine.fault));
    if (engine.fault === 'no json') return void response.end('<html>It works!</html>');
    if (engine.fault === 'no utf-8') return void response.end(Buffer.concat([Buffer.from(answer.slice(0, -1)), Buffer.from([0xe4, 0xbd])]));
    if (engine.fault === 'cut off') {
      response.writeHead(200, { 'content-length': String(Buffer.byteLength(answer)) });
      response.write(answer.slice(0, answer.length / 2));
      return void setTimeout(() => response.destroy(), 20);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  }
  return engine;
}

/** A gigabyte of one answer, or as much as is read of it. */
function sendWithoutEnd(response: ServerResponse): void {
  const piece = Buffer.alloc(1024 * 1024, '[');
  let left = 1024;
  const more = (): void => {
    while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more);
    response.end();
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  more();
}
