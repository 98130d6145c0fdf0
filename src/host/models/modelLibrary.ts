import { vscode } from '../vscode.ts';
import type { ModelLocation, WorkerApi } from '../../worker/workerApi.ts';
import type { Connection } from '../../worker/rpc.ts';
import { Disposable } from '../disposable.ts';
import type { Downloads } from './downloads.ts';
import { folderUri, findModels, localPath } from '#platform';
import type { Log } from '../log.ts';
import { ModelDescriber } from '../client/modelDescriber.ts';
import {
  engineModelIn,
  engineModelName,
  engineModelOf,
  engineSettingOf,
  isEngineSetting,
  type EngineModel,
} from '../../engines/engineSetting.ts';
import type { OpenedEngine } from '../../engines/openEngine.ts';
import type { Engines } from '../engines/engines.ts';
import { GROUPS, UNKNOWN, type Known, type ModelEntry } from './modelEntries.ts';
import { modelName } from './modelLocation.ts';
import { t } from '../say.ts';
import { onSettingChange, readSettings, writeSetting } from '../configuration.ts';

/** Key of the added models' settings in the extension's state. */
const ADDED = 'models.added';
/** Key of models' names by setting in the extension's state. */
const NAMES = 'models.names';

/** Parts of the extension that the library uses. */
export interface LibraryOptions {
  readonly engines: Engines;
  readonly downloads: Downloads;
  /** Starts a worker. */
  readonly connect: () => Promise<Connection<WorkerApi>>;
  readonly log: Log;
  /** Finds the files of the model that a value of `explainTokens.model` names. */
  readonly locate: (setting: string) => Promise<ModelLocation>;
  readonly state: vscode.Memento;
}

/**
 * All models that can be chosen: the bundled one, downloaded and added ones, and those of other programs on this machine. Nothing is
 * searched for before it is asked for.
 */
export class ModelLibrary extends Disposable {
  readonly #options: LibraryOptions;
  readonly #changed = this.register(new vscode.EventEmitter<ModelEntry | undefined>());
  readonly #describer: ModelDescriber;
  readonly #known = new Map<string, Known>();
  #found: Promise<readonly ModelEntry[]> | undefined;

  /** Fires with a model that was described, or with undefined when the list or the current model may have changed. */
  readonly onDidChange = this.#changed.event;

  constructor(options: LibraryOptions) {
    super();
    this.#options = options;
    this.#describer = this.register(new ModelDescriber(options.connect, options.log, t));
    this.register(options.downloads.onDidChange(() => this.#changed.fire(undefined)));
    this.register(onSettingChange(['model', 'engines'], () => this.#changed.fire(undefined)));
    this.register(onSettingChange(['runtime', 'nativeRuntime', 'executionProvider'], () => this.refresh()));
  }

  /** All models, sorted by group and name. A model of several groups is listed in the first of them. */
  async entries(): Promise<readonly ModelEntry[]> {
    const logged =
      (what: string) =>
      (error: unknown): readonly ModelEntry[] => {
        this.#options.log.error(what, error);
        return [];
      };
    const [downloaded, found] = await Promise.all([
      this.#downloaded().catch(logged('Listing downloaded models')),
      this.#findOnce().catch(logged('Finding models')),
    ]);
    const own = new Set(downloaded.map(({ setting }) => keyOf(setting)));
    const others = new Map([...found, ...this.#added(), ...this.#served()].map((entry) => [keyOf(entry.setting), entry]));
    const now = readSettings().model;
    const unlisted =
      now !== '' && !own.has(keyOf(now)) && !others.has(keyOf(now))
        ? [isEngineSetting(now) ? servedEntry(now) : this.#addedEntry(now)]
        : [];
    const all = [bundled(), ...downloaded, ...unlisted, ...[...others].flatMap(([key, entry]) => (own.has(key) ? [] : [entry]))];
    return all.toSorted((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.name.localeCompare(b.name));
  }

  /** Paths of the models that are on a local disk, by their names. */
  async paths(): Promise<Readonly<Record<string, string>>> {
    const paths: Record<string, string> = {};
    for (const { setting, name, aliases } of await this.entries()) {
      const path = setting === '' || isEngineSetting(setting) ? undefined : localPath(folderUri(setting));
      if (path !== undefined) for (const known of [name, ...aliases]) paths[known] ??= path;
    }
    return paths;
  }

  /** Present knowledge about a model. */
  known({ setting }: ModelEntry): Known {
    return this.#known.get(setting) ?? UNKNOWN;
  }

  /** Describes a model from its headers; UNKNOWN if they cannot be read without the whole file. */
  async describe(entry: ModelEntry): Promise<Known> {
    const { setting } = entry;
    // An engine is asked by a command only.
    if (isEngineSetting(setting)) return this.known(entry);
    if (setting !== '' && localPath(folderUri(setting)) === undefined) return UNKNOWN;
    const known = await this.#describer.describe(setting, () => this.#options.locate(setting));
    if (this.disposed || this.#known.get(setting) === known) return known;
    this.#known.set(setting, known);
    this.#changed.fire(entry);
    return known;
  }

  /** Whether the settings name this model. */
  isCurrent({ setting }: ModelEntry): boolean {
    return keyOf(setting) === keyOf(readSettings().model);
  }

  /** Stored name of a model whose path does not tell it, such as a snapshot or a blob named by a hash; undefined if there is none. */
  nameOf(setting: string): string | undefined {
    const names = this.#options.state.get<Readonly<Record<string, unknown>>>(NAMES, {});
    const name = names[setting];
    return typeof name === 'string' ? name : this.#downloadedName(setting);
  }

  /** Makes a model the current one. */
  async use({ setting, name, group }: Pick<ModelEntry, 'setting' | 'name' | 'group'>): Promise<void> {
    if (group !== 'bundled' && group !== 'engine' && name !== modelName(folderUri(setting)) && this.nameOf(setting) !== name) {
      await this.#options.state.update(NAMES, { ...this.#options.state.get<object>(NAMES, {}), [setting]: name });
    }
    if (keyOf(setting) !== keyOf(readSettings().model)) await writeSetting('model', setting);
  }

  /** Adds a folder or file to the added models. */
  async add(setting: string): Promise<ModelEntry> {
    const entry = this.#addedEntry(setting);
    const added = this.#addedSettings();
    if (!added.some((other) => keyOf(other) === keyOf(setting))) await this.#options.state.update(ADDED, [...added, setting]);
    this.#changed.fire(undefined);
    return entry;
  }

  /** Removes an added model from the list, or a downloaded one from the disk. If it was in use, the bundled model takes its place. */
  async remove(entry: ModelEntry): Promise<void> {
    const wasCurrent = this.isCurrent(entry);
    if (wasCurrent) await writeSetting('model', '');
    if (entry.id !== undefined) await this.#options.downloads.remove(entry.id);
    else if (entry.group === 'engine') await this.#removeEngine(entry);
    else
      await this.#options.state.update(
        ADDED,
        this.#addedSettings().filter((setting) => keyOf(setting) !== keyOf(entry.setting)),
      );
    this.#changed.fire(undefined);
  }

  /** Names of the models at an address. Nothing of the user's is sent. Throws UserError, CancelledError. */
  modelsAt(address: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#options.engines.models(address, signal);
  }

  /** Asks an engine what it can do. Nothing of the user's is sent. Throws UserError, CancelledError. */
  async testEngine(setting: string, signal: AbortSignal): Promise<{ readonly opened: OpenedEngine; readonly known: Known }> {
    const opened = await this.#options.engines.open(engineModelOf(setting), signal);
    const { kind, version, abilities } = opened.protocol;
    const known: Known = { kind: 'served', program: version === null ? kind : `${kind} ${version}`, abilities };
    this.#known.set(setting, known);
    this.#changed.fire(undefined);
    return { opened, known };
  }

  /** Adds a model at an engine. */
  async addEngine(model: EngineModel): Promise<ModelEntry> {
    const setting = engineSettingOf(model);
    const { engines } = readSettings();
    if (!engines.some((other) => keyOf(other) === setting)) await writeSetting('engines', [...engines, setting]);
    this.#changed.fire(undefined);
    return servedEntry(setting);
  }

  async #removeEngine({ setting }: ModelEntry): Promise<void> {
    const left = readSettings().engines.filter((other) => keyOf(other) !== keyOf(setting));
    await writeSetting('engines', left);
    const address = engineModelIn(setting)?.address;
    if (address !== undefined && !left.some((other) => engineModelIn(other)?.address === address))
      await this.#options.engines.forget(address);
  }

  #served(): readonly ModelEntry[] {
    return readSettings().engines.filter(isEngineSetting).map(servedEntry);
  }

  /** Forgets found models and descriptions, so that they are looked up again. */
  refresh(): void {
    this.#found = undefined;
    this.#known.clear();
    this.#describer.forget();
    this.#changed.fire(undefined);
  }

  /** Name of a downloaded model by its path: its folder is called owner--name. */
  #downloadedName(setting: string): string | undefined {
    const { root } = this.#options.downloads;
    if (!setting.startsWith(root)) return undefined;
    const [folder = '', ...inside] = setting
      .slice(root.length)
      .split(/[/\\]/)
      .filter((part) => part !== '');
    return [folder.replace('--', '/'), ...inside].join('/');
  }

  async #downloaded(): Promise<readonly ModelEntry[]> {
    return (await this.#options.downloads.list()).map(({ id, path, bytes }) => ({
      group: 'downloaded',
      setting: path,
      name: id,
      aliases: [],
      bytes,
      id,
    }));
  }

  #findOnce(): Promise<readonly ModelEntry[]> {
    this.#found ??= findModels().then((models) =>
      models.map(({ source, name, aliases, path, bytes }) => ({ group: source, setting: path, name, aliases, bytes })),
    );
    return this.#found;
  }

  #added(): readonly ModelEntry[] {
    return this.#addedSettings().map((setting) => this.#addedEntry(setting));
  }

  #addedSettings(): readonly string[] {
    return this.#options.state
      .get<readonly unknown[]>(ADDED, [])
      .filter((setting): setting is string => typeof setting === 'string' && setting !== '');
  }

  #addedEntry(setting: string): ModelEntry {
    return { group: 'added', setting, name: this.nameOf(setting) ?? modelName(folderUri(setting)), aliases: [], bytes: null };
  }
}

function bundled(): ModelEntry {
  return { group: 'bundled', setting: '', name: t('Bundled model'), aliases: [], bytes: null };
}

/** A key that is equal for settings that name the same model in different ways. */
function keyOf(setting: string): string {
  const engine = engineModelIn(setting);
  if (engine !== null) return engineSettingOf(engine);
  return setting === '' ? '' : folderUri(setting).toString();
}

function servedEntry(setting: string): ModelEntry {
  const engine = engineModelIn(setting);
  return { group: 'engine', setting, name: engine === null ? setting : engineModelName(engine), aliases: [], bytes: null };
}
