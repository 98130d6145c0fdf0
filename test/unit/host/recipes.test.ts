import { afterEach, describe, expect, it } from 'vitest';
import type { Recipe } from '../../../src/core/run.ts';
import type { ShownExplanation } from '../../../src/protocol/messages.ts';
import { FakeUri, type FakePanel } from './fakeEditor.ts';
import { endHosts, FIRST, SECOND, shown, startHost, TEXT } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

const HEAD: Recipe = [{ kind: 'head', layer: 0, head: 1, action: 'zero' }];
const BOTH: Recipe = [...HEAD, { kind: 'key', key: 2, action: 'cut' }];

async function explained(): Promise<Host> {
  const host = await startHost();
  await host.explain();
  await host.settle();
  return host;
}

async function change(host: Host, recipe: Recipe): Promise<ShownExplanation> {
  host.say({ type: 'recipe', serial: shown(host).serial, recipe });
  await host.settle();
  return shown(host);
}

const answerOf = async (host: Host, recipe: Recipe) => {
  const { serial } = await change(host, recipe);
  host.say({ type: 'query', id: 90, serial, query: { name: 'distribution', args: { position: 5 } } });
  await host.settle();
  const reply = host.posted().findLast((message) => message.type === 'reply');
  return reply?.type === 'reply' ? reply.result : expect.fail('There is no answer.');
};

describe('interventions that the page asks for', () => {
  it('make the explanation again, and all that is asked of it', async () => {
    const host = await explained();
    const before = shown(host).explanation;
    const plain = await answerOf(host, []);
    const { explanation } = await change(host, BOTH);
    expect(explanation.run.recipe).toEqual(BOTH);
    expect(Array.from(explanation.logprob.slice(1))).not.toEqual(Array.from(before.logprob.slice(1)));
    expect(await answerOf(host, HEAD)).not.toEqual(plain);
    // Without them everything is as it was, to the bit.
    const back = await change(host, []);
    expect(Array.from(back.explanation.logprob.slice(1))).toEqual(Array.from(before.logprob.slice(1)));
    expect(await answerOf(host, [])).toEqual(plain);
    expect(host.errors()).toEqual([]);
  });

  it('are said in the hover and in the status bar, so that no number passes for the model’s own', async () => {
    const host = await explained();
    const hover = (): string => JSON.stringify(host.hovers[0]?.provideHover(host.document, host.document.positionAt(5)));
    expect(hover()).not.toContain('intervention');
    await change(host, BOTH);
    expect(hover()).toContain('2 interventions on the model are on: these are not its own numbers.');
    await change(host, HEAD);
    expect(hover()).toContain('1 intervention on the model is on: these are not its own numbers.');
  });

  it('stay for another text, without what names one of the first text’s tokens', async () => {
    const host = await explained();
    await change(host, BOTH);
    await host.explain(TEXT.indexOf(SECOND), TEXT.length);
    await host.settle();
    expect(shown(host).explanation.text).toBe(SECOND);
    expect(shown(host).explanation.run.recipe).toEqual(HEAD);
  });

  it('stay as they are for a longer text that begins the same', async () => {
    const host = await explained();
    await change(host, BOTH);
    await host.explain(0, TEXT.length);
    await host.settle();
    expect(shown(host).explanation.text).toBe(TEXT);
    expect(shown(host).explanation.run.recipe).toEqual(BOTH);
  });

  it('are gone with another model, whose heads are other ones', async () => {
    const host = await explained();
    await change(host, HEAD);
    host.set('model', '/models/other');
    await host.settle();
    expect(shown(host).explanation.model.name).not.toBe('llama');
    expect(shown(host).explanation.run.recipe).toEqual([]);
  });

  it('that are cancelled leave those on show in force', async () => {
    const host = await explained();
    await change(host, HEAD);
    const moment = host.workers.onceAt(0, () => host.say({ type: 'cancel' }));
    await change(host, BOTH);
    expect([moment.came, host.outcome()?.type]).toEqual([true, 'cancelled']);
    host.run('runAgain');
    await host.settle();
    expect(shown(host).explanation.run.recipe).toEqual(HEAD);
  });

  it('of an explanation that is no longer shown do nothing', async () => {
    const host = await explained();
    host.say({ type: 'recipe', serial: shown(host).serial + 1, recipe: HEAD });
    await host.settle();
    expect(shown(host).explanation.run.recipe).toEqual([]);
  });

  it('end with the panel, and come back with a panel that is restored', async () => {
    const host = await explained();
    const { source } = await change(host, HEAD);
    host.panel().dispose();
    await host.explain();
    await host.settle();
    expect(shown(host).explanation.run.recipe).toEqual([]);
    const restored = async (model: string): Promise<Recipe> => {
      const made = (host.api.window as { createWebviewPanel(): FakePanel }).createWebviewPanel();
      await host.revive(made, { version: 1, source, text: FIRST, recipe: { model, steps: BOTH }, view: null });
      host.greet();
      await host.settle();
      return shown(host).explanation.run.recipe;
    };
    expect(await restored('llama')).toEqual(BOTH);
    expect(await restored('another')).toEqual([]);
  });
});

describe('a comparison under interventions', () => {
  const compared = (host: Host) => {
    const last = host.posted().findLast((message) => message.type === 'comparison');
    return (last?.type === 'comparison' ? last.comparison : null) ?? expect.fail('Nothing is compared.');
  };

  it('makes them on the second text too, as far as they are of it, and says what it leaves out', async () => {
    const host = await explained();
    await change(host, BOTH);
    host.select(host.shown, TEXT.indexOf(SECOND), TEXT.length);
    host.run('compareWith');
    await host.settle();
    expect(compared(host).explanation.run.recipe).toEqual(HEAD);
    expect(compared(host).notices).toContain(
      'Interventions that name a token behind the texts’ common beginning are made on the first text alone.',
    );
  });

  it('leaves another model alone, and says so', async () => {
    const host = await explained();
    await change(host, HEAD);
    await host.useModels(['/models/other']);
    host.run('compareModel');
    await host.settle();
    const pick = host.picks.at(-1) ?? expect.fail('There is no list.');
    pick.accept(pick.items.find((one) => JSON.stringify(one).includes('/models/other')) ?? expect.fail('The model is not listed.'));
    await host.settle();
    expect(compared(host).explanation.run.recipe).toEqual([]);
    expect(compared(host).notices).toContain('Interventions are on the first model alone: layers and heads of another one are other ones.');
  });
});

describe('a recipe’s file', () => {
  async function use(host: Host, content: string): Promise<void> {
    host.files.set('/recipes/a.recipe.json', new TextEncoder().encode(content));
    host.window.showOpenDialog.mockResolvedValueOnce([FakeUri.file('/recipes/a.recipe.json')]);
    host.say({ type: 'importRecipe', serial: shown(host).serial });
    await host.settle();
  }

  it('is opened as a document as the command line reads it, and read back', async () => {
    const host = await explained();
    host.say({ type: 'exportRecipe', recipe: BOTH });
    await host.settle();
    const [{ content, language } = { content: '', language: '' }] = host.untitled;
    expect(language).toBe('json');
    expect(JSON.parse(content)).toEqual({ version: 1, steps: BOTH });
    await use(host, content);
    expect(shown(host).explanation.run.recipe).toEqual(BOTH);
    expect(host.errors()).toEqual([]);
  });

  it.each([
    ['no recipe', 'a.recipe.json is not JSON.'],
    ['{"version":1,"steps":[{"kind":"head","layer":9,"head":0,"action":"zero"}]}', 'a.recipe.json, step 1: there is no layer 9'],
    ['{"version":1,"steps":[{"kind":"key","key":99,"action":"cut"}]}', 'a.recipe.json, step 1: position 99 is outside the text'],
  ])('that cannot be used here is refused in one sentence, and changes nothing (%s)', async (content, sentence) => {
    const host = await explained();
    const { serial } = shown(host);
    await use(host, content);
    expect(host.errors().join()).toContain(sentence);
    expect(shown(host).serial).toBe(serial);
  });
});
