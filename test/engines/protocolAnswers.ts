import type { EngineKind } from '../../src/engines/engineApi.ts';
import { isRouted, npyFile, plainNumbers, type RoutedModel, type RoutingArray } from './routedModel.ts';
import type { Candidate, ServedModel } from './servedModel.ts';

type Asked = Readonly<Record<string, unknown>>;
type Answer = object | null;

/** The model's name at the servers. */
export const SERVED_NAME = 'explain-tokens-9m';
/** Ways in which a server misbehaves from its second request about a text on; `null`: none. */
export type Fault =
  | null
  | '401'
  | '429'
  | '500'
  | 'cut off'
  | 'no json'
  | 'no utf-8'
  | 'huge'
  | 'silent'
  | 'wrong ids'
  | 'fewer tokens'
  | 'fewer alternatives'
  | 'another model'
  | 'experts cut off'
  | 'experts of fewer tokens'
  | 'experts as fractions'
  | 'experts beyond all'
  | 'no experts'
  | 'hidden states of fewer tokens'
  | 'hidden states of unequal length'
  | 'no hidden states'
  | 'redirect away';

/** Less than the model's, so that texts of some sentences take windows. */
export const SERVED_CONTEXT = 64;
/** SHA-256 by which Ollama names the file of the weights. */
export const SERVED_HASH = 'ab12'.repeat(16);
const VERSION = { version: '0.0.0-test' };

/** What a server of a protocol answers; null: it has no such page. `fault` turns the numbers of a text wrong. */
export async function answerOf(kind: EngineKind, path: string, asked: Asked, served: ServedModel, fault: Fault): Promise<Answer> {
  return PROTOCOLS[kind](path, asked, served, fault);
}

const PROTOCOLS: Readonly<Record<EngineKind, (path: string, asked: Asked, served: ServedModel, fault: Fault) => Promise<Answer>>> = {
  vllm: async (path, asked, served, fault) => {
    if (path === '/version') return VERSION;
    if (path === '/v1/models') return models('vllm', { max_model_len: SERVED_CONTEXT });
    if (path === '/tokenize') {
      const tokens = served.encode(textIn(asked, 'prompt'));
      return { count: tokens.length, max_model_len: SERVED_CONTEXT, tokens, token_strs: tokens.map(served.entry) };
    }
    return path === '/v1/completions' ? vllmCompletion(asked, served, fault) : null;
  },
  sglang: async (path, asked, served, fault) => {
    if (path === '/get_server_info')
      return { ...VERSION, ...(isRouted(served) ? { enable_return_routed_experts: true, enable_return_hidden_states: true } : {}) };
    if (path === '/v1/models') return models('sglang', { max_model_len: SERVED_CONTEXT });
    if (path === '/v1/tokenize') {
      const tokens = served.encode(textIn(asked, 'prompt'));
      return { tokens, count: tokens.length, max_model_len: SERVED_CONTEXT };
    }
    return path === '/generate' ? sglangGenerate(asked, served, fault) : null;
  },
  tgi: async (path, asked, served, fault) => {
    if (path === '/info')
      return { model_id: SERVED_NAME, max_input_tokens: SERVED_CONTEXT - 1, max_total_tokens: SERVED_CONTEXT, ...VERSION };
    if (path === '/tokenize') {
      const { tokens } = served.tokenizer.encode(textIn(asked, 'inputs'));
      return tokens.map(({ id, start, end, special }) => ({
        id,
        text: special ? served.text(id) : textIn(asked, 'inputs').slice(start, end),
        start,
        stop: end,
      }));
    }
    return path === '/generate' ? tgiGenerate(asked, served, fault) : null;
  },
  'llama.cpp': async (path, asked, served, fault) => {
    if (path === '/props') return { default_generation_settings: { n_ctx: SERVED_CONTEXT }, build_info: 'b0-test' };
    if (path === '/v1/models') return models('llamacpp', { meta: { n_vocab: 16384, n_ctx_train: SERVED_CONTEXT, n_params: 8_900_000 } });
    if (path === '/tokenize')
      return { tokens: served.encode(textIn(asked, 'content')).map((id) => ({ id, piece: pieceOf(served.bytes(id)) })) };
    return path === '/completion' ? llamaCompletion(asked, served, fault) : null;
  },
  ollama: async (path, asked, served, fault) => {
    if (path === '/api/version') return VERSION;
    if (path === '/api/tags') return { models: [{ name: `${SERVED_NAME}:latest` }] };
    if (path === '/api/show')
      return {
        modelfile: `# Modelfile\nFROM /root/.ollama/models/blobs/sha256-${SERVED_HASH}\nTEMPLATE {{ .Prompt }}\n`,
        model_info: { 'general.architecture': 'llama', 'general.parameter_count': 8_900_000, 'llama.context_length': SERVED_CONTEXT },
      };
    if (path !== '/api/generate') return null;
    return ollamaGenerate(asked, served, fault);
  },
  'lm studio': async (path, asked, served, fault) => {
    if (path === '/v1/models') return models('organization_owner', {});
    if (path === '/api/v0/models') return { data: [{ id: SERVED_NAME, object: 'model', type: 'llm', max_context_length: SERVED_CONTEXT }] };
    if (path !== '/v1/responses') return null;
    const ids = served.encode(textIn(asked, 'input'));
    const { tokens, text } = await continued(served, ids, numberIn(asked, 'max_output_tokens'), numberIn(asked, 'top_logprobs'), fault);
    const content = [{ type: 'output_text', text, logprobs: tokens }];
    return { model: nameBy(fault), status: 'completed', output: [{ type: 'reasoning' }, { type: 'message', content }] };
  },
  'openai-compatible': async (path, asked, served, fault) => {
    if (path === '/v1/models') return models('someone', { context_length: SERVED_CONTEXT });
    return path === '/v1/completions' ? openAiCompletion(asked, served, fault) : null;
  },
};

async function vllmCompletion(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const ids = promptIds(asked['prompt'], served);
  if (typeof asked['prompt_logprobs'] !== 'number') return openAiCompletion(asked, served, fault);
  const rows = await promptRows(served, ids, asked['prompt_logprobs'], fault);
  const prompt_logprobs = rows.map((row) =>
    row === null
      ? null
      : Object.fromEntries(
          [row.own, ...row.top].map(({ id, logprob, rank }) => [id, { logprob, rank, decoded_token: served.text(id) }] as const),
        ),
  );
  const prompt_token_ids = fault === 'wrong ids' ? ids.with(3, 77) : ids;
  const routed = isRouted(served) ? await routingBy(served, ids, fault) : null;
  const file = routed && npyFile(routed, fault === 'experts as fractions' ? '<f4' : fault === 'experts beyond all' ? '<u2' : '|u1');
  return {
    model: nameBy(fault),
    choices: [{ index: 0, text: '', prompt_logprobs, prompt_token_ids, routed_experts: base64By(file, fault) }],
  };
}

/** What a server tells of experts; null: nothing. */
async function routingBy(served: RoutedModel, ids: readonly number[], fault: Fault): Promise<RoutingArray | null> {
  if (fault === 'no experts') return null;
  const routed = await served.routing(ids);
  const [tokens, layers, chosen] = routed.dims;
  if (fault === 'experts of fewer tokens')
    return { dims: [tokens - 1, layers, chosen], values: routed.values.slice(0, (tokens - 1) * layers * chosen) };
  return fault === 'experts beyond all' ? { ...routed, values: [...routed.values.slice(1), 32_000] } : routed;
}

function base64By(bytes: Buffer | null, fault: Fault): string | null {
  const text = bytes?.toString('base64') ?? null;
  return fault === 'experts cut off' ? (text?.slice(0, 101) ?? null) : text;
}

async function sglangGenerate(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const ids = promptIds(asked['input_ids'] ?? asked['text'], served);
  const most = numberIn(asked, 'top_logprobs_num');
  const triple = ({ id, logprob }: Candidate): unknown[] => [logprob, id, served.text(id)];
  if (asked['logprob_start_len'] === 0) {
    const rows = await promptRows(served, ids, most, fault);
    return {
      text: '',
      meta_info: {
        ...(isRouted(served) ? await sglangInside(asked, served, ids, fault) : {}),
        input_token_logprobs: rows.map((row, index) => (row === null ? [null, ids[index], served.text(ids[index] ?? 0)] : triple(row.own))),
        input_top_logprobs: rows.map((row) => (row === null || most === 0 ? null : row.top.map(triple))),
      },
    };
  }
  const { max_new_tokens } = asked['sampling_params'] as { readonly max_new_tokens: number };
  const { steps, text } = await continued(served, ids, max_new_tokens, most, fault);
  return {
    text,
    meta_info: {
      finish_reason: { type: 'length', length: max_new_tokens },
      output_token_logprobs: steps.map(({ own }) => triple(own)),
      output_top_logprobs: steps.map(({ top }) => top.map(triple)),
    },
  };
}

/** What a server that was started to tells of the inside, as far as it is asked. */
async function sglangInside(asked: Asked, served: RoutedModel, ids: readonly number[], fault: Fault): Promise<object> {
  const routed = asked['return_routed_experts'] === true ? await routingBy(served, ids, fault) : null;
  const type = fault === 'experts as fractions' ? { routed_experts_dtype: 'float32' } : {};
  if (asked['return_hidden_states'] !== true) return { routed_experts: base64By(routed && plainNumbers(routed), fault), ...type };
  if (fault === 'no hidden states') return {};
  const hidden = await served.hidden(ids);
  if (fault === 'hidden states of fewer tokens') return { hidden_states: [hidden.slice(10)] };
  if (fault === 'hidden states of unequal length') return { hidden_states: [[...hidden.slice(1), [0, 1]]] };
  // The prompt is read in two pieces.
  return { hidden_states: [hidden.slice(0, 10), hidden.slice(10)] };
}

async function tgiGenerate(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const parameters = asked['parameters'] as Asked;
  const ids = served.encode(textIn(asked, 'inputs'));
  const named = ({ id, logprob }: Candidate): object => ({ id, logprob, text: served.text(id), special: id === 0 });
  if (parameters['decoder_input_details'] === true) {
    const rows = await promptRows(served, ids, 0, fault);
    const prefill = rows.map((row, index) =>
      row === null ? { id: ids[index], text: served.text(ids[index] ?? 0), logprob: null } : named(row.own),
    );
    return { generated_text: '', details: { finish_reason: 'length', prefill, tokens: [] } };
  }
  const { steps, text } = await continued(served, ids, numberIn(parameters, 'max_new_tokens'), numberIn(parameters, 'top_n_tokens'), fault);
  return {
    generated_text: text,
    details: {
      finish_reason: 'length',
      prefill: [],
      tokens: steps.map(({ own }) => named(own)),
      top_tokens: steps.map(({ top }) => top.map(named)),
    },
  };
}

/** Its bytes are those of the decoded text, so that parts of characters have lost theirs. */
async function ollamaGenerate(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const { num_predict } = asked['options'] as { readonly num_predict: number };
  const ids = served.encode(textIn(asked, 'prompt'));
  const { steps, text } = await continued(served, ids, num_predict, numberIn(asked, 'top_logprobs'), fault);
  const named = ({ id, logprob }: Candidate): object => {
    const token = served.text(id);
    return { token, logprob, bytes: [...Buffer.from(token)] };
  };
  const half = Math.floor(ids.length / 2);
  return {
    model: fault === 'another model' ? 'someone/else' : asked['model'],
    response: text,
    done: true,
    done_reason: 'length',
    // The beginning is remembered from the request before.
    prompt_eval_count: ids.length - half + (fault === 'wrong ids' ? 1 : 0),
    prompt_eval_cached_count: half,
    logprobs: steps.map(({ own, top }) => ({ ...named(own), top_logprobs: top.map(named) })),
  };
}

async function llamaCompletion(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const ids = promptIds(asked['prompt'], served);
  const { tokens, text } = await continued(served, ids, numberIn(asked, 'n_predict'), numberIn(asked, 'n_probs'), fault);
  return { content: text, stop_type: 'limit', completion_probabilities: tokens };
}

async function openAiCompletion(asked: Asked, served: ServedModel, fault: Fault): Promise<object> {
  const ids = promptIds(asked['prompt'], served);
  const most = numberIn(asked, 'logprobs');
  const { steps, text } = await continued(served, ids, numberIn(asked, 'max_tokens'), most, fault);
  const echoed = asked['echo'] === true ? await promptRows(served, ids, most, fault) : [];
  const name = (id: number): string => {
    const decoded = served.text(id);
    return decoded.includes('\ufffd')
      ? `bytes:${served
          .bytes(id)
          .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
          .join('')}`
      : decoded;
  };
  const rows = [...echoed.map((row, index) => row ?? { own: { id: ids[index] ?? 0, logprob: null }, top: null }), ...steps];
  const logprobs = {
    tokens: rows.map(({ own }) => name(own.id)),
    token_logprobs: rows.map(({ own }) => own.logprob),
    top_logprobs: rows.map(({ top }) => top && Object.fromEntries(top.map(({ id, logprob }) => [name(id), logprob]))),
  };
  const choice = { text, logprobs, finish_reason: 'length' };
  return { model: nameBy(fault), choices: [choice], usage: { prompt_tokens: ids.length, completion_tokens: steps.length } };
}

interface Ranked extends Candidate {
  readonly rank: number;
}

interface Row {
  readonly own: Ranked;
  readonly top: readonly Ranked[];
}

/** What the model gives each token of a prompt; null for the first. */
async function promptRows(served: ServedModel, ids: readonly number[], most: number, fault: Fault): Promise<(Row | null)[]> {
  const after = await served.after(ids);
  const rows = ids.map((id, index): Row | null => {
    const before = after[index - 1];
    if (before === undefined) return null;
    const ranked = before.top(fault === 'fewer alternatives' ? Math.ceil(most / 2) : most).map((each, k) => ({ ...each, rank: k + 1 }));
    const wanted = fault === 'wrong ids' && index === 3 ? id + 1 : id;
    return { own: { id: wanted, logprob: before.logprob(wanted), rank: before.rank(wanted) }, top: ranked };
  });
  return fault === 'fewer tokens' ? rows.slice(0, -1) : rows;
}

interface Continued {
  readonly steps: readonly { readonly own: Candidate; readonly top: readonly Candidate[] }[];
  /** As chats, llama.cpp and Ollama write them. */
  readonly tokens: readonly object[];
  readonly text: string;
}

/** The likeliest tokens after a prompt, one after another. */
async function continued(served: ServedModel, ids: readonly number[], count: number, most: number, fault: Fault): Promise<Continued> {
  const steps: { own: Candidate; top: readonly Candidate[] }[] = [];
  const all = [...ids];
  while (steps.length < count) {
    const [next] = await served.after(all, all.length - 1);
    const top = next?.top(fault === 'fewer alternatives' ? Math.ceil(most / 2) : most) ?? [];
    const [own = { id: 0, logprob: 0 }] = next?.top(1) ?? [];
    all.push(own.id);
    steps.push({ own, top });
  }
  const named = ({ id, logprob }: Candidate): object => ({ id, token: served.text(id), bytes: served.bytes(id), logprob });
  return {
    steps,
    tokens: steps.map(({ own, top }) => ({ ...named(own), top_logprobs: top.map(named) })),
    text: new TextDecoder().decode(Uint8Array.from(steps.flatMap(({ own }) => served.bytes(own.id)))),
  };
}

function models(owned_by: string, more: object): object {
  return { object: 'list', data: [{ id: SERVED_NAME, object: 'model', owned_by, ...more }] };
}

function nameBy(fault: Fault): string {
  return fault === 'another model' ? 'someone/else' : SERVED_NAME;
}

function promptIds(prompt: unknown, served: ServedModel): number[] {
  return Array.isArray(prompt) ? prompt.map(Number) : served.encode(String(prompt));
}

/** llama.cpp writes what is no UTF-8 as a list of bytes. */
function pieceOf(bytes: number[]): string | number[] {
  const text = new TextDecoder().decode(Uint8Array.from(bytes));
  return text.includes('\ufffd') ? bytes : text;
}

function textIn(asked: Asked, name: string): string {
  return String(asked[name]);
}

function numberIn(asked: Asked, name: string): number {
  return Number(asked[name] ?? 0);
}
