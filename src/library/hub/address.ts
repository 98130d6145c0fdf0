import { UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';

/** The public hub, used where no other is set. */
export const PUBLIC_HUB = 'https://huggingface.co';

/** Owner or name in an id: at most 96 of letters, digits and `-._`, no `--` or `..`, as in huggingface_hub's `validate_repo_id`. */
const PART = /^(?!.*(--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;

/**
 * The model id that a user typed as `owner/name`, as an old `name` without owner, or as the address of the model's page; undefined for
 * any other text.
 */
export function parseModelId(text: string): string | undefined {
  const page = /^https?:\/\/[^/]+\/(?:models\/)?([^/?#]+\/[^/?#]+)(?:\/tree\/main)?\/?(?:[?#].*)?$/.exec(text.trim());
  const id = page?.[1] ?? text.trim();
  const parts = id.split('/');
  return parts.length <= 2 && parts.every((part) => PART.test(part)) && !/\.git$/i.test(id) ? id : undefined;
}

/** Name of a model's folder within the folder of all downloads. Different ids have different folders, as no id contains `--`. */
export function folderName(id: string): string {
  return id.replace('/', '--');
}

/** The address of a hub without a trailing slash. Throws UserError for an invalid one; `where` names the setting or variable. */
export function parseEndpoint(text: string, where: string, t: Translate): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const ok =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (!ok) throw new UserError(t('{0} is not the address of a hub, such as {1}.', where, PUBLIC_HUB));
  return url.href.replace(/\/+$/, '');
}

/** The address of a path below the endpoint, each part of it percent-encoded. */
export function hubUrl(endpoint: string, ...path: readonly string[]): URL {
  return new URL(
    `${endpoint}/${path
      .flatMap((part) => part.split('/'))
      .map(encodeURIComponent)
      .join('/')}`,
  );
}

/** The environment variables `HF_ENDPOINT` and `HF_TOKEN`, undefined where they are not set. */
export interface HubEnvironment {
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
}

/**
 * The hub's address, from the setting if it is not empty, else from the environment, else that of the public hub. Throws UserError for
 * an invalid address.
 */
export function endpointOf(setting: string, { endpoint = '' }: HubEnvironment, t: Translate): string {
  if (setting !== '') return parseEndpoint(setting, 'explainTokens.hubEndpoint', t);
  return endpoint.trim() === '' ? PUBLIC_HUB : parseEndpoint(endpoint.trim(), 'HF_ENDPOINT', t);
}

/** Whether nobody on the way can read requests to an address: it uses HTTPS or is on this machine. Tokens are sent only to these. */
export function isPrivate(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** `HF_TOKEN`, if `hub` is the hub that the environment names; undefined for any other hub. */
export function environmentToken({ endpoint = '', token = '' }: HubEnvironment, hub: string): string | undefined {
  const meant = endpoint.trim() === '' ? PUBLIC_HUB : endpoint.trim();
  return isToken(token.trim()) && isPrivate(hub) && URL.canParse(meant) && new URL(meant).origin === new URL(hub).origin
    ? token.trim()
    : undefined;
}

/** Whether a text can be an access token: one word that is valid in an HTTP header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,500}$/.test(text);
}

/** Whether an answer of this status sends its request elsewhere. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}
