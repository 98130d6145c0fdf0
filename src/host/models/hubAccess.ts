import type { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import { endpointOf, environmentToken, isPrivate, isToken } from '../../library/hub/address.ts';
import type { HubAccess } from '../../library/hub/hubApi.ts';
import { hubEnvironment } from '#platform';
import { readSettings } from '../configuration.ts';
import { t } from '../say.ts';
import { askSecret, inform } from '../surfaces.ts';

/** URL of the hub. Throws UserError for an invalid setting. */
export function hubEndpoint(): string {
  return endpointOf(readSettings().hubEndpoint, hubEnvironment(), t);
}

/** URL of the hub and its access token: the stored one, else the environment's. */
export async function hubAccess(secrets: vscode.SecretStorage): Promise<HubAccess> {
  const endpoint = hubEndpoint();
  return { endpoint, token: (await secrets.get(secretName(endpoint))) ?? environmentToken(hubEnvironment(), endpoint) };
}

/** Asks for the hub's access token and stores it in the secret storage. Throws UserError for a hub without encryption. */
export async function setHubToken(secrets: vscode.SecretStorage): Promise<void> {
  const endpoint = hubEndpoint();
  const { host } = new URL(endpoint);
  if (!isPrivate(endpoint)) throw new UserError(t('{0} is reached without encryption: an access token is not sent there.', host));
  const prompt = t('A token that may read is enough. It is kept in the secret storage and sent to {0} only.', host);
  const token = await askSecret(t('Access token of {0}', host), prompt, (value) =>
    isToken(value.trim()) ? undefined : t('A token is one word, such as hf_….'),
  );
  if (token === undefined) return;
  await secrets.store(secretName(endpoint), token.trim());
  void inform(t('The access token of {0} is kept.', host));
}

/** Removes the hub's access token from the secret storage. */
export async function removeHubToken(secrets: vscode.SecretStorage): Promise<void> {
  const endpoint = hubEndpoint();
  const { host } = new URL(endpoint);
  const isThere = (await secrets.get(secretName(endpoint))) !== undefined;
  if (isThere) await secrets.delete(secretName(endpoint));
  void inform(isThere ? t('The access token of {0} is removed.', host) : t('No access token of {0} was kept.', host));
}

/** Key of a hub's token in the secret storage. Each hub has its own, so that another hub never gets the token. */
function secretName(endpoint: string): string {
  return `hubToken ${new URL(endpoint).origin}`;
}
