import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { MOST_ANSWER_UNITS } from '../../src/agents/toolAnswer.ts';
import { ROOT } from '../bench/text.ts';
import { oneOf } from './held.ts';
import { randomText } from './soak.ts';

/** What many calls of an agent came to. */
export interface AgentCalls {
  /** Calls that were not answered as they should be, a message each. */
  readonly notHeld: readonly string[];
  /** Resident memory in MiB of the server and its model's process, after each call. */
  readonly mebibytes: readonly number[];
}

/** Arguments besides the text for each tool that reads one. */
const CALLS: Readonly<Record<string, object>> = {
  count_tokens: {},
  next_tokens: { top: 5 },
  score_text: { by: 'word' },
  lens: {},
  attention_summary: { layer: 2, head: 1 },
  compare_texts: { other: 'Another text.' },
  why: { method: 'gradient-x-input' },
};

/** A server of tools for agents with its client. */
export interface AgentServer {
  readonly client: Client;
  /** Resident memory in MiB of the server and all processes that it started. */
  mebibytes(): number;
}

/** Starts `explain-tokens mcp` with the bundled model. */
export async function startAgentServer(): Promise<AgentServer> {
  const client = new Client({ name: 'soak', version: '1' });
  const transport = new StdioClientTransport({ command: process.execPath, args: [join(ROOT, 'dist/cli.js'), 'mcp'], stderr: 'pipe' });
  await client.connect(transport);
  const { pid } = transport;
  if (pid === null) throw new Error('The server has no process.');
  return { client, mebibytes: () => treeMebibytes(pid) };
}

/** Texts that are asked about again and again: what is kept of each, as the tokens of its words, is kept after a few hundred calls. */
const TEXTS = 60;

/** Asks a server's tools one after another about texts of random length. */
export async function soakAgentCalls({ client, mebibytes }: AgentServer, count: number, random: () => number): Promise<AgentCalls> {
  const texts = Array.from({ length: TEXTS }, () => randomText(random, 600));
  const notHeld: string[] = [];
  const memory: number[] = [];
  for (let index = 0; index < count; index++) {
    const name = oneOf(random, Object.keys(CALLS));
    const { content, isError } = await client.callTool({ name, arguments: { text: oneOf(random, texts), ...CALLS[name] } }, undefined, {
      timeout: 120_000,
    });
    const [answer] = content as readonly { readonly text: string }[];
    const text = answer?.text ?? '';
    if (isError === true || text === '' || text.length > MOST_ANSWER_UNITS) notHeld.push(`${index}: ${name}: ${text.slice(0, 200)}`);
    memory.push(mebibytes());
  }
  return { notHeld, mebibytes: memory };
}

/** Resident memory in MiB of a process and all that it started. */
function treeMebibytes(pid: number): number {
  const parents = new Map(
    readdirSync('/proc').flatMap((entry) => {
      const stat = /^\d+$/.test(entry) ? readProcess(Number(entry), 'stat') : '';
      return stat === '' ? [] : [[Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const];
    }),
  );
  const isOf = (one: number | undefined): boolean => one !== undefined && (one === pid || isOf(parents.get(one)));
  const kibibytes = [...parents.keys()].filter(isOf).map((one) => Number(/^VmRSS:\s+(\d+)/m.exec(readProcess(one, 'status'))?.[1] ?? 0));
  return kibibytes.reduce((sum, own) => sum + own, 0) / 1024;
}

/** A file of a process; empty: it has ended. */
function readProcess(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
