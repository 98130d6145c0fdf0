import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { version } from '../../package.json';
import type { ToolCall } from '../agents/agentTool.ts';
import { AGENT_TOOLS, INSTRUCTIONS } from '../agents/tools.ts';
import { CancelledError, messageOf, UserError } from '../core/errors.ts';
import { findModels } from '../library/found/found.ts';
import { startNodeWorker } from '../worker/port.node.ts';
import { connect } from '../worker/rpc.ts';
import type { ModelLocation, WorkerApi } from '../worker/workerApi.ts';
import { agentWorkers, type AgentWorkers } from './agentWorkers.ts';
import { BUNDLED_MODEL } from './bundledModel.ts';
import type { McpOptions } from './mcpOptions.ts';
import { onStop } from './signals.ts';

/** Longest message of a client: its longest text, written as JSON. */
const MOST_MESSAGE_BYTES = 64_000_000;
/** Shortest time between two reports of progress. */
const TELL_EVERY_MS = 100;

/**
 * Serves tools to an agent by the Model Context Protocol, on standard input and output, until its client closes standard input or a signal
 * stops the process. Throws UserError where the client sends a message that is too long.
 */
export async function serveAgents(options: McpOptions, distFolder: string, note: (sentence: string) => Promise<void>): Promise<void> {
  const { runtime, nativeFolder } = options;
  const native = nativeFolder === null ? {} : { nativeFolder: resolve(nativeFolder) };
  const workers = agentWorkers(locationsOf([...options.models.map((path) => resolve(path)), join(distFolder, '..', BUNDLED_MODEL)]), () =>
    connect<WorkerApi>(startNodeWorker(distFolder, { runtime, ...native })),
  );
  const server = agentServer(workers, note);
  const input = new PassThrough();
  try {
    await server.connect(new StdioServerTransport(input, process.stdout));
    await clientGone(input);
  } finally {
    await server.close();
    await workers.dispose();
  }
}

/** A server of the tools over `workers`. What a defect throws is noted, and told to the agent in short. */
function agentServer(workers: AgentWorkers, note: (sentence: string) => Promise<void>): Server {
  const server = new Server(
    { name: 'explain-tokens', title: 'Explain Tokens', version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: AGENT_TOOLS.map(({ name, title, description, inputSchema }) => ({
      name,
      title,
      description,
      inputSchema,
      annotations: { title, readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
    const tool = AGENT_TOOLS.find(({ name }) => name === params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `There is no tool ${JSON.stringify(params.name.slice(0, 100))}.`);
    const { _meta: meta } = params;
    const token = meta?.progressToken;
    const tell = throttled((progress, message) => {
      if (token === undefined || signal.aborted) return;
      const told = sendNotification({ method: 'notifications/progress', params: { progressToken: token, progress, message } });
      told.catch(() => undefined);
    });
    try {
      return { content: [{ type: 'text', text: await tool.answer(workers, params.arguments, { signal, tell }) }] };
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      if (error instanceof UserError) return { isError: true, content: [{ type: 'text', text: error.message }] };
      await note(`${tool.name}: ${messageOf(error)}`);
      return { isError: true, content: [{ type: 'text', text: `Unexpected error in ${tool.name}.` }] };
    }
  });
  return server;
}

/** Reports at most one sentence each `TELL_EVERY_MS`, with a count that increases with each. */
function throttled(report: (count: number, sentence: string) => void): ToolCall['tell'] {
  let [count, toldAt] = [0, 0];
  return (sentence) => {
    if (Date.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = Date.now();
    report(++count, sentence);
  };
}

/** The models by the names that agents use: of a path its last part, with a number where several end alike. */
export function locationsOf(paths: readonly string[]): ReadonlyMap<string, () => Promise<ModelLocation>> {
  const found = new Map<string, () => Promise<ModelLocation>>();
  for (const path of paths) {
    const plain = basename(path);
    let name = plain;
    for (let number = 2; found.has(name); number++) name = `${plain} (${number})`;
    found.set(name, () => locate(name, path));
  }
  return found;
}

async function locate(name: string, path: string): Promise<ModelLocation> {
  if (!existsSync(join(path, 'adapter_config.json'))) return { kind: 'folder', name, path };
  const bases = await findModels({ env: process.env, home: homedir() });
  const models = Object.fromEntries(bases.flatMap((base) => [base.name, ...base.aliases].map((known) => [known, base.path])));
  return { kind: 'folder', name, path, models };
}

/** Passes standard input on until it ends or a signal comes. Throws UserError for a message that is too long. */
function clientGone(input: PassThrough): Promise<void> {
  return new Promise((done, failed) => {
    const off = onStop(() => finish());
    const finish = (error?: Error): void => {
      off();
      if (error === undefined) done();
      else failed(error);
    };
    let bytes = 0;
    const { stdin } = process;
    stdin.on('data', (chunk: Buffer) => {
      const end = chunk.lastIndexOf('\n');
      bytes = end === -1 ? bytes + chunk.length : chunk.length - end - 1;
      if (bytes > MOST_MESSAGE_BYTES) finish(new UserError(`A message of the client has more than ${MOST_MESSAGE_BYTES} bytes.`));
      else input.write(chunk);
    });
    stdin.once('end', () => finish());
    stdin.once('error', () => finish());
    // The client may close its end of standard output first.
    process.stdout.once('error', () => finish());
  });
}
