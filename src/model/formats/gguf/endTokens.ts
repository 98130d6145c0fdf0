import type { GgufMetadata } from './ggufHeader.ts';
import { readToken, type GgufToken, type Vocabulary } from './vocabulary.ts';

/** Texts of tokens that end an answer, whether or not a file names them: llama.cpp's own list (llama-vocab.cpp, special_eog_ids). */
const ENDS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<｜end▁of▁sentence｜>',
  '[e~[',
]);
/** Texts that end an answer because they begin another file, or fill one up. */
const FILE_ENDS: ReadonlySet<string> = new Set([
  '<|fim_pad|>',
  '<fim-pad>',
  '<fim_pad>',
  '<PAD>',
  '[PAD]',
  '<|fim_repo|>',
  '<|repo_name|>',
  '<fim-repo>',
  '<REPO>',
  '<reponame>',
  '<|file_sep|>',
]);

/** Marks by their spelling alone; others, such as HTML's `</s>`, only where the file says that they are. */
const MARK = /^<[|｜]|^<end_of_/;

/** Whether a token ends an answer, as its text and type say. */
export function isEnd({ text, type }: GgufToken): boolean {
  return ENDS.has(text) && (type === 'control' || MARK.test(text));
}

/**
 * Ids at which generation ends: those the file names, the end of the sequence first, and those whose text says so, as in
 * llama.cpp. `eosMissing`: the end of the sequence where the file names none.
 */
export function endTokens(metadata: GgufMetadata, vocabulary: Vocabulary, eosMissing: number | null): number[] {
  const named = [
    readToken(metadata, 'eos_token_id', vocabulary, eosMissing),
    readToken(metadata, 'eot_token_id', vocabulary, null),
    readToken(metadata, 'eom_token_id', vocabulary, null),
  ].filter((token) => token !== null);
  const found = vocabulary.tokens.filter((token) => isEnd(token) || (token.type === 'control' && FILE_ENDS.has(token.text)));
  const texts = new Set(found.map(({ text }) => text));
  // Where other tokens end the answer, these are within it.
  const calls = texts.has('<|call|>') || texts.has('<|calls|>');
  const within = new Set([
    calls && (texts.has('<|return|>') || texts.has('<|flush|>')) ? '<|end|>' : '',
    texts.has('<|tool_response>') ? '</s>' : '',
  ]);
  return [...new Set([...named, ...found.filter(({ text }) => !within.has(text))].map(({ id }) => id))];
}
