import type { Translate } from '../../core/translatable.ts';
import type { Hub } from './api.ts';
import { download, spaceFor } from './download.ts';
import { listDownloaded, listUnfinished, removeDownload } from './folders.ts';
import { findModel } from './modelInfo.ts';
import { PATIENCE, type Patience } from './retry.ts';

/** The hub, speaking the language of `t`. The network is touched only by `findModel` and `download`. */
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
