import type { Query, QueryName, QueryResult, ShownExplanation } from '../../src/protocol/messages.ts';
import type { ModelFiles } from '../../src/model/files.ts';
import { stepsTogether } from '../../src/host/steps.ts';
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
  return openPanel(files, name, FAMILY_TEXT, chat === true);
}

/** The bundled model over a text. */
export function openBundled(text: string): Promise<FamilyPanel> {
  return openPanel(folder('media/models/explain-tokens-9m'), 'explain-tokens-9m', text, false);
}

async function openPanel(files: ModelFiles, name: string, text: string, chat: boolean): Promise<FamilyPanel> {
  const runtime = await wasm();
  const engine = createEngine({ runtime: () => runtime, openFiles: async () => files });
  const context = { progress: () => undefined };
  await engine.open(context, { kind: 'folder', name, path: name });
  const explanation = await engine.explain(context, { text, topK: 10, chat });
  const ids = Int32Array.from(explanation.tokens, (token) => token.id);
  return {
    shown: { serial: 1, source: { uri: 'file:///cat.md', start: 0, end: text.length, label: 'cat.md' }, explanation, notices: [] },
    answer: (query) => {
      switch (query.name) {
        case 'attention':
          return engine.attention(context, ids, query.layer, query.head);
        case 'attentionPicture':
          return engine.attentionPicture(context, ids, query.layer, query.head);
        case 'attentionRow':
          return engine.attentionRow(context, ids, query.layer, query.head, query.query);
        case 'attentionCell':
          return engine.attentionCell(context, ids, query.layer, query.head, query.query, query.key);
        case 'experts':
          return engine.experts(context, ids, query.layer);
        case 'latent':
          return engine.latent(context, ids, query.layer, query.token);
        case 'projection':
          return engine.projection(context, ids, query.layer, query.skipFirst);
        case 'lens':
          return engine.lens(context, ids, query.layer);
        case 'distribution':
          return engine.distribution(context, ids, query.position);
        case 'step': {
          const { continuation, sampling, seed, topK, attention } = query;
          return engine.step(context, { ids: Int32Array.from([...ids, ...continuation]), sampling, seed, topK, attention });
        }
        case 'steps': {
          const { continuation, sampling, seed, topK, most } = query;
          return stepsTogether((request) => engine.step(context, request), { ids: Int32Array.from([...ids, ...continuation]), sampling, seed, topK }, most).then((steps) => ({ steps }));
        }
        case 'textOf':
          return engine.textOf(context, Int32Array.from(query.ids)).then((text) => ({ text }));
      }
    },
  };
}
