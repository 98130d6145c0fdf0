import { alignTokens } from '../../src/core/alignment.ts';
import { distributionPairs, divergenceOf } from '../../src/core/comparison.ts';
import type { ModelFiles } from '../../src/model/files.ts';
import { ask } from '../../src/host/ask.ts';
import type { Query, QueryName, QueryResult, ShownComparison, ShownExplanation } from '../../src/protocol/messages.ts';
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
  readonly answer: (query: Query, side?: 'second') => Promise<QueryResult<QueryName>>;
  readonly comparison?: ShownComparison;
}

/** Golden cases that are no family's. */
const WHOLE = new Set(['gpt2', 'llama', 'llama_yarn']);

/** `name` is a golden case, such as "mixtral.1". */
export async function openFamily(name: string, chat: boolean | null = null): Promise<OpenPanel> {
  const path = WHOLE.has(name) ? name : `families/${name}`;
  const files = folder(`${FIXTURES}/${path}`, { 'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER), ...(chat === null ? {} : { 'tokenizer_config.json': JSON.stringify(CHAT) }) });
  return openPanel(name, files, FAMILY_TEXT, 'cat.md', chat === true);
}

/** One panel with another's explanation as its second side, of the kind given. */
export async function comparePanels(first: OpenPanel, second: OpenPanel, kind: 'text' | 'model'): Promise<FamilyPanel> {
  const [a, b] = [first.shown.explanation.tokens, second.shown.explanation.tokens];
  const sameVocabulary = (await first.remote.vocabularyKey()) === (await second.remote.vocabularyKey());
  const pairs = distributionPairs(alignTokens(a, b, true), a, b);
  const ids = (tokens: typeof a): Int32Array => Int32Array.from(tokens, (token) => token.id);
  const { logits } = sameVocabulary ? await second.remote.logits(ids(b), pairs.b) : { logits: new Float32Array(0) };
  const divergence = sameVocabulary ? divergenceOf((await first.remote.divergence(ids(a), pairs.a, { kind: 'logits', logits })).bits, pairs, alignTokens(a, b, true).length) : null;
  return {
    shown: first.shown,
    answer: (query, side) => (side === 'second' ? second : first).answer(query),
    comparison: { serial: 1, with: first.shown.serial, kind, source: second.shown.source, model: kind === 'model' ? '/models/second' : null, explanation: second.shown.explanation, notices: [], sameVocabulary, divergence },
  };
}

export interface OpenPanel extends FamilyPanel {
  readonly remote: Remote<WorkerApi>;
}

/** The bundled model over a text. */
export async function openBundled(text: string, label = 'sample.md'): Promise<OpenPanel> {
  return openPanel('explain-tokens-9m', folder('media/models/explain-tokens-9m'), text, label, false);
}

async function openPanel(name: string, files: ModelFiles, text: string, label: string, chat: boolean): Promise<OpenPanel> {
  const runtime = await wasm();
  const engine = createEngine({ runtime: () => runtime, runtimeKind: runtime.kind, openFiles: async () => files });
  const context = { progress: () => undefined };
  await engine.open(context, { kind: 'folder', name, path: name });
  const explanation = await engine.explain(context, { text, topK: 10, chat });
  const remote = Object.fromEntries(Object.entries(engine).map(([name, call]) => [name, (...args: never[]) => (call as (...all: unknown[]) => unknown)(context, ...args)])) as unknown as Remote<WorkerApi>;
  const ids = Int32Array.from(explanation.tokens, (token) => token.id);
  return {
    shown: { serial: 1, source: { uri: `file:///${label}`, start: 0, end: text.length, label }, explanation, notices: [] },
    answer: (query) => ask(remote, ids, query),
    remote,
  };
}
