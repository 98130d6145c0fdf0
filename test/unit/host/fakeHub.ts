import type { DownloadedModel, DownloadOptions, Hub, HubChoice, HubModel } from '../../../src/library/hub/hubApi.ts';

const CHOICE: HubChoice = {
  kind: 'safetensors',
  entry: null,
  files: [{ name: 'model.safetensors', bytes: 100, hash: { kind: 'git', hex: '0' } }],
  bytes: 100,
};

/** The model that the hub has under any id. */
function modelOf(id: string): HubModel {
  return {
    id,
    endpoint: 'https://huggingface.co',
    commit: '0123456789'.repeat(4),
    licence: 'MIT',
    gated: false,
    family: 'llama',
    choices: [CHOICE],
  };
}

function downloadedOf({ id, endpoint, commit, licence }: HubModel): DownloadedModel {
  const folder = `/storage/models/${id.replace('/', '--')}`;
  return { version: 1, id, endpoint, commit, licence, entry: null, files: CHOICE.files, folder, path: folder, bytes: CHOICE.bytes };
}

/** A running download, which the test finishes or fails. */
interface Going {
  readonly id: string;
  readonly options: DownloadOptions;
  finish(): void;
  fail(error: Error): void;
}

/** A hub without a network or a disk, whose downloaded models are listed until they are removed. */
export function fakeHub() {
  const there = new Map<string, DownloadedModel>();
  const going: Going[] = [];
  const hub: Hub = {
    findModel: async (id) => modelOf(id),
    spaceFor: async () => ({ needed: CHOICE.bytes, free: 1e9 }),
    download: (_, model, __, options) =>
      new Promise((resolve, reject) =>
        going.push({
          id: model.id,
          options,
          finish: () => {
            there.set(model.id, downloadedOf(model));
            resolve(downloadedOf(model));
          },
          fail: reject,
        }),
      ),
    listDownloaded: async () => [...there.values()],
    listUnfinished: async () => [],
    removeDownload: async (_, id) => void there.delete(id),
  };
  return { hub, going, there };
}
