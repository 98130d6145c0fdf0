import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { english } from '../../src/core/translatable.ts';
import { engineConnection } from '../../src/engines/engineConnection.ts';
import { nodeSend } from '../../src/engines/engineHttp.node.ts';
import { openEngine } from '../../src/engines/openEngine.ts';
import { readAtOnce } from '../../src/engines/engineReading.ts';
import { startNumbersServer } from '../engines/numbersServer.ts';
import { randomText } from './soak.ts';

/** Memory of this process over many requests to an engine, in MiB. */
export interface EngineSoak {
  readonly requests: number;
  /** What is held after a collection of garbage: once all code has run, and at the end. */
  readonly heldFirst: number;
  readonly heldLast: number;
}

/** Explains texts of random length by an engine until it has answered `count` requests. */
export async function soakEngineRequests(count: number, random: () => number): Promise<EngineSoak> {
  const server = await startNumbersServer(4096);
  try {
    const sent = { requests: 0 };
    const send = nodeSend(english);
    const connection = engineConnection(server.address, { send: (request) => (sent.requests++, send(request)), key: null });
    const { signal } = new AbortController();
    const protocol = await openEngine(connection, null, signal);
    const explained = async (until: number): Promise<void> => {
      while (sent.requests < until) {
        const options = { host: connection.host, signal, alternatives: 20, tokenizer: null, agree: async () => undefined };
        const text = randomText(random, 2000);
        const { read } = await readAtOnce(protocol, text, options);
        if (read.tokens.length !== Array.from(text).length) throw new Error(`${read.tokens.length} tokens were read.`);
      }
    };
    await explained(count / 5);
    const heldFirst = held();
    await explained(count);
    return { requests: sent.requests, heldFirst, heldLast: held() };
  } finally {
    await server.close();
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function held(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
