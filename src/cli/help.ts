import { REPORT_PARTS } from '../report/reportQuestions.ts';
import { RANDOM_ORDERS } from '../core/deletion.ts';
import { SPAN_METHODS, type AttributionMethod } from '../core/attribution.ts';

/** What each method of attribution is, and what it is not. */
const METHODS: Readonly<Record<AttributionMethod, string>> = {
  'gradient-x-input': 'slope at the input times the input; fast, but true of small changes only, not of a word left out',
  'integrated-gradients': 'mean slope from the average token to the text; sums to the change, but passes inputs that are no text',
  hidden: 'loss when no later token attends to it; exact, but at its own place it still counts: the position itself has 0',
  replaced: 'loss when it becomes the average of all tokens; exact, but that is no token, and its own strangeness counts too',
  removed: 'loss in the text without it; exact, but what follows moves up, and what is left may be no sentence',
  'alti-logit': 'what heads say directly, taken back to the words that attention mixed; sums to their parts, without what MLPs say',
  'value-weighted': 'share of what attention brings to the position, by length; knows nothing of the token that is explained',
  rollout: "heads' mean attention through all layers, as shares; where something could flow, not whether it counts",
};

/** Output of `--help`. */
export const HELP = `Runs a language model over a text and writes what happened inside it, or what it would write next.

Usage: explain-tokens trace [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens generate [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens compare [options] (--text TEXT | --file PATH) (--with-text TEXT | --with-file PATH | --with-model PATH)
       explain-tokens score [options] FILE_OR_FOLDER...
       explain-tokens why [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens patch [options] (--text TEXT | --file PATH) (--with-text TEXT | --with-file PATH)
       explain-tokens steer [options] (--positive-text TEXT | --positive-file PATH) (--negative-text TEXT | --negative-file PATH)
       explain-tokens sizes [options] (--text TEXT | --file PATH) --models A,B,C
       explain-tokens report [options] (--text TEXT | --file PATH) --output FILE.tokens.html
       explain-tokens verify FILE.tokens.html [--tolerance X] [--with-model PATH]
       explain-tokens download ID [--output DIR] [--gguf FILE]
       explain-tokens mcp [--runtime RUNTIME] [MODEL...]

  --text TEXT         the text
  --file PATH         a UTF-8 text file; - reads standard input
  --ids 1,2,3         exactly these token ids, adding nothing; needs no tokenizer
  --model PATH        model folder in Hugging Face layout, or GGUF file (default: the bundled model)
  --chat              read the text as a user's message in the model's chat template
  --recipe FILE       change the model while it runs: a JSON file of interventions; trace, generate, compare (both sides), why,
                      report
  --steer FILE        add a control vector to the residual while the model runs: a GGUF file as steer writes it and llama.cpp reads it;
                      trace, generate, compare (both sides), why
  --strength X        times so much, as llama.cpp's --control-vector-scaled (default 1); --strength=-0.5 turns it round
  --steer-on TOKENS   all (default), prompt or generated: to which tokens it is added
  --format FORMAT     trace, why: json (default) or safetensors; generate: text (default on a terminal) or json
  --window N          trace: of a text longer than the model reads at once, the N-th window, counted from 1; windows begin half
                      of their length apart, and the text is tokenized as a whole
  --output PATH       write to a file instead of standard output; it appears when it is whole
  --top K             candidates listed per position in JSON (default 10)
  --runtime RUNTIME   auto (default: native where that works), wasm or native
  --native-runtime DIR
                      folder in which onnxruntime-node was installed, to use it instead of the one shipped
  --with-text TEXT, --with-file PATH
                      compare, report: with another text, read by the same model; patch: the corrupted text
  --with-model PATH   compare, report: with another model, reading the same text; verify: the other model of the report's comparison
  --help, --version

For score, which reads whole texts of any length in windows; - is standard input, and a folder stands for the text files in it:
  --by UNIT           file (default), line, word or token: what a record is about
  --format FORMAT     table (default), json or csv
  --stride N          tokens from the begin of a window to the next (default: half the model's context, which is a window's length)
  --max-bits-per-byte X
                      exit code 3 if a file takes more; which, is told on standard error

For score, generate, report and verify by an engine that serves the model, in place of a model on this machine: vLLM, SGLang, TGI,
llama.cpp, Ollama, LM Studio, or another server of OpenAI's completions, recognised by asking. Texts are sent to that address alone; a
redirect elsewhere is not followed. EXPLAIN_TOKENS_ENGINE_KEY: its key
  --engine URL        its address, such as http://localhost:8000
  --model NAME        the model's name there (default: the only one)
  --tokenizer PATH    score, report, verify: model folder or GGUF file with the same tokenizer, for engines that do not tell the bytes of
                      tokens
  --parallel N        score: requests open at once (default 8); windows of all files go out side by side
  --requests N        score, report, verify: requests allowed in all, where the engine scores generated tokens only (llama.cpp) and each
                      token takes one

For sizes, one text through several models, best of one family:
  --models A,B,C      model folders or GGUF files; they are put in the order of their parameters
  --format FORMAT     table (default) or json

For report, which writes a page that shows a text's analysis in any browser, without a network or a model, and that VS Code opens too:
  --include PARTS     ${REPORT_PARTS.join(', ')}, with commas between, all (default), or tokens for nothing besides them
  --position N,M      the tokens of which everything is kept, from 0 (default: the last)

For verify, which reads a report again with the model that is here, and writes the largest difference of each quantity as JSON:
  --tolerance X       exit code 3 if a number is off by more than this share of its quantity's largest one (default 0.0001); of ids the
                      share that differs

For why, where the logit of one token comes from, or its difference to a rival's:
  --position N        where the prediction is made, from 0 (default: the last token): the token is one that may follow it
  --position A-B      the text's own tokens after the positions A to B together: the sum of their log-probabilities
                      (not of logits, which have a scale of their own at each position); by ${SPAN_METHODS.slice(0, -1).join(', ')}
                      and ${SPAN_METHODS.at(-1)}, the others being about one position
  --token ID|TEXT     a number is an id, anything else the text of one token, to the character: " Paris"; as a JSON string
                      it can be digits too: '"7"' (default: the token that follows in the text, after the last the likeliest)
  --rival ID|TEXT     explain the token's logit less this token's (default: none)
  --method NAME       how much each token counts, by one of these (default gradient-x-input), several with commas between, or all:
${Object.entries(METHODS)
  .map(([name, sentence]) => `    ${name}: ${sentence}\n`)
  .join(
    '',
  )}  --deletion          JSON: which method to believe: the token's log-probability as the most important tokens are hidden, by each
                      method and in ${RANDOM_ORDERS} random orders; the lower the mean, the better the method
  --by UNIT           JSON: the tokens' numbers added up too, by word, line or sentence (default: token); hidden, replaced and removed
                      leave each out as a whole

For patch, which puts numbers of the clean text (--text) into the corrupted one (--with-text), one cell at a time, and writes which share of
the logit difference each restores: 0 is the corrupted text's, 1 the clean one's; first the gradient's estimate, then measured:
  --grid GRID         residual (default; at the input of each layer, by token), attention or mlp (what a layer's puts out, by token), or
                      heads (what a head puts out, at all tokens)
  --position N        where the prediction is made, in the clean text (default: its last token)
  --token ID|TEXT, --rival ID|TEXT
                      the difference of their logits (default: the likeliest after the clean and after the corrupted text)
  --format FORMAT     table (default), json or safetensors

For steer, which makes a control vector, for --steer here and for --control-vector in llama.cpp:
  --positive-text TEXT, --negative-text TEXT
                      a text of each side; may be given several times
  --positive-file PATH, --negative-file PATH
                      texts of each side, one a line
  --read READ         last (default): the residual at each text's last token; mean: its mean over the tokens. The vector is the
                      difference of the means of the two sides
  --token ID|TEXT, --rival ID|TEXT
                      in place of texts: the unembedding's row of a token, less that of another; with --text or --file, on which the
                      residual's length is measured
  --layers N,M|all    at the input of which layers (default: the one in the middle); their number itself is after the last. The file
                      calls what is at the input of layer N direction.N-1, the output of the layer before, and has none before layer 2
  --name NAME         kept in the file (default: its name)
                      A vector is as long as the residual is at its place (the median over the texts' tokens): a strength is in units
                      of that. Lengths are printed when --output names the file

For download, from the Hugging Face hub (HF_ENDPOINT, HF_TOKEN); broken off, it goes on with the same command:
  --output DIR        folder in which the model's folder is made (default: the current one); its path is printed
  --gguf FILE         this GGUF file instead of the files in Hugging Face layout

For mcp, which serves tools to agents by the Model Context Protocol on standard input and output, and ends with its client: MODEL are
model folders and GGUF files that the agents may ask besides the bundled model, the first of them where they name none. They can open
no other file, and download nothing.

For generate, with filters applied in this order, after the rules of the model's generation_config.json:
  --tokens N          tokens generated at most (default 50)
  --temperature T     divides the logits (default 1); 0 is --greedy
  --top-k K           keep the K likeliest tokens (default 0: all)
  --top-p P           keep the likeliest tokens whose probabilities reach P (default 1: all)
  --min-p P           keep tokens at least P times as likely as the likeliest (default 0: all)
  --seed S            decides the draws (default 0): the same seed, the same text
  --greedy            always take the likeliest token
  --past-end          go on past a token that ends a generation, to the limit of --tokens

trace, JSON: the model, and per token its id, text, bytes, UTF-16 offsets, log-probability (natural), rank, entropy (bits) and
the most likely tokens after it. With --ids there is no text: bytes and offsets are empty. With --window, which tokens of the
whole these are; offsets are those in the whole text.
safetensors: input_ids, logits, embedding, resid.0 .. resid.L, attentions.0 .. (rows are queries);
             of what a layer has in place of attention weights, or beside them, mixing.l, its effective attention.
generate, JSON: the model, what of its generation_config.json is applied, left out or suggested, the prompt's ids, and per
step the token drawn, its probability by the model, at the temperature and after the filters, what each filter took away, the
number drawn, the tokens run, the cache of keys and values, and the likeliest tokens; then the text and why it ended: eos,
limit or context. As text: what the model writes, as it is written.
why, safetensors, F32: target [1], before a final soft cap; direct.embedding [1], direct.heads [L, H], direct.mlp [L], with
per-layer embeddings direct.per_layer [L], with layers that keep a state direct.recurrence [L], direct.rest
[1] (every bias), which sum to it, the scales of all norms held fixed; grad.resid.0 .. [T, D], its gradient at the input of
each block; attribution.NAME [T]. JSON: the same, of gradients their product with the input, by layer and token; tokens,
candidates, sums, and of methods whose values should sum to a difference how far they are from it. Of a span there are no
direct parts and no candidates; JSON lists its tokens with their log-probabilities (natural), which sum to target.
A recipe is {"version": 1, "steps": [...]}, each step one of (layers, heads and positions count from 0):
  {"kind": "head", "layer": 1, "head": 2, "action": "zero"}, or "scale" with "factor": the head's output before the projection
  {"kind": "mlp", "layer": 0, "action": "zero"}, or "scale" with "factor": the output of the layer's MLP
  {"kind": "key", "key": 2, "action": "cut"}: no later token sees this one; {"kind": "edge", "query": 5, "key": 2, "action": "cut"}:
  one token does not; both in all layers and heads, or in "layer" and "head"
  {"kind": "steer", "layer": 6, "action": "add", "values": [...], "strength": 0.5}: the vector, so many times, is added to the
  residual at the layer's input; to all tokens, or with "on" to those of the "prompt" or to those "generated" after it alone
Files named *.recipe.json are completed and checked in VS Code. JSON results name the recipe; with generate it acts on the prompt
and on every token generated, and compare applies it to both sides.
compare writes JSON: both sides' totals (bits, bits per token and per byte), and per aligned row the tokens of each side, their
surprisal in bits, how much likelier the second side found them (bits) and KL(first || second) of the distributions that
predicted them, in bits; "finalKl" is that after the ends. Texts are aligned by the longest common subsequence of their ids,
models whose ids differ by characters, without KL.
score: a text is made into tokens once, with BOS at its start where the tokenizer adds it, and every token is scored in the
first window that holds it, as in "Perplexity of fixed-length models" of Hugging Face's documentation. lm-eval's rolling log-
likelihood has windows that share one token, as ours do with a stride one less than the context; its last one reaches further
back, and where the tokenizer adds no BOS it puts one (or EOS) before the text, whose first token stays unscored here. JSON:
"window" and "stride", and "files" with file, bytes, bits, bitsPerByte, tokens, scored (tokens that were predicted; bytes and
bits are theirs) and omitted (UTF-16 units not read). By token "scores": index, id, start, end (UTF-16 offsets in the text) and
logprob (natural; null for the first, which nothing precedes). By line "lines", with line from 1; a token belongs to the line it
begins in. By word "words", cut by Unicode's rules and dictionaries; "word" is false for what stands between words; words that
share a token are one. Exit code 3 past the limit, 1 if a file could not be read; the others are written all the same.
score by an engine: the windows have 8,192 tokens at most, one less than the engine reads at once; what is sent is the text's tokens
where it takes ids. JSON: "model" has the engine, its version and address; ids are null where it tells none.
report by an engine: it holds what the engine returned, the tokens, their log-probabilities and alternatives, and not its address.
sizes: tokens of different tokenizers are aligned by characters, in the smallest spans that all cover; bits per byte are those of
spans that every model predicted. "first" is the smallest model whose first choice each token of the span was. From four different
sizes on "fit" is the power law nearest to them, factor * parameters ^ exponent, with the residuals (natural logarithm): of these
models and this text, no more.
Exit codes: 0 done, 1 a model or file cannot be used, 2 bad usage, 3 past a limit, 130 stopped by Ctrl+C, 143 by SIGTERM, 129 by SIGHUP.
`;
