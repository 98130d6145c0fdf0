import { CancelledError, UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';
import type { HubAccess, HubFile, HubModel } from './hubApi.ts';
import { choicesOf, INDEX, type Listing } from './choices.ts';
import { digestOf } from './content.ts';
import { isPlainName, leavesFolder } from './fileNames.ts';
import { get, readBody } from './http.ts';
import { folderName, hubUrl, parseModelId } from './address.ts';
import { oneLine, problemOf } from './problems.ts';
import { retrying, type Patience } from './retry.ts';

/** Largest listing accepted; that of a repository with 10,000 files takes 3 MB. */
const MAX_INFO_BYTES = 32 * 1024 * 1024;
/** Largest index accepted; an index names every tensor once, and 1,000,000 tensors fit. */
const MAX_INDEX_BYTES = 100 * 1024 * 1024;
/** Largest file accepted: no model is larger, and sums of sizes stay exact in float64. */
const MAX_FILE_BYTES = 2 ** 44;

/** Attempts before reporting that the hub cannot be reached: few, because nothing is lost if the user tries again later. */
const MAX_ATTEMPTS = 3;

interface Asking extends HubAccess {
  readonly signal: AbortSignal;
  readonly patience: Patience;
  readonly t: Translate;
}

/** The hub's model with the id in `text`, pinned to its current commit. Throws UserError where it is unavailable or its listing invalid. */
export async function findModel(text: string, asking: Asking): Promise<HubModel> {
  const { endpoint, t } = asking;
  const asked = parseModelId(text);
  if (asked === undefined)
    throw new UserError(t('{0} is not the id of a model, such as {1}.', JSON.stringify(oneLine(text, 80)), 'openai-community/gpt2'));
  const url = hubUrl(endpoint, 'api', 'models', asked);
  url.searchParams.set('blobs', 'true');
  const host = url.host;
  const info = parsed(await bodyOf(url, asked, undefined, MAX_INFO_BYTES, asking), host, t);
  const id = typeof info['id'] === 'string' ? parseModelId(info['id']) : undefined;
  const commit = info['sha'];
  if (id === undefined || !isPlainName(folderName(id)) || typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit))
    throw unexpected(host, t);
  const listing = listingOf(info['siblings'], host, t);
  const index = listing.has('model.safetensors') ? undefined : listing.get(INDEX);
  const shards = index && shardsOf(await indexOf(id, commit, index, asking), t);
  return {
    id,
    endpoint,
    commit,
    licence: licenceOf(info),
    gated: info['gated'] !== false && info['gated'] !== undefined,
    family: familyOf(info),
    choices: choicesOf(id, listing, shards, t),
  };
}

async function bodyOf(url: URL, id: string, file: string | undefined, most: number, asking: Asking): Promise<Buffer> {
  const { endpoint, token, patience, signal, t } = asking;
  if (signal.aborted) throw new CancelledError();
  return retrying(
    async () => {
      const answer = await get(url, { ...asking, idleMs: patience.idleMs });
      if (answer.status === 200) return readBody(answer, most, patience.answerMs, url.host, { ...asking, idleMs: patience.idleMs });
      answer.body.destroy();
      throw problemOf(answer.status, answer.headers, { id, endpoint, hasToken: token !== undefined, file }, t);
    },
    { patience: { ...patience, attempts: Math.min(patience.attempts, MAX_ATTEMPTS) }, signal },
  );
}

/** The files in the top folder, with size and hash; files listed without a valid size and hash are left out as unusable. */
function listingOf(siblings: unknown, host: string, t: Translate): Listing {
  if (!Array.isArray(siblings)) throw unexpected(host, t);
  const listing = new Map<string, HubFile>();
  for (const sibling of siblings as readonly unknown[]) {
    const name = isRecord(sibling) ? sibling['rfilename'] : undefined;
    if (!isRecord(sibling) || typeof name !== 'string') throw unexpected(host, t);
    if (leavesFolder(name))
      throw new UserError(
        t('{0} lists a file that would be written outside the model’s folder: {1}.', host, JSON.stringify(name.slice(0, 80))),
      );
    const file = name.includes('/') ? undefined : fileOf(name, sibling);
    if (file) listing.set(name, file);
  }
  return listing;
}

function fileOf(name: string, { size, blobId, lfs }: Record<string, unknown>): HubFile | undefined {
  const bytes = isRecord(lfs) ? lfs['size'] : size;
  const hex = isRecord(lfs) ? lfs['sha256'] : blobId;
  const kind = isRecord(lfs) ? 'sha256' : 'git';
  if (typeof bytes !== 'number' || !Number.isInteger(bytes) || bytes < 0 || bytes > MAX_FILE_BYTES) return undefined;
  if (typeof hex !== 'string' || !(kind === 'sha256' ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hex)) return undefined;
  return { name, bytes, hash: { kind, hex } };
}

async function indexOf(id: string, commit: string, file: HubFile, asking: Asking): Promise<Record<string, unknown>> {
  const { endpoint, t } = asking;
  const url = hubUrl(endpoint, id, 'resolve', commit, file.name);
  if (file.bytes > MAX_INDEX_BYTES) throw unexpected(url.host, t);
  const bytes = await bodyOf(url, id, file.name, file.bytes, asking);
  const digest = digestOf(file);
  digest.update(bytes);
  if (bytes.length !== file.bytes || digest.hex() !== file.hash.hex)
    throw new UserError(t('{0} arrived damaged: it is not what the hub announced. Try again.', file.name));
  return parsed(bytes, url.host, t);
}

/** The distinct files in an index's `weight_map`. */
function shardsOf(index: Record<string, unknown>, t: Translate): readonly string[] {
  const map = index['weight_map'];
  const names = isRecord(map) ? Object.values(map) : [];
  if (names.length === 0 || !names.every((name): name is string => typeof name === 'string'))
    throw new UserError(t('{0} names no files.', INDEX));
  return [...new Set(names)];
}

/** The licence named on the model's page; `license_name` where `license` is only "other". */
function licenceOf(info: Record<string, unknown>): string | null {
  const card = isRecord(info['cardData']) ? info['cardData'] : {};
  const tags = Array.isArray(info['tags']) ? (info['tags'] as readonly unknown[]) : [];
  const tag = tags.find((tag): tag is string => typeof tag === 'string' && tag.startsWith('license:'))?.slice('license:'.length);
  const own = Array.isArray(card['license']) ? card['license'].join(', ') : card['license'];
  const named = own === 'other' && typeof card['license_name'] === 'string' ? card['license_name'] : own;
  const licence = oneLine(typeof named === 'string' ? named : (tag ?? ''), 80);
  return licence === '' ? null : licence;
}

function familyOf(info: Record<string, unknown>): string | null {
  const family = isRecord(info['config']) ? info['config']['model_type'] : undefined;
  return typeof family === 'string' && /^[\w.-]{1,60}$/.test(family) ? family : null;
}

function parsed(bytes: Buffer, host: string, t: Translate): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (isRecord(value)) return value;
  } catch (error) {
    throw new UserError(unexpected(host, t).message, { cause: error });
  }
  throw unexpected(host, t);
}

function unexpected(host: string, t: Translate): UserError {
  return new UserError(t('{0} does not answer as a hub of models does.', host));
}
