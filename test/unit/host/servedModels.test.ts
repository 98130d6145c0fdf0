// A model that an engine serves, in the whole extension: the engine is a server of these tests, which answers from the bundled model.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { predict } from '../../../src/analysis/predictions.ts';
import { lastResidual } from '../../../src/analysis/traceRows.ts';
import { scoreText } from '../../../src/analysis/windowScores.ts';
import { UNWATCHED } from '../../../src/core/progress.ts';
import { principalComponents } from '../../../src/core/projection.ts';
import { bitsPerByte, NO_SCORES, withToken } from '../../../src/core/textScores.ts';
import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import type { EngineKind } from '../../../src/engines/engineApi.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import { tensor } from '../../../src/core/tensor.ts';
import { cosineMatrix, type Similarity } from '../../../src/core/vectors.ts';
import type { HostMessage } from '../../../src/protocol/messages.ts';
import type { Query } from '../../../src/protocol/queries.ts';
import { readReport } from '../../../src/report/reportFile.ts';
import { startEngine, type EngineServer } from '../../engines/engineServer.ts';
import { SERVED_HASH, SERVED_NAME } from '../../engines/protocolAnswers.ts';
import { openRoutedModel } from '../../engines/routedModel.ts';
import { openServedModel, type ServedModel } from '../../engines/servedModel.ts';
import { FakeUri } from './fakeEditor.ts';
import { sums } from './fileHost.ts';
import { putReportPage } from './reportPageFiles.ts';
import { endHosts, FIRST, shown, startHost, turns } from './wholeHost.ts';

type Host = Awaited<ReturnType<typeof startHost>>;

let served: ServedModel;
const servers: EngineServer[] = [];

beforeAll(async () => {
  served = await openServedModel();
  // The first pass takes seconds; what servers answer again is kept.
  await served.after(served.encode(FIRST));
});
afterEach(endHosts);
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => served?.model.dispose());

async function serve(kind: EngineKind, options: { readonly key?: string } = {}, model = served): Promise<EngineServer> {
  const server = await startEngine(kind, model, options);
  servers.push(server);
  return server;
}

/** Waits, with time that goes on, until something is so. */
async function until(host: Host, what: string, done: () => boolean): Promise<void> {
  const began = performance.now();
  while (!done()) {
    if (performance.now() - began > 40_000)
      throw new Error(`It did not come to that: ${what}. ${host.errors().join(' ')} ${host.logged.join(' ').slice(0, 2000)}`);
    await turns(2);
    await host.turnTime(20);
  }
}

/** Answers the next questions of dialogs: those with such a title by their last button, all others by closing them. */
function agreeTo(host: Host, ...titles: readonly string[]): string[] {
  const asked: string[] = [];
  const answer = async (message: string, ...rest: readonly unknown[]): Promise<string | undefined> => {
    asked.push([message, (rest[0] as { detail?: string } | undefined)?.detail ?? ''].join('\n'));
    return titles.some((title) => message.startsWith(title)) ? String(rest.at(-1)) : undefined;
  };
  host.window.showInformationMessage.mockImplementation(answer);
  host.window.showWarningMessage.mockImplementation(answer);
  return asked;
}

/** Bodies of requests that hold something of the document. */
const textsAt = ({ bodies }: EngineServer): readonly string[] =>
  bodies.filter((body) => body.includes('cat') || body.includes('prompt":['));
const lastExplanation = (host: Host): Explanation | undefined => {
  const last = host
    .posted()
    .findLast((message): message is Extract<HostMessage, { type: 'explanation' }> => message.type === 'explanation');
  return last?.shown.explanation;
};
const isShown = (host: Host): boolean => lastExplanation(host)?.model.served !== undefined;

async function addEngine(host: Host, address: string): Promise<void> {
  host.window.showInputBox.mockResolvedValueOnce(address);
  const before = host.errors().length;
  host.run('addEngine');
  await until(
    host,
    'the engine is used',
    () => host.api.workspace.getConfiguration().get('model') !== undefined || host.errors().length > before,
  );
  await turns(5);
}

describe('an engine in the library', () => {
  it('is added by its address once the user has agreed, is tested, and is removed with its key', async () => {
    const host = await startHost();
    const server = await serve('vllm');
    const asked = agreeTo(host, 'Send texts to');
    await addEngine(host, `${server.address}/v1`);
    const setting = `${server.address}#${SERVED_NAME}`;
    const settings = host.api.workspace.getConfiguration();
    expect([settings.get('model'), settings.get('engines')]).toEqual([setting, [setting]]);
    expect(asked[0]).toMatch(new RegExp(`^Send texts to ${server.address}\\?\nTexts that you explain.*go nowhere else`));
    expect(textsAt(server)).toEqual([]);

    const [group] = (await host.tree().getChildren()).slice(-1);
    const [node] = await host.tree().getChildren(group);
    const item = await host.tree().getTreeItem(node);
    expect([item.label, item.contextValue]).toEqual([SERVED_NAME, 'model.engine.current']);
    expect(item.description).toBe(`current · ${new URL(server.address).host} · vllm 0.0.0-test · 64 tokens · 20 alternatives`);

    const before = asked.length;
    host.run('testEngine', node);
    await until(host, 'what it can do is said', () => asked.length > before);
    expect(asked.at(-1)).toContain(
      'vllm 0.0.0-test scores a text in one request, with 20 alternatives at each place. It reads 64 tokens at once. It returns no \
attention and no vectors, and the experts of each token only where it was started with --enable-return-routed-experts, as its answers \
show.',
    );
    host.window.showInputBox.mockResolvedValueOnce('secret');
    host.run('setEngineKey', node);
    await until(host, 'the key is kept', () => host.secrets.size === 1);
    expect([...host.secrets]).toEqual([[`engineKey ${server.address}`, 'secret']]);
    host.run('removeModel', node);
    await until(host, 'it is gone', () => settings.get('engines') === undefined);
    await turns(5);
    expect([settings.get('model'), host.secrets.size, host.errors()]).toEqual([undefined, 0, []]);
  });

  it('whose key is wanted says so; the key goes to its address', async () => {
    const host = await startHost({ engines: [] });
    const server = await serve('vllm', { key: 'secret' });
    agreeTo(host, 'Send texts to');
    await addEngine(host, server.address);
    expect(host.errors()).toEqual([expect.stringContaining('wants a key (401): set the one for this address.')]);
    host.secrets.set(`engineKey ${server.address}`, 'secret');
    // The connection without the key is gone with the setting.
    host.set('engineRequests', 4);
    await addEngine(host, server.address);
    expect([host.api.workspace.getConfiguration().get('model'), server.keys.at(-1)]).toEqual([
      `${server.address}#${SERVED_NAME}`,
      'Bearer secret',
    ]);
  });

  it('LM Studio scores no text as it is given: it is not taken, with the reason', async () => {
    const host = await startHost();
    const server = await serve('lm studio');
    agreeTo(host, 'Send texts to');
    await addEngine(host, server.address);
    expect(host.errors()).toEqual([expect.stringContaining('puts the text into the model’s chat template.')]);
    expect(host.api.workspace.getConfiguration().get('model')).toBeUndefined();
  });

  it('Ollama is taken where the file of its model is here, by the hash of its weights', async () => {
    const host = await startHost();
    const server = await serve('ollama');
    agreeTo(host, 'Send texts to', 'Send ');
    // A model of the same name is no proof.
    host.found.push({ source: 'ollama', name: `${SERVED_NAME}:latest`, aliases: [], path: '/models/other', bytes: 1 });
    await addEngine(host, server.address);
    expect(host.errors()).toEqual([expect.stringContaining('tells no tokens, so its model’s own file is needed on this machine')]);
    expect(textsAt(server)).toEqual([]);
    host.found.push({ source: 'ollama', name: 'another', aliases: [], path: `/blobs/sha256-${SERVED_HASH}`, bytes: 1 });
    host.run('refreshModels');
    await addEngine(host, server.address);
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    const shown = lastExplanation(host);
    const { ids, tokens } = served.tokenizer.encode(FIRST);
    const after = await served.after([...ids]);
    expect(shown?.tokens.map(({ id, start, end }) => [id, start, end])).toEqual(tokens.map(({ id, start, end }) => [id, start, end]));
    for (const [index, id] of ids.entries()) {
      const rank = after[index - 1]?.rank(id) ?? 0;
      const own = shown?.logprob[index] ?? NaN;
      if (Number.isNaN(own)) continue;
      expect(shown?.rank[index]).toBe(rank <= 20 ? rank : 0);
      if (rank <= 20) expect(Math.abs(own - (after[index - 1]?.logprob(id) ?? NaN))).toBeLessThan(1e-4);
      else expect(own).toBeGreaterThan(after[index - 1]?.logprob(id) ?? NaN);
    }
    expect(shown?.model.served).toMatchObject({ engine: 'ollama', requestEach: true, listedAlone: true });
    host.run('explainFile');
    await until(host, 'a file is refused', () => host.errors().length > 1);
    expect(host.errors().at(-1)).toContain('a whole file would take a request for each of its tokens');
    // Bits that are not known are not compared.
    host.select(host.shown, FIRST.length + 2, host.document.text.length);
    host.run('compareWith');
    await until(host, 'the comparison is refused', () =>
      host.posted().some((message) => message.type === 'comparing' && message.work.kind === 'failed'),
    );
    expect(JSON.stringify(host.posted().findLast(({ type }) => type === 'comparing'))).toContain(
      'tells the probabilities of its likeliest tokens alone',
    );
  });

  it('an address that is none is refused in a sentence', async () => {
    const host = await startHost();
    await addEngine(host, 'localhost:8000');
    expect(host.errors()).toEqual(['localhost:8000 is not the address of an engine, such as http://localhost:8000.']);
  });
});

describe('a text that an engine reads', () => {
  it.each(['vllm', 'sglang', 'tgi', 'openai-compatible'] as const)('%s: the panel’s numbers are those of the model here', async (kind) => {
    const server = await serve(kind);
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}`, candidates: 5 });
    agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    const { explanation: found } = shown(host);
    const { ids, tokens } = served.tokenizer.encode(FIRST);
    const { logprob, topIds, topProbs } = await predict(
      served.model,
      lastResidual(await served.model.run(runOf(ids, UNCHANGED))),
      ids,
      5,
      () => undefined,
    );
    expect(found.tokens.map(({ start, end, text }) => [start, end, text])).toEqual(
      tokens.map(({ start, end, text }) => [start, end, text]),
    );
    for (let i = 1; i < logprob.length; i++) expect(Math.abs((found.logprob[i] ?? NaN) - (logprob[i] ?? NaN))).toBeLessThan(1e-4);
    expect([Number.isNaN(found.logprob[0]), found.entropy.every(Number.isNaN), found.model.served?.address]).toEqual([
      true,
      true,
      server.address,
    ]);
    if (kind === 'tgi') return expect(found.topK).toBe(0);
    expect(found.topK).toBe(5);
    for (let i = 0; i < tokens.length * 5; i++) expect(Math.abs((found.topProbs[i] ?? NaN) - (topProbs[i] ?? NaN))).toBeLessThan(1e-4);
    const local = Array.from(topIds, (id) => served.text(id));
    expect(Array.from(found.topIds, (id) => found.pieces[id])).toEqual(local);
    // Where ids are not told, what follows is still found among the alternatives.
    const row = Array.from(found.topIds.subarray(0, 5));
    if (local.slice(0, 5).includes(served.text(ids[1] ?? 0))) expect(row).toContain(found.tokens[1]?.id);
  });

  it('its hover has what was returned, and the address; nothing is sent by selecting, hovering or restoring the panel', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}`, candidates: 5 });
    const asked = agreeTo(host);
    await host.explain();
    await until(host, 'it is asked', () => asked.length > 0);
    await until(host, 'it is cancelled', () => host.outcome()?.type === 'cancelled');
    expect(textsAt(server)).toEqual([]);

    agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    const sent = textsAt(server).length;
    const text = host.hovers
      .map(({ provideHover }) => provideHover(host.document, host.document.positionAt(5))?.contents.value ?? '')
      .join('');
    expect(text).toContain(`Model: \`${SERVED_NAME}\`, at \`${server.address}\``);
    expect(text).toMatch(/entropy at least \d+\.\d\d bits/);
    expect(text).not.toMatch(/NaN|id -/);
    host.select(host.shown, 14, 20);
    await host.turnTime(1000);
    expect(textsAt(server).length).toBe(sent);
    const nearest = host.posted().filter(({ type }) => type === 'nearest');
    expect(nearest).toEqual([{ type: 'nearest', name: 'Bundled model' }]);
  });

  it('views that need the inside are told that it is not returned', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    const { serial } = shown(host);
    host.say({
      type: 'query',
      id: 1,
      serial,
      query: { name: 'attention', args: { layer: 0, head: 0 } },
    });
    await until(host, 'it is answered', () => host.posted().some(({ type }) => type === 'replyError'));
    expect(host.posted().find(({ type }) => type === 'replyError')).toMatchObject({
      message: `${new URL(server.address).host} (vllm) does not return what this shows: a model on this machine does.`,
    });
    host.say({
      type: 'query',
      id: 2,
      serial,
      query: {
        name: 'servedGeneration',
        args: { written: null, sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 0, tokens: 3, alternatives: 4 },
      },
    });
    await until(host, 'it is written on', () => host.posted().some(({ type }) => type === 'reply'));
    const reply = host.posted().find((message) => message.type === 'reply');
    if (reply?.type !== 'reply') throw new Error('No reply.');
    const { tokens } = reply.result as { tokens: readonly { text: string; prob: number; top: readonly unknown[] }[] };
    const ids = served.encode(FIRST);
    const [best] = (await served.after(ids, ids.length - 1))[0]?.top(1) ?? [];
    expect([tokens.length, tokens[0]?.text, tokens[0]?.top.length]).toEqual([3, served.text(best?.id ?? -1), 4]);
    expect(Math.abs((tokens[0]?.prob ?? NaN) - Math.exp(best?.logprob ?? NaN))).toBeLessThan(1e-4);
    // It goes on after what was written, or taken in its place.
    host.say({
      type: 'query',
      id: 3,
      serial,
      query: {
        name: 'servedGeneration',
        args: { written: ' And', sampling: { temperature: 0, topK: 0, topP: 1, minP: 0 }, seed: 1, tokens: 1, alternatives: 4 },
      },
    });
    await until(host, 'it goes on', () => host.posted().filter(({ type }) => type === 'reply').length > 1);
    expect(JSON.parse(server.bodies.at(-1) ?? '')).toMatchObject({ prompt: `${FIRST} And`, max_tokens: 1 });
  });

  it('what vLLM tells of experts, and SGLang of vectors, is that of the model', async () => {
    const routed = await openRoutedModel();
    const ids = routed.encode(FIRST);
    const trace = await routed.model.run(runOf(Int32Array.from(ids), UNCHANGED));
    const reader = async (kind: EngineKind) => {
      const server = await serve(kind, {}, routed);
      const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
      agreeTo(host, 'Send texts to');
      await host.explain();
      await until(host, 'the text is shown', () => isShown(host));
      const { serial, notices } = shown(host);
      const ask = async (id: number, query: Query): Promise<unknown> => {
        host.say({ type: 'query', id, serial, query });
        const isIt = (message: HostMessage): boolean => (message.type === 'reply' || message.type === 'replyError') && message.id === id;
        await until(host, 'it is answered', () => host.posted().some(isIt));
        const found = host.posted().find(isIt);
        return found?.type === 'reply' ? found.result : found?.type === 'replyError' ? found.message : undefined;
      };
      return { server, host, notices, ask };
    };
    const vllm = await reader('vllm');
    const experts = { layer: 2, count: expect.any(Number) as number, chosen: 2, ids: trace.experts?.[2]?.ids, weights: null };
    expect(await vllm.ask(1, { name: 'experts', args: { layer: 2 } })).toEqual(experts);
    expect(await vllm.ask(2, { name: 'experts', args: { layer: 0 } })).toContain('Layer 0 has no experts');
    expect(await vllm.ask(3, { name: 'projection', args: { layer: 0, skipFirst: true } })).toContain('does not return what this shows');

    const sglang = await reader('sglang');
    expect(sglang.notices.join(' ')).toContain('cannot be told from the numbers of 12 tokens');
    const before = sglang.server.paths.length;
    const vectors = tensor([ids.length, routed.model.info.dim], Float32Array.from((await routed.hidden(ids)).flat()));
    const projection = { layer: 0, ...principalComponents(vectors, true), leftOut: 1 };
    expect(await sglang.ask(1, { name: 'projection', args: { layer: 5, skipFirst: true } })).toEqual(projection);
    const { cosines } = (await sglang.ask(2, { name: 'similarity', args: { layer: 0, frame: 'stored' } })) as Similarity;
    expect(cosines).toEqual(cosineMatrix(vectors));
    expect(await sglang.ask(3, { name: 'similarity', args: { layer: 0, frame: 'centred' } })).not.toEqual(cosines);
    // All three are answered by what was asked for once.
    expect(sglang.server.paths.slice(before)).toEqual(['/generate']);
    await routed.model.dispose();
  });

  it('one request a token is sent only once the user has agreed to their number', async () => {
    const server = await serve('llama.cpp');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    const asked = agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'it is cancelled', () => host.outcome()?.type === 'cancelled');
    const count = served.encode(FIRST).length - 1;
    expect(asked.at(-1)).toMatch(
      new RegExp(`^Send ${count} requests to .*\\?\nllama.cpp returns .* One took \\d+ ms: all take about \\d+ seconds`),
    );
    expect(server.paths.filter((path) => path === '/completion').length).toBe(1);
    agreeTo(host, 'Send ');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    expect(lastExplanation(host)?.tokens.length).toBe(count + 1);
  });

  it.each(['vllm', 'tgi', 'openai-compatible'] as const)(
    '%s: it is saved as a report without asking again, and read again by the engine alone',
    async (kind) => {
      const server = await serve(kind);
      const setting = `${server.address}#${SERVED_NAME}`;
      const host = await startHost({ model: setting, candidates: 5, engines: [setting] });
      putReportPage(host);
      agreeTo(host, 'Send texts to');
      await host.explain();
      await until(host, 'the text is shown', () => isShown(host));
      // What it has written is its answer to one question, and would be another one now.
      const sampling = { temperature: 1, topK: 0, topP: 1, minP: 0 };
      const query = { name: 'servedGeneration', args: { written: null, sampling, seed: 1, tokens: 2, alternatives: 4 } } as const;
      host.say({ type: 'query', id: 1, serial: shown(host).serial, query });
      await until(host, 'it is written on', () => host.posted().some(({ type }) => type === 'reply'));
      const sent = server.paths.length;
      host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/saved/served.tokens.html'));
      host.run('saveReport');
      await turns(20);
      host.say({ type: 'view', view: { selected: 2, tab: 'predictions' } });
      await until(host, 'it is saved', () => host.files.has('/saved/served.tokens.html'));
      expect([server.paths.length, host.picks.length, host.errors()]).toEqual([sent, 0, []]);

      const file = new TextDecoder().decode(host.files.get('/saved/served.tokens.html'));
      const { head, shown: kept, answers } = await readReport(file, 'served.tokens.html');
      const { explanation } = shown(host);
      expect(head).toMatchObject({ model: { name: SERVED_NAME, family: kind, files: [] }, text: FIRST, kept: [], tokens: [] });
      expect([head.ids, answers]).toEqual([[...explanation.run.ids], []]);
      const { run: _run, model, ...numbers } = explanation;
      expect(kept.explanation).toMatchObject(numbers);
      expect(kept.explanation.model).toEqual({ ...model, served: { ...model.served, address: '' } });

      const panel = await host.openCustom('/saved/served.tokens.html');
      panel.say({ type: 'ready' });
      panel.say({ type: 'query', id: 7, serial: kept.serial, query: { name: 'attention', args: { layer: 0, head: 0 } } });
      panel.say({ type: 'command', name: 'readHere' });
      expect(panel.posted.slice(-2)).toMatchObject([{ message: 'Not kept in this report.' }, { type: 'needsModel' }]);
      expect(server.paths.length).toBe(sent);
      // By the engine of its model where the one in use is here, and by none where it is gone.
      const readAgain = () => panel.posted.filter((message) => message.type === 'readAgain');
      for (const [time, now] of [setting, ''].entries()) {
        host.set('model', now);
        panel.say({ type: 'readAgain' });
        await until(host, 'it is read again', () => readAgain().length > time);
      }
      for (const { model: by, differences } of readAgain()) {
        expect([by, differences.filter(({ share }) => share !== 0)]).toEqual([SERVED_NAME, []]);
        expect(differences.map(({ quantity }) => quantity).toSorted()).toEqual(
          ['ids', 'logprob', 'rank', 'topIds', 'topProbs']
            .filter((name) => kind !== 'tgi' || !name.startsWith('top'))
            .map((name) => `tokens.${name}`),
        );
      }
      expect(server.paths.length).toBeGreaterThan(sent);
      host.set('engines', []);
      panel.say({ type: 'readAgain' });
      await until(host, 'it is refused', () => host.errors().length > 0);
      expect(host.errors()).toEqual([
        `served.tokens.html was read by ${SERVED_NAME}, served by ${kind}: add that engine to read it again.`,
      ]);
    },
  );

  it('a report of a model here is sent to no engine: where that model is not in the list, it is said', async () => {
    const host = await startHost();
    putReportPage(host);
    await host.explain();
    await host.settle();
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/saved/here.tokens.html'));
    host.run('saveReport');
    await turns(20);
    host.say({ type: 'view', view: {} });
    await host.settle();
    host.picks[0]?.tick([]);
    host.picks[0]?.acceptTicked();
    await until(host, 'it is saved', () => host.files.has('/saved/here.tokens.html'));
    const server = await serve('vllm');
    const panel = await host.openCustom('/saved/here.tokens.html');
    panel.say({ type: 'ready' });
    host.set('model', `${server.address}#${SERVED_NAME}`);
    panel.say({ type: 'readAgain' });
    await until(host, 'it is refused', () => host.errors().length > 0);
    expect(host.errors()).toEqual([
      'here.tokens.html holds more than an engine returns: choose a model on this machine to read it again, best llama.',
    ]);
    expect([textsAt(server), panel.posted.filter(({ type }) => type === 'readAgain')]).toEqual([[], []]);
  });

  it('that is longer than it reads at once is read by windows, and another one by a command alone', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}`, candidates: 5 });
    agreeTo(host, 'Send texts to');
    const text = 'the cat sat on a mat and looked at you. '.repeat(12);
    host.document.text = text;
    await host.explain(0, text.length);
    await until(host, 'the text is shown', () => isShown(host));
    const { ids } = served.tokenizer.encode(text);
    const isWindow = async (index: number): Promise<void> => {
      const shown = lastExplanation(host);
      if (shown?.window === undefined) throw new Error('No window is shown.');
      const { begin, end, start, stop } = shown.window.windows[index] ?? { begin: 0, end: 0, start: 0, stop: 0 };
      expect([shown.window.index, shown.omitted, shown.window.tokens]).toEqual([index, 0, ids.length]);
      expect([shown.text, [...shown.run.ids]]).toEqual([text.slice(start, stop), [...ids.subarray(begin, end)]]);
      const own = ids.slice(begin, end);
      const expected = await predict(served.model, lastResidual(await served.model.run(runOf(own, UNCHANGED))), own, 5, () => undefined);
      expect(shown.logprob[0]).toBeNaN();
      for (let i = 1; i < own.length; i++) expect(Math.abs((shown.logprob[i] ?? NaN) - (expected.logprob[i] ?? NaN))).toBeLessThan(1e-4);
      // What may follow it too.
      const last = (own.length - 1) * 5;
      for (let i = last; i < last + 5; i++) expect(Math.abs((shown.topProbs[i] ?? NaN) - (expected.topProbs[i] ?? NaN))).toBeLessThan(1e-4);
    };
    await isWindow(0);
    const before = textsAt(server).length;
    host.select(host.shown, text.length, text.length);
    await host.turnTime(2000);
    expect(textsAt(server).length).toBe(before);
    host.say({ type: 'window', serial: host.posted().findLast((message) => message.type === 'explanation')?.shown.serial ?? -1, index: 2 });
    await until(host, 'the window is shown', () => lastExplanation(host)?.window?.index === 2);
    await isWindow(2);
    // The file itself was not asked for.
    await host.turnTime(2000);
    expect(host.statusItems.get('explainTokens.file')).toBeUndefined();
  });

  it.each([
    ['500', /answers with error 500: CUDA out of memory/],
    ['cut off', /./],
    ['no json', /is cut off, or no JSON/],
    ['wrong ids', /answers about other tokens/],
    ['another model', /answers with the model someone\/else/],
  ] as const)('a server that does “%s” is told in a sentence', async (fault, sentence) => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    server.fault = fault;
    await host.explain();
    await until(host, 'it failed', () => host.outcome()?.type === 'failure');
    const failed = host.outcome();
    expect(failed?.type === 'failure' ? failed.message : '').toMatch(sentence);
  });

  it('is cancelled while the engine is silent, and read when asked again', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    server.fault = 'silent';
    await host.explain();
    await until(host, 'it was sent', () => textsAt(server).length > 0);
    host.say({ type: 'cancel' });
    await until(host, 'it is cancelled', () => host.outcome()?.type === 'cancelled');
    await until(host, 'the requests are gone', () => server.open.now === 0);
    expect(isShown(host)).toBe(false);
    server.fault = null;
    host.run('runAgain');
    await until(host, 'the text is shown', () => isShown(host));
  });
});

describe('a whole file that an engine reads', () => {
  it.each(['vllm', 'sglang'] as const)('%s: windows side by side, to the bits of the model here', async (kind) => {
    const server = await serve(kind);
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}`, lineSums: true, stride: 24 });
    agreeTo(host, 'Send texts to');
    host.document.text = Array.from({ length: 12 }, (_, i) => `the cat ${i} sat on a mat of ${kind}.`).join('\n');
    host.select(host.shown, 0, 0);
    // The file is not read where windows wait for each other.
    server.together = 2;
    host.run('explainFile');
    await until(host, 'the file is read', () => /^\$\(graph\) \d/.test(host.statusItems.get('explainTokens.file')?.text ?? ''));
    await until(host, 'its lines are summed', () => sums(host).length === 12);
    const { ids, tokens } = served.tokenizer.encode(host.document.text);
    const { logprob } = await scoreText(served.model, runOf(ids, UNCHANGED), { length: 63, stride: 24 }, UNWATCHED);
    let totals = NO_SCORES;
    for (const [index, token] of tokens.entries()) totals = withToken(totals, token, logprob[index] ?? NaN);
    expect(host.statusItems.get('explainTokens.file')?.text).toContain(`${bitsPerByte(totals).toFixed(3)} bits/byte`);
    const { length } = textsAt(server);
    const windowsRead = (): number => server.bodies.filter((body) => /"(prompt|input_ids)":\[/.test(body)).length;
    const read = windowsRead();
    // An edit sends nothing by itself.
    host.select(host.shown, host.document.text.length, host.document.text.length);
    host.type(host.shown, ' again');
    await host.turnTime(5000);
    expect(textsAt(server).length).toBe(length);
    // Only the window that holds the new end is asked for again, but for SGLang, which tells what tokens spell with their scores alone.
    host.run('explainFile');
    await until(host, 'the file is read again', () => windowsRead() > read && sums(host).length === 12);
    await host.turnTime(5000);
    expect(windowsRead() - read).toBe(kind === 'vllm' ? 1 : read + 1);
  });

  it('waits as long as the engine asks for', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    server.busy = 3;
    server.retryAfter = '1';
    host.document.text = 'the cat sat on a mat and looked at you.\n'.repeat(20);
    host.select(host.shown, 0, 0);
    host.run('explainFile');
    await until(host, 'the file is read', () => /^\$\(graph\) \d/.test(host.statusItems.get('explainTokens.file')?.text ?? ''));
    expect([server.busy, host.errors()]).toEqual([0, []]);
  });

  it('is not read by one request a token: the reason is said', async () => {
    const server = await serve('llama.cpp');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    host.run('explainFile');
    await until(host, 'it is refused', () => host.errors().length > 0);
    expect(host.errors()).toEqual([expect.stringContaining('a whole file would take a request for each of its tokens')]);
  });
});

describe('what an engine cannot do', () => {
  it('a file is not asked about again where the user did not agree, and attention is refused in a sentence', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    const asked = agreeTo(host);
    host.run('explainFile');
    await until(host, 'it is refused', () => host.errors().length > 0);
    await host.turnTime(3000);
    expect([asked.length, host.errors(), textsAt(server)]).toEqual([1, [expect.stringContaining('you did not agree to it')], []]);
    const told = agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    host.run('toggleAttention');
    await until(host, 'it is said', () => told.some((text) => text.startsWith('This engine does not return attention weights')));
  });

  it('two texts that it reads are compared without the distance of their distributions', async () => {
    const server = await serve('vllm');
    const host = await startHost({ model: `${server.address}#${SERVED_NAME}` });
    agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => isShown(host));
    host.select(host.shown, FIRST.length + 2, host.document.text.length);
    host.run('compareWith');
    await until(host, 'they are compared', () =>
      host.posted().some((message) => message.type === 'comparison' && message.comparison !== null),
    );
    const found = host.posted().findLast((message) => message.type === 'comparison');
    expect(found).toMatchObject({ comparison: { kind: 'text', divergence: null, sameVocabulary: true } });
  });
});

describe('a comparison with an engine', () => {
  it('has both models’ surprisal, and no distance of distributions', async () => {
    const server = await serve('vllm');
    const host = await startHost({ engines: [`${server.address}#${SERVED_NAME}`] });
    agreeTo(host, 'Send texts to');
    await host.explain();
    await until(host, 'the text is shown', () => lastExplanation(host) !== undefined);
    host.run('compareModel');
    await until(host, 'models are listed', () => (host.picks.at(-1)?.items.length ?? 0) > 3);
    const pick = host.picks.at(-1);
    pick?.accept((pick.items as readonly { readonly label: string }[]).find(({ label }) => label.endsWith(SERVED_NAME)));
    await until(host, 'it is compared', () =>
      host.posted().some((message) => message.type === 'comparison' && message.comparison !== null),
    );
    const found = host.posted().findLast((message) => message.type === 'comparison');
    if (found?.type !== 'comparison' || found.comparison === null) throw new Error('There is no comparison.');
    expect([found.comparison.divergence, found.comparison.explanation.model.served?.engine]).toEqual([null, 'vllm']);
  });
});

it('agents are told where texts went, and what was not returned', async () => {
  const server = await serve('vllm');
  type Tool = { invoke(options: object, token: object): Promise<{ readonly content: readonly { readonly value: string }[] }> };
  const tools = new Map<string, Tool>();
  class Kept {
    readonly content: unknown;
    readonly value: unknown;
    constructor(content: unknown) {
      this.content = this.value = content;
    }
  }
  const host = await startHost(
    { model: `${server.address}#${SERVED_NAME}` },
    {
      lm: { registerTool: (name: string, tool: Tool) => (tools.set(name, tool), { dispose: () => undefined }) },
      LanguageModelToolResult: Kept,
      LanguageModelTextPart: Kept,
    },
  );
  agreeTo(host, 'Send texts to');
  const ask = async (name: string, input: object): Promise<Record<string, unknown>> => {
    const token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => undefined }) };
    let answer: string | undefined;
    let failed: unknown;
    tools
      .get(`explain-tokens_${name}`)
      ?.invoke({ input }, token)
      .then(
        ({ content }) => (answer = content[0]?.value),
        (error: unknown) => (failed = error),
      );
    await until(host, `${name} is answered`, () => answer !== undefined || failed !== undefined);
    if (answer === undefined) throw failed;
    return JSON.parse(answer) as Record<string, unknown>;
  };
  const where = { engine: 'vllm', textSentTo: server.address };
  const next = await ask('next_tokens', { text: FIRST, top: 3 });
  expect(next).toMatchObject(where);
  expect([(next['next'] as readonly unknown[]).length, typeof next['entropyBitsAtLeast'], next['entropyBits']]).toEqual([
    3,
    'number',
    undefined,
  ]);
  expect(await ask('score_text', { text: FIRST, by: 'token' })).toMatchObject({ ...where, tokens: served.encode(FIRST).length });
  expect(await ask('list_models', {})).toEqual({ models: [{ name: SERVED_NAME, engineAt: server.address }] });
  await expect(ask('lens', { text: FIRST })).rejects.toThrow(/./);
  await expect(ask('count_tokens', { text: FIRST })).rejects.toThrow('would have to be sent the text');
});

it('a panel that is restored sends nothing: it offers to run again', async () => {
  const server = await serve('vllm');
  const setting = `${server.address}#${SERVED_NAME}`;
  const host = await startHost({ model: setting });
  agreeTo(host, 'Send texts to');
  const source = { uri: FakeUri.file('/notes.md').toString(), start: 0, end: FIRST.length, label: 'notes.md' };
  const panel = host.api.window.createWebviewPanel();
  await host.revive(panel, { version: 1, source, text: FIRST, view: null });
  host.greet();
  await host.settle();
  expect([host.outcome()?.type, server.paths]).toEqual(['cancelled', []]);
});

describe('one text through many sizes', () => {
  it('is read by models here and at an engine, one after another; one whose size is not told is named', async () => {
    const server = await serve('vllm');
    const host = await startHost({ engines: [`${server.address}#${SERVED_NAME}`] });
    agreeTo(host, 'Send texts to');
    await host.useModels(['/models/other']);
    await host.explain();
    await until(host, 'the text is shown', () => lastExplanation(host) !== undefined);
    host.run('compareSizes');
    await until(host, 'models are listed', () => (host.picks.at(-1)?.items.length ?? 0) >= 2);
    const pick = host.picks.at(-1);
    pick?.tick(pick.items);
    pick?.acceptTicked();
    await until(host, 'they are compared', () => host.posted().some((message) => message.type === 'sizes' && message.open));
    const found = host.posted().findLast((message) => message.type === 'sizes' && message.open);
    if (found?.type !== 'sizes' || found.sizes === null) throw new Error('There are no sizes.');
    const { models, notices, text } = found.sizes;
    expect(text).toBe(FIRST);
    expect(models.length).toBe(2);
    expect(models.map(({ parameters }) => parameters)).toEqual(models.map(({ parameters }) => parameters).toSorted((a, b) => a - b));
    expect(notices).toEqual([`${SERVED_NAME} is left out: the engine does not tell how many parameters it has.`]);
    host.say({ type: 'closeSizes' });
    await turns(5);
    expect(host.posted().findLast(({ type }) => type === 'sizes')).toMatchObject({ sizes: null });
  });
});
