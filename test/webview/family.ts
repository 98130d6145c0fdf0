import { existsSync } from 'node:fs';
import { alignTokens } from '../../src/core/alignment.ts';
import { divergenceInParts } from '../../src/core/comparison.ts';
import type { Recipe } from '../../src/core/run.ts';
import type { ModelFiles } from '../../src/model/formats/modelFiles.ts';
import type { ShownComparison, ShownExplanation } from '../../src/protocol/messages.ts';
import type { Query, PageQueryName, QueryResult } from '../../src/protocol/queries.ts';
import type { Remote, WorkerApi } from '../../src/worker/workerApi.ts';
import { createEngine } from '../../src/worker/engine.ts';
import { FIXTURES, native } from '../golden/compare.ts';
import { folder } from '../unit/model/folder.ts';

const LETTERS = ['<pad>', '<s>', '</s>', 'Ġ', ...Array.from('abcdefghijklmnopqrstuvwxyz'), '.', 'Ċ'];
/** A byte-level tokenizer of 32 ids for the tiny models of the golden cases: lower-case letters, space, full stop and line feed. */
export const LETTERS_TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  normalizer: null,
  post_processor: null,
  added_tokens: LETTERS.slice(0, 3).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(LETTERS.map((piece, id) => [piece, id])),
    merges: [],
  },
};
const CHAT = { chat_template: '<s>{{ messages[0].content }}</s>' };
/** The text that tiny models explain. */
export const FAMILY_TEXT = 'the cat sat on the mat and the dog ran.';

/** The panel's data for a tiny model, which the product's own engine runs. */
export interface FamilyPanel {
  readonly shown: ShownExplanation;
  readonly answer: (query: Query, side?: 'second') => Promise<QueryResult<PageQueryName>>;
  /** Explains the same text with other interventions, about which questions are from then on. */
  readonly change?: (recipe: Recipe) => Promise<ShownExplanation>;
  readonly comparison?: ShownComparison;
}

/** Golden cases outside of the folder of families. */
const WHOLE = new Set(['gpt2', 'llama', 'llama_yarn']);

/** Opens the model of a golden case, such as "mixtral.1". `chat`: whether to read the text as a chat; null: no chat template. */
export async function openFamily(name: string, chat: boolean | null = null): Promise<OpenPanel> {
  const path = WHOLE.has(name) ? name : existsSync(`${FIXTURES}/hybrids/${name}`) ? `hybrids/${name}` : `families/${name}`;
  const files = folder(`${FIXTURES}/${path}`, {
    'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER),
    ...(chat === null ? {} : { 'tokenizer_config.json': JSON.stringify(CHAT) }),
  });
  return openPanel(name, files, FAMILY_TEXT, 'cat.md', chat === true);
}

/** The first panel, compared with the second one's explanation. */
export async function comparePanels(first: OpenPanel, second: OpenPanel, kind: 'text' | 'model'): Promise<FamilyPanel> {
  const [a, b] = [first.shown.explanation.tokens, second.shown.explanation.tokens];
  const spans = alignTokens(a, b, true);
  const [runA, runB] = [first.shown.explanation.run, second.shown.explanation.run];
  const sameVocabulary = (await first.remote.ask(runA, 'vocabularyKey', {})) === (await second.remote.ask(runB, 'vocabularyKey', {}));
  const divergence = sameVocabulary
    ? await divergenceInParts(spans, a, b, async (positions, others) => {
        const { logits } = await second.remote.ask(runB, 'logits', { positions: others });
        return (await first.remote.ask(runA, 'divergence', { positions, other: { kind: 'logits', logits } })).bits;
      })
    : null;
  return {
    shown: first.shown,
    answer: (query, side) => (side === 'second' ? second : first).answer(query),
    change: first.change,
    comparison: {
      serial: 1,
      with: first.shown.serial,
      kind,
      source: second.shown.source,
      model: kind === 'model' ? '/models/second' : null,
      explanation: second.shown.explanation,
      notices: [],
      sameVocabulary,
      divergence,
    },
  };
}

/** A panel's data, with the engine that answers its questions. */
export interface OpenPanel extends FamilyPanel {
  readonly change: (recipe: Recipe) => Promise<ShownExplanation>;
  readonly remote: Remote<WorkerApi>;
}

/** Opens a tiny model with this generation_config.json. */
export async function openRuled(config: Readonly<Record<string, unknown>>): Promise<OpenPanel> {
  const files = folder(`${FIXTURES}/llama`, {
    'tokenizer.json': JSON.stringify(LETTERS_TOKENIZER),
    'generation_config.json': JSON.stringify(config),
  });
  return openPanel('llama', files, FAMILY_TEXT, 'cat.md', false);
}

/** Opens the bundled model and explains a text with it. */
export async function openBundled(text: string, label = 'sample.md'): Promise<OpenPanel> {
  return openPanel('explain-tokens-9m', folder('media/models/explain-tokens-9m'), text, label, false);
}

async function openPanel(name: string, files: ModelFiles, text: string, label: string, chat: boolean): Promise<OpenPanel> {
  const runtime = native();
  const engine = createEngine({ runtime: () => runtime, runtimeKind: runtime.kind, openFiles: async () => files });
  const context = { progress: async () => undefined, checkpoint: async () => undefined };
  await engine.open(context, { kind: 'folder', name, path: name });
  const explanation = await engine.explain(context, { text, topK: 10, chat });
  const remote = Object.fromEntries(
    Object.entries(engine).map(([name, call]) => [name, (...args: never[]) => (call as (...all: unknown[]) => unknown)(context, ...args)]),
  ) as unknown as Remote<WorkerApi>;
  const source = { uri: `file:///${label}`, start: 0, end: text.length, label };
  let { run } = explanation;
  let serial = 1;
  return {
    shown: { serial, source, explanation, notices: [] },
    answer: ({ name, args }) => remote.ask(run, name, args),
    change: async (recipe) => {
      const changed = await engine.explain(context, { text, topK: 10, chat, recipe });
      ({ run } = changed);
      return { serial: ++serial, source, explanation: changed, notices: [] };
    },
    remote,
  };
}
