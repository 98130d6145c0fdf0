import type { ModelFiles } from '../../src/model/files.ts';
import { ask } from '../../src/host/modelClient.ts';
import type { Query, QueryName, QueryResult, ShownExplanation } from '../../src/protocol/messages.ts';
import type { Remote, WorkerApi } from '../../src/worker/api.ts';
import { createEngine } from '../../src/worker/engine.ts';
import { FIXTURES, wasm } from '../golden/compare.ts';
import { folder } from '../unit/model/folder.ts';

/** A byte-level tokenizer of 32 ids, for the tiny models of the golden cases: small letters, space, full stop and line end. */
const LETTERS = ['<pad>', '<s>', '</s>', 'Ġ', ...Array.from('abcdefghijklmnopqrstuvwxyz'), '.', 'Ċ'];
export const LETTERS_TOKENIZER = {
  version: '1.0', truncation: null, padding: null, normalizer: null, post_processor: null,
  added_tokens: LETTERS.slice(0, 3).map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, vocab: Object.fromEntries(LETTERS.map((piece, id) => [piece, id])), merges: [] },
};
const CHAT = { chat_template: '<s>{{ messages[0].content }}</s>' };
export const FAMILY_TEXT = 'the cat sat on the mat and the dog ran.';

/** A tiny model of a family run by the product's own engine, as the panel is given it. */
export interface FamilyPanel {
  readonly shown: ShownExplanation;
  readonly answer: (query: Query) => Promise<QueryResult<QueryName>>;
}

/** `name` is a golden case, such as "mixtral.1". */
export async function openFamily(name: string, chat: boolean | null = null): Promise<FamilyPanel> {
  const files = folder(`${FIXTURES}/families/${name}`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER), ...(chat === null ? {} : { 'tokenizer_config.json': JSON.stringify(CHAT) }) });
  return openPanel(name, files, FAMILY_TEXT, 'cat.md', chat === true);
}

/** The bundled model over a text. */
export async function openBundled(text: string): Promise<FamilyPanel> {
  return openPanel('explain-tokens-9m', folder('media/models/explain-tokens-9m'), text, 'sample.md', false);
}

async function openPanel(name: string, files: ModelFiles, text: string, label: string, chat: boolean): Promise<FamilyPanel> {
  const runtime = await wasm();
  const engine = createEngine({ runtime: () => runtime, openFiles: async () => files });
  const context = { progress: () => undefined };
  await engine.open(context, { kind: 'folder', name, path: name });
  const explanation = await engine.explain(context, { text, topK: 10, chat });
  const remote = Object.fromEntries(Object.entries(engine).map(([name, call]) => [name, (...args: never[]) => (call as (...all: unknown[]) => unknown)(context, ...args)])) as unknown as Remote<WorkerApi>;
  const ids = Int32Array.from(explanation.tokens, (token) => token.id);
  return {
    shown: { serial: 1, source: { uri: `file:///${label}`, start: 0, end: text.length, label }, explanation, notices: [] },
    answer: (query) => ask(remote, ids, query),
  };
}
