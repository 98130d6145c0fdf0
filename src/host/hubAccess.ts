import { vscode } from './vscode.ts';
import { UserError } from '../core/errors.ts';
import { endpointOf, environmentToken, isPrivate, isToken } from '../library/hub/address.ts';
import type { HubAccess } from '../library/hub/api.ts';
import { hubEnvironment } from '#platform';
import { readSettings } from './settings.ts';

/** The hub's address. Throws UserError for a setting that is none. */
export function hubEndpoint(): string {
  return endpointOf(readSettings().hubEndpoint, hubEnvironment(), vscode.l10n.t);
}

/** The hub, with the token kept for it, else that of the environment. */
export async function hubAccess(secrets: vscode.SecretStorage): Promise<HubAccess> {
  const endpoint = hubEndpoint();
  return { endpoint, token: (await secrets.get(secretName(endpoint))) ?? environmentToken(hubEnvironment(), endpoint) };
}

/** Asks for the hub's access token and keeps it in the secret storage. */
export async function setHubToken(secrets: vscode.SecretStorage): Promise<void> {
  const { t } = vscode.l10n;
  const endpoint = hubEndpoint();
  const { host } = new URL(endpoint);
  if (!isPrivate(endpoint)) throw new UserError(t('{0} is reached without encryption: an access token is not sent there.', host));
  const token = await vscode.window.showInputBox({
    title: t('Access token of {0}', host),
    prompt: t('A token that may read is enough. It is kept in the secret storage and sent to {0} only.', host),
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (isToken(value.trim()) ? undefined : t('A token is one word, such as hf_….')),
  });
  if (token === undefined) return;
  await secrets.store(secretName(endpoint), token.trim());
  void vscode.window.showInformationMessage(t('The access token of {0} is kept.', host));
}

/** Forgets the hub's access token. */
export async function removeHubToken(secrets: vscode.SecretStorage): Promise<void> {
  const { t } = vscode.l10n;
  const endpoint = hubEndpoint();
  const { host } = new URL(endpoint);
  const isThere = (await secrets.get(secretName(endpoint))) !== undefined;
  if (isThere) await secrets.delete(secretName(endpoint));
  void vscode.window.showInformationMessage(isThere ? t('The access token of {0} is removed.', host) : t('No access token of {0} was kept.', host));
}

/** A token belongs to one hub: changing the address must not hand it to another. */
function secretName(endpoint: string): string {
  return `hubToken ${new URL(endpoint).origin}`;
}
