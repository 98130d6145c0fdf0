// The whole extension inside the test process, with a fake editor, the product's own engine as the worker, and fake timers.
import { vi } from 'vitest';
import { readFileSync } from 'node:fs';
import type { HostMessage, PanelMessage, ShownExplanation } from '../../../src/protocol/messages.ts';
import type { FoundModel } from '../../../src/library/found/foundApi.ts';
import { engineWorkers } from './engineWorkers.ts';
import { itemOf } from '../../closeness.ts';
import { fakeHub } from './fakeHub.ts';
import { FakeDocument, FakeUri, fakeVSCode, withEditor, type FakePanel } from './fakeEditor.ts';

/** Text of the document, and the two paragraphs in it. */
export const TEXT = 'the cat sat.\n\nanother one ran.';
export const FIRST = 'the cat sat.';
export const SECOND = 'another one ran.';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as object;
const running: { dispose(): void }[] = [];

/** Ends all hosts that were started; to be called after each test. */
export function endHosts(): void {
  for (const host of running.splice(0)) host.dispose();
  vi.useRealTimers();
  vi.doUnmock('../../../src/host/vscode.ts');
  vi.doUnmock('#platform');
}

/** The host's platform. */
interface Platform {
  findModels: () => Promise<readonly FoundModel[]>;
  [name: string]: unknown;
}

/** Starts the extension in a window with one document, in which `FIRST` is selected. `newer`: what only newer editors have. */
export async function startHost(settings: Readonly<Record<string, unknown>> = {}, newer: Readonly<Record<string, unknown>> = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  const editor = fakeVSCode(settings, newer);
  const hub = fakeHub();
  const found: FoundModel[] = [];
  const platform: Platform = {
    folderUri: FakeUri.file,
    localPath: (uri: FakeUri) => uri.fsPath,
    replaceFile: async (path: string, content: Uint8Array) => {
      const { fs } = editor.api.workspace;
      const partial = FakeUri.file(`${path}.partial`);
      try {
        await fs.writeFile(partial, content);
        await fs.rename(partial, FakeUri.file(path));
      } catch (error) {
        await fs.delete(partial);
        throw error;
      }
    },
    startWorker: async () => workers.start(),
    findModels: async () => found,
    loadHub: async () => hub.hub,
    nodeCommand: () => ({ command: 'node', env: {} }),
    engineSend: async () => nodeSend(english),
    hubEnvironment: () => ({ endpoint: undefined, token: undefined }),
  };
  const [{ activate }, { WorkerEndedError }, { UserError }, { nodeSend }, { english }] = await withEditor(
    editor.api,
    () =>
      Promise.all([
        import('../../../src/extension.ts'),
        import('../../../src/worker/rpc.ts'),
        import('../../../src/core/errors.ts'),
        import('../../../src/engines/engineHttp.node.ts'),
        import('../../../src/core/translatable.ts'),
      ]),
    platform,
  );
  const workers = await engineWorkers((reason) => new WorkerEndedError(reason));
  const kept = new Map<string, unknown>();
  const secrets = new Map<string, string>();
  const subscriptions: { dispose(): unknown }[] = [];
  activate({
    extension: { packageJSON: manifest },
    extensionUri: FakeUri.file('/extension'),
    globalStorageUri: FakeUri.file('/storage'),
    globalState: {
      get: (name: string, absent: unknown) => kept.get(name) ?? absent,
      update: async (name: string, value: unknown) => void kept.set(name, value),
    },
    secrets: {
      get: async (name: string) => secrets.get(name),
      store: async (name: string, value: string) => void secrets.set(name, value),
      delete: async (name: string) => void secrets.delete(name),
    },
    subscriptions,
  } as unknown as Parameters<typeof activate>[0]);
  const document = new FakeDocument('notes.md', TEXT);
  const shown = editor.open(document, 0, FIRST.length);

  /** Waits until workers have answered all calls and timers of some seconds have fired. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3;) {
      await turns(20);
      if (workers.isBusy()) {
        quiet = 0;
        continue;
      }
      await vi.advanceTimersByTimeAsync(1500);
      quiet = workers.isBusy() ? 0 : quiet + 1;
    }
  };
  const run = (command: string, ...args: readonly unknown[]): void => void editor.commands.get(`explainTokens.${command}`)?.(...args);
  const panel = (): FakePanel => {
    const last = editor.panels.at(-1);
    if (last === undefined) throw new Error('There is no panel.');
    return last;
  };
  /** Panels whose page has sent its "ready" message. */
  const greeted = new Set<FakePanel>();
  const greet = (): void => {
    for (const one of editor.panels.filter((each) => !greeted.has(each))) {
      greeted.add(one);
      one.say({ type: 'ready' });
    }
  };
  const explain = async (start = 0, end = FIRST.length): Promise<void> => {
    editor.select(shown, start, end);
    run('explain');
    while (editor.panels.length === 0 || editor.panels.every((one) => one.ended)) await turns(1);
    greet();
  };
  const host = {
    ...editor,
    workers,
    secrets,
    hub,
    /** Models of other programs that are found on the machine. */
    found,
    platform,
    /** The view of models. */
    tree: () => itemOf(editor.trees, 0),
    /** A UserError of the class in the host's own modules. */
    userError: (sentence: string) => new UserError(sentence),
    document,
    shown,
    settle,
    /** Lets timers of so many milliseconds fire. */
    turnTime: (ms: number) => vi.advanceTimersByTimeAsync(ms),
    run,
    panel,
    greet,
    explain,
    /** Adds models of other programs to the machine. */
    useModels: async (paths: readonly string[]): Promise<void> => {
      found.push(...paths.map((path): FoundModel => ({ source: 'lmStudio', name: path, aliases: [], path, bytes: 1000 })));
      run('refreshModels');
      await turns(5);
    },
    /** Sends a message as the open page. */
    say: (message: PanelMessage) => panel().say(message),
    posted: (): readonly HostMessage[] => editor.panels.flatMap(({ posted }) => posted),
    /** Texts of all explanations shown, in order. */
    texts: () =>
      editor.panels.flatMap(({ posted }) =>
        posted.flatMap((message) => (message.type === 'explanation' ? [message.shown.explanation.text] : [])),
      ),
    /** The last explanation, failure, cancellation or progress message of the newest panel. */
    outcome: () => editor.panels.at(-1)?.posted.findLast(({ type }) => ['explanation', 'failure', 'cancelled', 'progress'].includes(type)),
    errors: () => editor.window.showErrorMessage.mock.calls.map(([message]) => message),
    dispose: () => {
      for (const one of subscriptions.splice(0).toReversed()) one.dispose();
    },
  };
  running.push(host);
  return host;
}

/** The last explanation that was shown. */
export function shown(host: Pick<Awaited<ReturnType<typeof startHost>>, 'posted'>): ShownExplanation {
  const last = host.posted().findLast((message) => message.type === 'explanation');
  if (last?.type !== 'explanation') throw new Error('Nothing is shown.');
  return last.shown;
}

/** Waits for `count` turns of the event loop, in which pending messages are handled. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
