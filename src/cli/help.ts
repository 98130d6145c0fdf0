export const HELP = `Runs a language model over a text and writes what happened inside it, or what it would write next.

Usage: explain-tokens trace [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens generate [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens compare [options] (--text TEXT | --file PATH) (--with-text TEXT | --with-file PATH | --with-model PATH)
       explain-tokens download ID [--output DIR] [--gguf FILE]

  --text TEXT         the text
  --file PATH         a UTF-8 text file
  --ids 1,2,3         exactly these token ids, adding nothing; needs no tokenizer
  --model PATH        model folder in Hugging Face layout, or GGUF file (default: the bundled model)
  --chat              read the text as a user's message in the model's chat template
  --format FORMAT     trace: json (default) or safetensors; generate: text (default on a terminal) or json
  --output PATH       write to a file instead of standard output
  --top K             candidates listed per position in JSON (default 10)
  --runtime RUNTIME   auto (default: native where onnxruntime-node is installed), wasm or native
  --with-text TEXT, --with-file PATH
                      compare: with another text, read by the same model
  --with-model PATH   compare: with another model, reading the same text
  --help, --version

For download, from the Hugging Face hub (HF_ENDPOINT, HF_TOKEN); broken off, it goes on with the same command:
  --output DIR        folder in which the model's folder is made (default: the current one); its path is printed
  --gguf FILE         this GGUF file instead of the files in Hugging Face layout

For generate, with filters applied in this order:
  --tokens N          tokens generated at most (default 50)
  --temperature T     divides the logits (default 1); 0 is --greedy
  --top-k K           keep the K likeliest tokens (default 0: all)
  --top-p P           keep the likeliest tokens whose probabilities reach P (default 1: all)
  --min-p P           keep tokens at least P times as likely as the likeliest (default 0: all)
  --seed S            decides the draws (default 0): the same seed, the same text
  --greedy            always take the likeliest token

trace, JSON: the model, and per token its id, text, bytes, UTF-16 offsets, log-probability (natural), rank, entropy (bits) and
the most likely tokens after it. With --ids there is no text: bytes and offsets are empty.
safetensors: input_ids, logits, embedding, resid.0 .. resid.L, attentions.0 .. (rows are queries).
generate, JSON: the model, the prompt's ids, and per step the token drawn, its probability by the model, at the temperature and
after the filters, what each filter took away, the number drawn, the tokens run, the cache of keys and values, and the likeliest
tokens; then the text and why it ended: eos, limit or context. As text: what the model writes, as it is written.
compare writes JSON: both sides' totals (bits, bits per token and per byte), and per aligned row the tokens of each side, their
surprisal in bits, how much likelier the second side found them (bits) and KL(first || second) of the distributions that
predicted them, in bits; "finalKl" is that after the ends. Texts are aligned by the longest common subsequence of their ids,
models whose ids differ by characters, without KL.
Exit codes: 0 done, 1 a model or file cannot be used, 2 bad usage.
`;
