// Plays VS Code in a browser: holds the panel in a frame under its policy, and answers it from the fixture.
import type { HostMessage, PanelMessage, ShownComparison, ShownExplanation } from '../../../src/protocol/messages.ts';
import type { PageQueryName, Query, QueryResult } from '../../../src/protocol/queries.ts';
import { createFixture, type Fixture, type FixtureFile } from '../fixture.ts';
import { largeComparison, largeFixture, largeSecond } from '../largeFixture.ts';
import { fromWire } from './wire.ts';
import { THEMES, type ThemeName } from './themes.ts';

declare global {
  interface Window {
    harness: {
      readonly send: (message: HostMessage) => void;
      readonly theme: (name: ThemeName) => void;
      readonly posted: PanelMessage[];
      fixture: Fixture | undefined;
    };
  }
}

const frame = document.querySelector('iframe');
if (frame === null) throw new Error('The harness has no frame.');
const options = new URLSearchParams(location.search);
// Here and not when a panel is left, which saves its state some time later. Reloaded, the page has what it kept.
if (options.has('forget')) {
  sessionStorage.clear();
  options.delete('forget');
  history.replaceState(null, '', `?${options}`);
}
const posted: PanelMessage[] = [];
const send = (message: HostMessage): void => frame.contentWindow?.postMessage(message, '*');

function theme(name: ThemeName): void {
  const page = frame?.contentDocument;
  if (page === null || page === undefined) return;
  const { bodyClass, variables } = THEMES[name];
  page.documentElement.removeAttribute('style');
  for (const [variable, value] of Object.entries(variables)) page.documentElement.style.setProperty(`--vscode-${variable}`, value);
  page.body.className = bodyClass;
}

const inFamily = options.get('family') !== null;

/** The bundled model's embedding table, which is fetched when a question needs it: few do, and it is the largest file of all. */
let embedding: Uint16Array;
let embeddingFetched: Promise<void> | undefined;
async function fetchEmbedding(): Promise<void> {
  const reply = await fetch('/embedding');
  embedding.set(new Uint16Array(await reply.arrayBuffer()));
}

async function answer(query: Query, side: 'second' | undefined): Promise<QueryResult<PageQueryName>> {
  if (!inFamily && query.name === 'distribution') await (embeddingFetched ??= fetchEmbedding());
  const { fixture } = window.harness;
  if (!inFamily && fixture !== undefined) return side === 'second' ? largeSecond(fixture, query) : fixture.answer(query);
  const reply = await fetch(`/?query=${encodeURIComponent(JSON.stringify(query))}${side === undefined ? '' : '&side=second'}`);
  const text = await reply.text();
  if (!reply.ok) throw new Error(text);
  return fromWire(text) as QueryResult<PageQueryName>;
}

async function loadFixture(): Promise<Fixture> {
  const file = (await fetch('/fixture.json').then((reply) => reply.json())) as FixtureFile;
  embedding = new Uint16Array(file.model.vocab * file.model.dim);
  const fixture = createFixture(file, embedding);
  const tokens = options.get('tokens');
  return tokens === null ? fixture : largeFixture(fixture, Number(tokens));
}

async function start(): Promise<void> {
  if (!inFamily) window.harness.fixture = await loadFixture();
}

async function explain(): Promise<void> {
  await ready;
  const { fixture } = window.harness;
  const language = options.get('language') ?? 'en';
  const strings = language === 'zh-cn' ? ((await fetch('/strings.json').then((answer) => answer.json())) as Record<string, string>) : {};
  send({ type: 'init', strings, language, follows: inFamily || options.get('empty') === null });
  if (inFamily) {
    send({ type: 'explanation', shown: fromWire(await fetch('/family.json').then((reply) => reply.text())) as ShownExplanation });
    if (options.get('alone') === null)
      send({
        type: 'comparison',
        comparison: fromWire(await fetch('/comparison.json').then((reply) => reply.text())) as ShownComparison | null,
      });
  } else if (fixture !== undefined && options.get('empty') === null) {
    send({ type: 'explanation', shown: fixture.shown });
    if (options.get('compared') !== null) send({ type: 'comparison', comparison: largeComparison(fixture.shown) });
  }
}

window.harness = { send, theme, posted, fixture: undefined };
const ready = start();
window.addEventListener('message', ({ data, source }: MessageEvent<PanelMessage>) => {
  if (source !== frame.contentWindow) return;
  posted.push(data);
  if (data.type === 'ready') {
    theme((options.get('theme') ?? 'dark') as ThemeName);
    void explain();
  }
  if (data.type === 'recipe' && inFamily)
    void fetch(`/?recipe=${encodeURIComponent(JSON.stringify(data.recipe))}`)
      .then((reply) => reply.text())
      .then((text) => send({ type: 'explanation', shown: fromWire(text) as ShownExplanation }));
  if (data.type === 'query' && (inFamily || window.harness.fixture !== undefined)) {
    answer(data.query, data.side).then(
      (result) => send({ type: 'reply', id: data.id, serial: data.serial, result }),
      (error: unknown) => send({ type: 'replyError', id: data.id, message: error instanceof Error ? error.message : String(error) }),
    );
  }
});
// Only now: a panel that is ready before anybody listens would wait for ever.
frame.src = '/panel';
