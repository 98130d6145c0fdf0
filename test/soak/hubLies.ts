import type { Misbehaviour, ServedModel } from '../library/hubServer.ts';
import { contentsOf, settingWith, type Setting } from '../library/hub.ts';
import { SINGLE } from '../library/models.ts';
import { below, mustBeRefusal, oneOf, outcomesOf, type Outcomes } from './held.ts';

/** Names of the model's files that are downloaded. */
export const NEEDED = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'];

/** Short timeouts, so that a silent hub is given up soon. */
const PATIENCE = { idleMs: 150, answerMs: 300 };

const STATUS = [401, 403, 404, 408, 418, 429, 500, 503];
const WORDS = '[Fix](command:x.y)$(trash)\u001b\u202e\nline';
/** Untrue descriptions of the model. */
const LIES: readonly NonNullable<ServedModel['lies']>[] = [
  ...['../evil.json', '..\\evil.json', '/etc/evil', 'C:\\evil', 'a\0b', 'con.gguf', `${'a'.repeat(300)}.gguf`].map((rfilename) => ({
    siblings: [{ rfilename, size: 1, blobId: 'a'.repeat(40) }],
  })),
  ...[-1, 1.5, '1', 2 ** 60, null, 1e308].map((size) => ({
    siblings: NEEDED.map((rfilename) => ({ rfilename, size, blobId: 'a'.repeat(40), lfs: { sha256: 'b'.repeat(64), size } })),
  })),
  { id: '../x' },
  { id: WORDS },
  { sha: WORDS },
  { sha: 'f'.repeat(40) },
  { siblings: WORDS },
  { siblings: [null, 1, [], {}] },
  { siblings: Array.from({ length: 200_000 }, (_, index) => ({ rfilename: `${index}.json`, size: 1, blobId: 'a'.repeat(40) })) },
  { cardData: { license: WORDS }, gated: WORDS, config: { model_type: WORDS }, tags: WORDS },
  { cardData: { license: { name: WORDS } }, config: null, tags: null },
];

function misbehaviour(random: () => number): Misbehaviour {
  const after = below(random, 430_000);
  const where = oneOf(random, ['api', 'resolve', 'content', 'content', 'content'] as const);
  const times = random() < 0.5 ? { times: 1 + below(random, 4) } : {};
  const file = where === 'api' ? {} : { file: oneOf(random, NEEDED) };
  const status: Misbehaviour = {
    where,
    ...file,
    ...times,
    kind: 'status',
    status: oneOf(random, STATUS),
    headers: { 'x-error-message': '[Fix](command:x.y)$(trash).' },
  };
  const to = oneOf(random, ['file:///etc/passwd', 'ftp://example.org/x', 'http://[', '/api/models/tiny/llama', 'http://127.0.0.1:1/x']);
  if (where !== 'content')
    return oneOf<Misbehaviour>(random, [
      status,
      { where, ...file, ...times, kind: 'redirect', to },
      { where, ...file, ...times, kind: 'never' },
      ...(where === 'api' ? ([{ where, ...times, kind: 'endless' }] as const) : []),
    ]);
  return oneOf<Misbehaviour>(random, [
    status,
    { where, ...file, ...times, kind: oneOf(random, ['cut', 'stall']), after },
    { where, ...file, ...times, kind: oneOf(random, ['longer', 'shorter']), declared: random() < 0.5 },
    { where, ...file, ...times, kind: oneOf(random, ['wrong', 'noRange', 'rangeRefused', 'otherRange', 'endless', 'never']) },
  ]);
}

/** Throws unless the folder of downloads holds exactly the model's files, byte for byte. */
export function mustBeWhole(root: string): void {
  const found = contentsOf(root);
  const names = Object.keys(found).sort();
  const wanted = [...NEEDED, 'download.json'].map((name) => `tiny--llama/${name}`).sort();
  if (names.join() !== wanted.join()) throw new Error(`There is ${names.join()}`);
  for (const name of NEEDED)
    if (!found[`tiny--llama/${name}`]?.equals(SINGLE.files[name] ?? new Uint8Array())) throw new Error(`${name} is not what the hub has.`);
}

async function mustBeUnusable({ root, hub }: Setting): Promise<void> {
  const outside = Object.keys(contentsOf(root)).filter((path) => !path.startsWith('.incomplete/'));
  if (outside.length > 0) throw new Error(`A download that failed left ${outside.join()}`);
  if ((await hub.listDownloaded(root)).length > 0) throw new Error('A download that failed is listed.');
}

/**
 * Downloads from a hub with one to three faults at once. Each must end with all files, or with one sentence and nothing that could be
 * taken for a model; the next download, from an honest hub, must have every byte.
 */
export async function soakHubLies(count: number, random: () => number): Promise<Outcomes> {
  const at = await settingWith(PATIENCE, SINGLE);
  return outcomesOf(count, async () => {
    at.server.serve(random() < 0.25 ? { ...SINGLE, lies: oneOf(random, LIES) } : SINGLE);
    at.server.misbehave(...Array.from({ length: 1 + below(random, 3) }, () => misbehaviour(random)));
    const ended = await at.fetch('tiny/llama').then(
      () => 'whole' as const,
      (error: unknown) => (mustBeRefusal(error), 'refused' as const),
    );
    if (ended === 'whole') mustBeWhole(at.root);
    else await mustBeUnusable(at);
    at.server.behave();
    at.server.serve(SINGLE);
    await at.fetch('tiny/llama');
    mustBeWhole(at.root);
    await at.hub.removeDownload(at.root, 'tiny/llama');
    return ended;
  });
}
