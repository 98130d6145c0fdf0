import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';

/** The hub everyone means. */
export const PUBLIC_HUB = 'https://huggingface.co';

/** Letters, digits and `-._`, not at an end, `--` and `..` nowhere, at most 96: huggingface_hub's `validate_repo_id`. */
const PART = /^(?!.*(--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;

/**
 * The id in what a user typed: `owner/name`, an old `name` without owner, or the address of the model's page.
 * Undefined where it is none.
 */
export function parseModelId(text: string): string | undefined {
  const page = /^https?:\/\/[^/]+\/(?:models\/)?([^/?#]+\/[^/?#]+)(?:\/tree\/main)?\/?(?:[?#].*)?$/.exec(text.trim());
  const id = page?.[1] ?? text.trim();
  const parts = id.split('/');
  return parts.length <= 2 && parts.every((part) => PART.test(part)) && !/\.git$/i.test(id) ? id : undefined;
}

/** The folder of a model below that of all downloads. No two ids share one: `--` is in no id. */
export function folderName(id: string): string {
  return id.replace('/', '--');
}

/** The address of a hub without a slash at its end. Throws UserError naming `where` it was set. */
export function parseEndpoint(text: string, where: string, t: Translate): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const ok = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!ok) throw new UserError(t('{0} is not the address of a hub, such as {1}.', where, PUBLIC_HUB));
  return url.href.replace(/\/+$/, '');
}

/** A path below the endpoint, each part of it encoded. */
export function hubUrl(endpoint: string, ...path: readonly string[]): URL {
  return new URL(`${endpoint}/${path.flatMap((part) => part.split('/')).map(encodeURIComponent).join('/')}`);
}

/** What the user's environment says of the hub: `HF_ENDPOINT` and `HF_TOKEN`, where they are set. */
export interface HubEnvironment {
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
}

/** The hub's address: of the setting where it is not empty, else of the environment, else the public one. Throws UserError for what is no address. */
export function endpointOf(setting: string, { endpoint = '' }: HubEnvironment, t: Translate): string {
  if (setting !== '') return parseEndpoint(setting, 'explainTokens.hubEndpoint', t);
  return endpoint.trim() === '' ? PUBLIC_HUB : parseEndpoint(endpoint.trim(), 'HF_ENDPOINT', t);
}

/** Whether what is sent to an address can be read by nobody on the way: only there a token goes. */
export function isPrivate(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** `HF_TOKEN`, which is for the hub the environment means and for no other. */
export function environmentToken({ endpoint = '', token = '' }: HubEnvironment, hub: string): string | undefined {
  const meant = endpoint.trim() === '' ? PUBLIC_HUB : endpoint.trim();
  return isToken(token.trim()) && isPrivate(hub) && URL.canParse(meant) && new URL(meant).origin === new URL(hub).origin ? token.trim() : undefined;
}

/** Whether a text can be an access token: one word that can stand in a header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,500}$/.test(text);
}
