import { vscode } from './vscode.ts';
import type { ModelLocation, WorkerApi } from '../worker/api.ts';
import type { Connection } from '../worker/rpc.ts';
import { Disposable } from './disposable.ts';
import type { Downloads } from './downloads.ts';
import { folderUri, findModels, localPath } from '#platform';
import type { Log } from './log.ts';
import { ModelDescriber } from './modelDescriber.ts';
import { GROUPS, UNKNOWN, type Known, type ModelEntry } from './modelEntries.ts';
import { baseName } from './modelLocation.ts';
import { onSettingChange, readSettings, writeSetting } from './settings.ts';

const ADDED = 'models.added';
const NAMES = 'models.names';

export interface LibraryOptions {
  readonly downloads: Downloads;
  readonly connect: () => Promise<Connection<WorkerApi>>;
  readonly log: Log;
  /** Where a model's files are, by what the setting says. */
  readonly locate: (setting: string) => Promise<ModelLocation>;
  readonly state: vscode.Memento;
}

/** The models that can be chosen: of the extension, downloaded, added, and what other programs keep on this machine. Nothing is looked for before it is asked. */
export class ModelLibrary extends Disposable {
  readonly #options: LibraryOptions;
  readonly #changed = this.register(new vscode.EventEmitter<ModelEntry | undefined>());
  readonly #describer: ModelDescriber;
  readonly #known = new Map<string, Known>();
  #found: Promise<readonly ModelEntry[]> | undefined;

  /** Models came or went, or one of them was described. */
  readonly onDidChange = this.#changed.event;

  constructor(options: LibraryOptions) {
    super();
    this.#options = options;
    this.#describer = this.register(new ModelDescriber(options.connect, options.log, vscode.l10n.t));
    this.register(options.downloads.onDidChange(() => this.#changed.fire(undefined)));
    this.register(onSettingChange(['model'], () => this.#changed.fire(undefined)));
    this.register(onSettingChange(['runtime', 'nativeRuntime'], () => this.refresh()));
  }

  /** Every model, in the order of their groups; a model that is found twice is in the first. */
  async entries(): Promise<readonly ModelEntry[]> {
    const logged = (what: string) => (error: unknown): readonly ModelEntry[] => {
      this.#options.log.error(what, error);
      return [];
    };
    const [downloaded, found] = await Promise.all([this.#downloaded().catch(logged('Listing downloaded models')), this.#findOnce().catch(logged('Finding models'))]);
    const own = new Set(downloaded.map(({ setting }) => keyOf(setting)));
    const others = new Map([...found, ...this.#added()].map((entry) => [keyOf(entry.setting), entry]));
    const now = readSettings().model;
    const unlisted = now !== '' && !own.has(keyOf(now)) && !others.has(keyOf(now)) ? [this.#addedEntry(now)] : [];
    const all = [bundled(), ...downloaded, ...unlisted, ...[...others].flatMap(([key, entry]) => (own.has(key) ? [] : [entry]))];
    return all.toSorted((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.name.localeCompare(b.name));
  }

  /** What is known of a model so far. */
  known({ setting }: ModelEntry): Known {
    return this.#known.get(setting) ?? UNKNOWN;
  }

  /** Describes a model from its headers, where they can be read without all of the rest. */
  async describe(entry: ModelEntry): Promise<Known> {
    const { setting } = entry;
    if (setting !== '' && localPath(folderUri(setting)) === undefined) return UNKNOWN;
    const known = await this.#describer.describe(setting, () => this.#options.locate(setting));
    if (this.disposed || this.#known.get(setting) === known) return known;
    this.#known.set(setting, known);
    this.#changed.fire(entry);
    return known;
  }

  isCurrent({ setting }: ModelEntry): boolean {
    return keyOf(setting) === keyOf(readSettings().model);
  }

  /** What a model is called, where its place does not tell: a snapshot or a blob is named by a hash. */
  nameOf(setting: string): string | undefined {
    const names = this.#options.state.get<Readonly<Record<string, unknown>>>(NAMES, {});
    const name = names[setting];
    return typeof name === 'string' ? name : this.#downloadedName(setting);
  }

  /** Makes a model the current one. */
  async use({ setting, name, group }: Pick<ModelEntry, 'setting' | 'name' | 'group'>): Promise<void> {
    if (group !== 'bundled' && name !== baseName(folderUri(setting)) && this.nameOf(setting) !== name) {
      await this.#options.state.update(NAMES, { ...this.#options.state.get<object>(NAMES, {}), [setting]: name });
    }
    if (keyOf(setting) !== keyOf(readSettings().model)) await writeSetting('model', setting);
  }

  /** Puts a folder or file among the added ones. */
  async add(setting: string): Promise<ModelEntry> {
    const entry = this.#addedEntry(setting);
    const added = this.#addedSettings();
    if (!added.some((other) => keyOf(other) === keyOf(setting))) await this.#options.state.update(ADDED, [...added, setting]);
    this.#changed.fire(undefined);
    return entry;
  }

  /** Takes an added model off the list, or a downloaded one off the disk; the bundled model takes its place where it was in use. */
  async remove(entry: ModelEntry): Promise<void> {
    const wasCurrent = this.isCurrent(entry);
    if (wasCurrent) await writeSetting('model', '');
    if (entry.id !== undefined) await this.#options.downloads.remove(entry.id);
    else await this.#options.state.update(ADDED, this.#addedSettings().filter((setting) => keyOf(setting) !== keyOf(entry.setting)));
    this.#changed.fire(undefined);
  }

  /** Looks again, at everything. */
  refresh(): void {
    this.#found = undefined;
    this.#known.clear();
    this.#describer.forget();
    this.#changed.fire(undefined);
  }

  /** A download lies in a folder of its own, owner--name. */
  #downloadedName(setting: string): string | undefined {
    const { root } = this.#options.downloads;
    if (!setting.startsWith(root)) return undefined;
    const [folder = '', ...inside] = setting.slice(root.length).split(/[/\\]/).filter((part) => part !== '');
    return [folder.replace('--', '/'), ...inside].join('/');
  }

  async #downloaded(): Promise<readonly ModelEntry[]> {
    return (await this.#options.downloads.list()).map(({ id, path, bytes }) => ({ group: 'downloaded', setting: path, name: id, aliases: [], bytes, id }));
  }

  #findOnce(): Promise<readonly ModelEntry[]> {
    this.#found ??= findModels().then((models) => models.map(({ source, name, aliases, path, bytes }) => ({ group: source, setting: path, name, aliases, bytes })));
    return this.#found;
  }

  #added(): readonly ModelEntry[] {
    return this.#addedSettings().map((setting) => this.#addedEntry(setting));
  }

  #addedSettings(): readonly string[] {
    return this.#options.state.get<readonly unknown[]>(ADDED, []).filter((setting): setting is string => typeof setting === 'string' && setting !== '');
  }

  #addedEntry(setting: string): ModelEntry {
    return { group: 'added', setting, name: this.nameOf(setting) ?? baseName(folderUri(setting)), aliases: [], bytes: null };
  }
}

function bundled(): ModelEntry {
  return { group: 'bundled', setting: '', name: vscode.l10n.t('Bundled model'), aliases: [], bytes: null };
}

/** Equal for settings that name the same model in other words. */
function keyOf(setting: string): string {
  return setting === '' ? '' : folderUri(setting).toString();
}
