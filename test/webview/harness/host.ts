// Plays VS Code in a browser: holds the panel in a frame under its policy, and answers it from the fixture.
import type { HostMessage, PanelMessage } from '../../../src/protocol/messages.ts';
import { createFixture, type Fixture, type FixtureFile } from '../fixture.ts';
import { THEMES, type ThemeName } from './themes.ts';

declare global {
  interface Window {
    harness: { send(message: HostMessage): void; theme(name: ThemeName): void; readonly posted: PanelMessage[]; fixture: Fixture | undefined; ready: Promise<void> };
  }
}

const frame = document.querySelector('iframe');
if (frame === null) throw new Error('The harness has no frame.');
const options = new URLSearchParams(location.search);
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

async function loadFixture(): Promise<Fixture> {
  const [file, embedding] = await Promise.all([fetch('/fixture.json').then((answer) => answer.json() as Promise<FixtureFile>), fetch('/embedding').then((answer) => answer.arrayBuffer())]);
  return createFixture(file, new Uint16Array(embedding));
}

const ready = loadFixture().then((fixture) => {
  window.harness.fixture = fixture;
});
window.harness = { send, theme, posted, fixture: undefined, ready };
window.addEventListener('message', ({ data, source }: MessageEvent<PanelMessage>) => {
  if (source !== frame.contentWindow) return;
  posted.push(data);
  if (data.type === 'ready') {
    theme((options.get('theme') ?? 'dark') as ThemeName);
    void ready.then(() => {
      const { fixture } = window.harness;
      send({ type: 'init', strings: {}, language: options.get('language') ?? 'en' });
      if (fixture !== undefined && options.get('empty') === null) send({ type: 'explanation', shown: fixture.shown });
    });
  }
  if (data.type === 'query' && window.harness.fixture !== undefined) {
    try {
      send({ type: 'reply', id: data.id, serial: data.serial, result: window.harness.fixture.answer(data.query) });
    } catch (error) {
      send({ type: 'replyError', id: data.id, message: error instanceof Error ? error.message : String(error) });
    }
  }
});
