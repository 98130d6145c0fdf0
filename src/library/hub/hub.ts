import type { Translate } from '../../core/translatable.ts';
import type { Hub } from './hubApi.ts';
import { download, spaceFor } from './modelDownload.ts';
import { listDownloaded, listUnfinished, removeDownload } from './folders.ts';
import { findModel } from './hubModelInfo.ts';
import { PATIENCE, type Patience } from './retry.ts';

/** The hub, with messages translated by `t`. Only `findModel` and `download` use the network. */
export function openHub(t: Translate, patience: Patience = PATIENCE): Hub {
  return {
    findModel: (id, access) => findModel(id, { ...access, patience, t }),
    spaceFor,
    download: (root, model, choice, options) => download(root, model, choice, { ...options, patience, t }),
    listDownloaded,
    listUnfinished,
    removeDownload: (root, id) => removeDownload(root, id, t),
  };
}
