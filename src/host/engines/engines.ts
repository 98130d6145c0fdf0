import type { vscode } from '../vscode.ts';
import { CancelledError, UserError } from '../../core/errors.ts';
import type { Protocol } from '../../engines/engineApi.ts';
import { engineConnection, isReadOnTheWay, type EngineConnection } from '../../engines/engineConnection.ts';
import type { EngineModel } from '../../engines/engineSetting.ts';
import { modelsServed, openEngine, type OpenedEngine } from '../../engines/openEngine.ts';
import { engineSend } from '#platform';
import { onSettingChange, readSettings } from '../configuration.ts';
import { Disposable } from '../disposable.ts';
import { t } from '../say.ts';
import { askSecret, confirm, inform } from '../surfaces.ts';
import { isToken } from '../../library/hub/address.ts';

/** Key of the addresses to which the user lets texts be sent, in the extension's state. */
const ALLOWED = 'engines.allowed';

/** Engines that serve models elsewhere: their connections, one for each address, their keys, and what the user lets be sent to them. */
export class Engines extends Disposable {
  readonly #secrets: vscode.SecretStorage;
  readonly #state: vscode.Memento;
  readonly #connections = new Map<string, EngineConnection>();
  /** Addresses about which the user is being asked. */
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor({ secrets, globalState }: Pick<vscode.ExtensionContext, 'secrets' | 'globalState'>) {
    super();
    this.#secrets = secrets;
    this.#state = globalState;
    this.register(onSettingChange(['engineRequests'], () => this.#connections.clear()));
  }

  /** Names of the models at an address. Nothing of the user's is sent. Throws UserError, CancelledError. */
  async models(address: string, signal: AbortSignal): Promise<readonly string[]> {
    return modelsServed(await this.#connection(address), signal);
  }

  /** Recognises an engine by asking it, and opens its model. Nothing of the user's is sent. Throws UserError, CancelledError. */
  async open({ address, model }: EngineModel, signal: AbortSignal): Promise<OpenedEngine> {
    const connection = await this.#connection(address);
    return { protocol: await openEngine(connection, model, signal), address, host: connection.host };
  }

  /** Asks the user, once for each address, whether texts may be sent there. Throws CancelledError where they may not. */
  async allow({ address, protocol }: Pick<OpenedEngine, 'address' | 'protocol'>): Promise<void> {
    if (this.#allowed().includes(address)) return;
    const asking = this.#asking.get(address) ?? this.#ask(address, protocol);
    this.#asking.set(address, asking);
    try {
      if (!(await asking)) throw new CancelledError();
    } finally {
      this.#asking.delete(address);
    }
  }

  /** Whether the user lets texts be sent to an address. */
  isAllowed(address: string): boolean {
    return this.#allowed().includes(address);
  }

  /** Asks for the key that an engine wants, and keeps it in the secret storage. Throws UserError for an address without encryption. */
  async setKey(address: string): Promise<void> {
    const { host } = new URL(address);
    if (isReadOnTheWay(address)) throw new UserError(t('{0} is reached without encryption: a key is not sent there.', host));
    const prompt = t('It is kept in the secret storage and sent to {0} only. Leave it empty to remove the one that is kept.', host);
    const key = await askSecret(t('Key for {0}', host), prompt, (value) =>
      value.trim() === '' || isToken(value.trim()) ? undefined : t('A key is one word.'),
    );
    if (key === undefined) return;
    this.#connections.delete(address);
    if (key.trim() === '') await this.#secrets.delete(secretName(address));
    else await this.#secrets.store(secretName(address), key.trim());
    void inform(key.trim() === '' ? t('The key for {0} is removed.', host) : t('The key for {0} is kept.', host));
  }

  /** Forgets an address: its key, and that texts may be sent there. */
  async forget(address: string): Promise<void> {
    this.#connections.delete(address);
    await this.#secrets.delete(secretName(address));
    await this.#state.update(
      ALLOWED,
      this.#allowed().filter((other) => other !== address),
    );
  }

  async #connection(address: string): Promise<EngineConnection> {
    const send = await engineSend();
    if (!send) throw new UserError(t('Engines can be asked in the desktop version only: a browser lets no page ask other addresses.'));
    const key = (await this.#secrets.get(secretName(address))) ?? null;
    const known = this.#connections.get(address) ?? engineConnection(address, { send, key, limit: readSettings().engineRequests });
    this.#connections.set(address, known);
    return known;
  }

  async #ask(address: string, { kind, model }: Protocol): Promise<boolean> {
    const unsafe = isReadOnTheWay(address) ? ` ${t('They travel without encryption: others on the way can read them.')}` : '';
    const agreed = await confirm(
      isReadOnTheWay(address) ? 'warning' : 'information',
      t('Send texts to {0}?', address),
      t(
        'Texts that you explain, score or continue with {0} leave this editor for {1} ({2}), and go nowhere else; so do those that an \
agent of yours asks the tools of Explain Tokens about. Nothing else is sent.{3}',
        model,
        address,
        kind,
        unsafe,
      ),
      t('Send Texts There'),
    );
    if (agreed) await this.#state.update(ALLOWED, [...this.#allowed(), address]);
    return agreed;
  }

  #allowed(): readonly unknown[] {
    return this.#state.get<readonly unknown[]>(ALLOWED, []);
  }
}

/** Key of an engine's key in the secret storage. Each address has its own, so that another never gets it. */
function secretName(address: string): string {
  return `engineKey ${address}`;
}
