"""Trains a family of small models that differ in size alone, for README's plot of one text through many sizes.

    python test/reference/model_sizes.py CORPUS OUTPUT [SIZE ...]

Needs torch, transformers, tokenizers and the program zstd. CORPUS is a folder of NAME.train.jsonl.zst and NAME.heldout.jsonl.zst, a JSON
document a line with its text as "t"; read are the parts of SHARES, which are English prose, general English, English documentation, Chinese
documentation and general Chinese in the corpus of the bundled model. OUTPUT gets a folder a model in Hugging Face layout; SIZE names the
ones to train, all by default. A tokenizer that is in OUTPUT already is used again.

All read the same tokens in the same order, once: rows of CONTEXT tokens, Muon for the matrices of the layers and AdamW for the rest, rates
that fall to 0. Printed are parameters, tokens, the loss of the last tenth of the tokens in bits a token, and the bits per byte of documents
held out. The weights are no part of the product.
"""
import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

# Parts of the corpus by their share of the bytes.
SHARES = {"en_prose": 0.4, "en_general": 0.2, "en_docs": 0.15, "zh_docs": 0.1, "zh_general": 0.15}
# Width, layers and width of the MLP of each size; heads are 16 wide.
SIZES = {"0.09M": (32, 2, 96), "0.12M": (32, 4, 96), "0.18M": (48, 3, 128), "0.33M": (64, 4, 176), "1.5M": (128, 6, 352)}
VOCABULARY = 2048
CONTEXT = 256
ROWS = 8
TOKENS = 1_500_000
HELD_OUT_BYTES = 150_000
# Most characters of a document: a book would be most of its share, and held out only a beginning is read.
LONGEST = {"train": 20_000, "heldout": 1_000}
END = "<|endoftext|>"


def documents(corpus, part, amount):
    """Random documents of all parts, the same ones each time, with `amount` bytes of UTF-8 in all."""
    chosen = []
    for name, share in SHARES.items():
        lines = subprocess.run(["zstd", "-dc", corpus / f"{name}.{part}.jsonl.zst"], check=True, capture_output=True).stdout.splitlines()
        random.Random(0).shuffle(lines)
        left = amount * share
        for line in lines:
            if left <= 0:
                break
            text = json.loads(line)["t"][: LONGEST[part]]
            chosen.append(text)
            left -= len(text.encode())
    random.Random(0).shuffle(chosen)
    return chosen


def tokenizer_of(texts, output):
    """The byte-level BPE tokenizer in `output`, trained where there is none."""
    file = output / "tokenizer.json"
    if not file.exists():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet))
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
        tokenizer.save(str(file))
    return Tokenizer.from_file(str(file))


def rows_of(tokenizer, texts):
    """All documents behind one another, each after END, cut into rows [n, CONTEXT] in random order."""
    ids = torch.tensor([token for encoding in tokenizer.encode_batch(texts) for token in encoding.ids])
    rows = ids[: len(ids) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))]


def optimisers(model):
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    rest = [weight for name, weight in model.named_parameters() if weight.ndim != 2 or "embed" in name]
    return [torch.optim.Muon(matrices, lr=0.02, weight_decay=0.01), torch.optim.AdamW(rest, lr=0.008, betas=(0.9, 0.95), weight_decay=0.0)]


def train(model, rows):
    """Reads all rows once. Returns the loss of the last tenth, in bits a token."""
    optims = optimisers(model)
    peaks = [[group["lr"] for group in each.param_groups] for each in optims]
    batches = rows.split(ROWS)
    losses = []
    for step, batch in enumerate(batches):
        rate = min(1, (step + 1) / 50, (len(batches) - step) / (0.7 * len(batches)))
        for each, own in zip(optims, peaks):
            for group, peak in zip(each.param_groups, own):
                group["lr"] = peak * rate
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for each in optims:
            each.step()
            each.zero_grad()
        losses.append(loss.item() / math.log(2))
        if step % 100 == 0:
            print(f"  {step}/{len(batches)} {sum(losses[-100:]) / len(losses[-100:]):.3f} bits a token", flush=True)
    tenth = losses[-max(1, len(losses) // 10) :]
    return sum(tenth) / len(tenth)


@torch.inference_mode()
def bits_per_byte(model, tokenizer, texts):
    """Of the beginning of each document that fits into the context."""
    bits = size = 0
    for text in texts:
        encoding = tokenizer.encode(text)
        ids = torch.tensor([encoding.ids[:CONTEXT]])
        bits += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1) / math.log(2)
        size += len(text[: encoding.offsets[ids.shape[1] - 1][1]].encode())
    return bits / size


def main(corpus, output, *sizes):
    output.mkdir(parents=True, exist_ok=True)
    # More than enough text: a token is more than two bytes.
    texts = documents(corpus, "train", 4 * TOKENS)
    tokenizer = tokenizer_of(texts, output)
    rows = rows_of(tokenizer, texts)[: TOKENS // CONTEXT]
    held_out = documents(corpus, "heldout", HELD_OUT_BYTES)
    for size in sizes or SIZES:
        width, layers, mlp = SIZES[size]
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=width, intermediate_size=mlp, num_hidden_layers=layers, num_attention_heads=width // 16,
            max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0, rms_norm_eps=1e-5,
        )
        model = LlamaForCausalLM(config)
        start = time.monotonic()
        loss = train(model, rows)
        held = bits_per_byte(model.eval(), tokenizer, held_out)
        parameters = sum(weight.numel() for weight in model.parameters())
        print(f"{size}: {parameters} parameters, {rows.numel()} tokens, {time.monotonic() - start:.0f} s, "
              f"{loss:.3f} bits a token in the end, {held:.4f} bits per byte held out", flush=True)
        folder = output / f"tiny-{size}"
        model.save_pretrained(folder)
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END}))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:3]), *sys.argv[3:])
