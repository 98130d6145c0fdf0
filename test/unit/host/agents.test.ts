import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { AGENT_TOOLS } from '../../../src/agents/tools.ts';
import { endHosts, FIRST, startHost } from './wholeHost.ts';

interface Tool {
  invoke(options: { readonly input: unknown }, token: object): Promise<{ readonly content: readonly { readonly value: string }[] }>;
}
interface Provider {
  provideMcpServerDefinitions(): Promise<readonly { readonly given: readonly unknown[] }[]>;
}

/** An editor that has agents. */
function agentEditor() {
  const tools = new Map<string, Tool>();
  const servers = new Map<string, Provider>();
  const keep =
    <T>(map: Map<string, T>) =>
    (name: string, one: T) => {
      map.set(name, one);
      return { dispose: () => void map.delete(name) };
    };
  const newer = {
    lm: { registerTool: keep(tools), registerMcpServerDefinitionProvider: keep(servers) },
    LanguageModelToolResult: class {
      readonly content: readonly unknown[];
      constructor(content: readonly unknown[]) {
        this.content = content;
      }
    },
    LanguageModelTextPart: class {
      readonly value: string;
      constructor(value: string) {
        this.value = value;
      }
    },
    McpStdioServerDefinition: class {
      readonly given: readonly unknown[];
      constructor(...given: readonly unknown[]) {
        this.given = given;
      }
    },
  };
  return { tools, servers, newer };
}

/** A token of VS Code's that can be cancelled. */
function cancellable() {
  const listeners: (() => void)[] = [];
  const token = {
    isCancellationRequested: false,
    onCancellationRequested: (listener: () => void) => {
      listeners.push(listener);
      return { dispose: () => undefined };
    },
  };
  const cancel = (): void => {
    token.isCancellationRequested = true;
    for (const listener of listeners) listener();
  };
  return { token, cancel };
}

afterEach(endHosts);

describe('tools for the editor’s agents', () => {
  it('are in package.json as they are on the command line', () => {
    const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      contributes: { languageModelTools: readonly Record<string, unknown>[] };
    };
    expect(
      contributes.languageModelTools.map(({ name, modelDescription, inputSchema }) => ({ name, modelDescription, inputSchema })),
    ).toEqual(
      AGENT_TOOLS.map(({ name, description, inputSchema }) => ({
        name: `explain-tokens_${name}`,
        modelDescription: description,
        inputSchema,
      })),
    );
    const [english, chinese] = ['package.nls.json', 'package.nls.zh-cn.json'].map(
      (file) => JSON.parse(readFileSync(file, 'utf8')) as object,
    );
    for (const tool of contributes.languageModelTools)
      for (const shown of [tool['displayName'], tool['userDescription']]) {
        const key = String(shown).slice(1, -1);
        expect([english, chinese].map((texts) => Object.hasOwn(texts ?? {}, key))).toEqual([true, true]);
      }
  });

  it('answer by the model that the panel uses, the same numbers', async () => {
    const { tools, newer } = agentEditor();
    const host = await startHost({}, newer);
    await host.explain();
    await host.settle();
    const ask = async (name: string, input: unknown): Promise<Record<string, unknown>> => {
      const asked = tools.get(`explain-tokens_${name}`)?.invoke({ input }, cancellable().token);
      await host.settle();
      return JSON.parse((await asked)?.content[0]?.value ?? '') as Record<string, unknown>;
    };
    const shown = host.posted().findLast((message) => message.type === 'explanation');
    const { tokens, topIds, topProbs, topK } = shown?.type === 'explanation' ? shown.shown.explanation : ({} as never);
    const next = (await ask('next_tokens', { text: FIRST, top: 3 }))['next'] as readonly { readonly id: number; readonly prob: number }[];
    const from = (tokens.length - 1) * topK;
    expect(next.map(({ id }) => id)).toEqual(Array.from(topIds.subarray(from, from + 3)));
    next.forEach(({ prob }, k) => expect(prob).toBeCloseTo(topProbs[from + k] ?? NaN, 5));
    expect(await ask('score_text', { text: FIRST, by: 'token' })).toMatchObject({
      tokens: tokens.length,
      mostSurprising: expect.any(Array),
    });
    expect(await ask('count_tokens', { text: FIRST })).toMatchObject({ characters: FIRST.length });
    expect(await ask('list_models', {})).toMatchObject({ models: [{ name: 'explain-tokens-9m', family: 'llama' }] });
    expect(await ask('why', { text: FIRST, method: 'hidden' })).toHaveProperty('byToken');
  });

  it('refuse another model and wrong arguments in a sentence, and stop when they are cancelled', async () => {
    const { tools, newer } = agentEditor();
    const host = await startHost({}, newer);
    const tool = tools.get('explain-tokens_lens');
    const refused = tool?.invoke({ input: { text: 'a', model: '/etc/passwd' } }, cancellable().token);
    await expect(refused).rejects.toThrow('There is no model "/etc/passwd" here; there are "explain-tokens-9m".');
    await expect(tool?.invoke({ input: null }, cancellable().token)).rejects.toThrow('The arguments are an object');
    const { token, cancel } = cancellable();
    const asked = tool?.invoke({ input: { text: FIRST } }, token);
    const ended = expect(asked).rejects.toThrow('The request was cancelled.');
    cancel();
    await host.settle();
    await ended;
    expect(host.errors()).toEqual([]);
  });

  it('are offered as a server only where the user wants that, with the model of the settings', async () => {
    const { servers, newer } = agentEditor();
    const host = await startHost({ model: '/models/other', runtime: 'wasm' }, newer);
    const given = async () => (await servers.get('explainTokens.mcp')?.provideMcpServerDefinitions())?.map((one) => one.given);
    expect(await given()).toEqual([]);
    host.set('mcpServer', true);
    expect(await given()).toEqual([
      ['Explain Tokens', 'node', ['/extension/dist/cli.js', 'mcp', '--runtime', 'wasm', '/models/other'], {}, expect.any(String)],
    ]);
  });

  it('are not missed by an editor without agents, or with some of it', async () => {
    const { tools, newer } = agentEditor();
    await startHost({}, { lm: {} });
    await startHost({}, { ...newer, lm: { registerTool: newer.lm.registerTool }, McpStdioServerDefinition: undefined });
    expect(tools.size).toBe(AGENT_TOOLS.length);
  });
});
