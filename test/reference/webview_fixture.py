"""Computes a true explanation of a short English, Chinese and code text for the webview's tests.

Run from the repository root: python test/reference/webview_fixture.py
Needs torch, transformers, tokenizers, numpy. Writes test/fixtures/webview/explanation.json.gz:
names as in src/core/trace.ts; arrays as {dims, type, base64}. Attention is kept as the lower triangle
in 65,535ths; q, k, v of the two heads the tests look at are kept as float32.
`hidden` is the last layer after the final norm: its product with the embedding table is the logits of any position.
"""
import base64, gzip, json, pathlib, time
import numpy as np
import torch
import transformers.models.llama.modeling_llama as llama
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / 'media/models/explain-tokens-9m'
OUT = ROOT / 'test/fixtures/webview/explanation.json.gz'
TEXT = ('The model reads a line of text, and then the model reads a line of code.\n'
        '你好，世界！今天天气很好。🙂\n'
        'for (let i = 0; i < 10; i++) {\n\tconsole.log(i);\n}\n')
TOP_K, THUMBNAIL, DETAILED = 10, 24, [(2, 5), (3, 2)]


def packed(array, kind):
    array = np.ascontiguousarray(array, dtype=kind)
    return {'dims': list(array.shape), 'type': array.dtype.name, 'base64': base64.b64encode(array.tobytes()).decode()}


def byte_alphabet():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {chr(b): b for b in shown}, 0
    for b in range(256):
        if b not in shown:
            table[chr(256 + extra)] = b
            extra += 1
    return table


tokenizer = Tokenizer.from_file(str(MODEL / 'tokenizer.json'))
alphabet = byte_alphabet()
special_ids = {t['id'] for t in json.loads((MODEL / 'tokenizer.json').read_text())['added_tokens']}


def bytes_of(token_id):
    if token_id in special_ids:
        return b''
    return bytes(alphabet[c] for c in tokenizer.id_to_token(token_id))


def piece(token_id):
    return tokenizer.id_to_token(token_id) if token_id in special_ids else bytes_of(token_id).decode('utf-8', 'replace')


ids = tokenizer.encode(TEXT).ids
if ids[0] != 0:
    ids = [0, *ids]
T = len(ids)
assert b''.join(bytes_of(i) for i in ids) == TEXT.encode()

tokens, offset = [], 0
data = TEXT.encode()
starts, unit = [], 0
for char in TEXT:
    starts += [(unit, unit + len(char.encode('utf-16-le')) // 2, len(char.encode()))] * len(char.encode())
    unit += len(char.encode('utf-16-le')) // 2
boundary, position = set(), 0
for char in TEXT:
    boundary.add(position)
    position += len(char.encode())
boundary.add(position)
for index, token_id in enumerate(ids):
    raw = bytes_of(token_id)
    special = token_id in special_ids
    start = 0 if special else starts[offset][0]
    end = 0 if special else starts[offset + len(raw) - 1][1]
    partial = not special and not (offset in boundary and offset + len(raw) in boundary)
    tokens.append({'index': index, 'id': token_id, 'text': piece(token_id), 'bytes': list(raw), 'start': start, 'end': end,
                   'special': special, 'partial': partial})
    offset += len(raw)

model = LlamaForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation='eager').eval()
config = model.config
L, H, D = config.num_hidden_layers, config.num_attention_heads, config.hidden_size
queries, keys, values, resid = [], [], [], []
rotate = llama.apply_rotary_pos_emb


def recorded(q, k, *rest, **named):
    q, k = rotate(q, k, *rest, **named)
    queries.append(q[0].detach().numpy())
    keys.append(k[0].detach().numpy())
    return q, k


llama.apply_rotary_pos_emb = recorded
for layer in model.model.layers:
    layer.register_forward_pre_hook(lambda _m, args, kwargs: resid.append((args[0] if args else kwargs['hidden_states'])[0].detach().clone()), with_kwargs=True)
    layer.self_attn.v_proj.register_forward_hook(lambda _m, _i, out: values.append(out[0].detach().view(T, H, -1).transpose(0, 1).numpy()))
model.model.norm.register_forward_pre_hook(lambda _m, args: resid.append(args[0][0].detach().clone()))

with torch.no_grad():
    started = time.perf_counter()
    out = model(torch.tensor([ids]), output_attentions=True)
    forward_ms = (time.perf_counter() - started) * 1000
    attention = torch.stack(out.attentions)[:, 0].double().numpy()
    logits = out.logits[0].double()
    logp = torch.log_softmax(logits, -1)
    prob = logp.exp()
    entropy = -(prob * logp).sum(-1) / np.log(2)
    hidden = model.model.norm(resid[-1]).numpy()

following = torch.tensor(ids[1:])
own = logp[:-1].gather(1, following[:, None])[:, 0]
rank = (logits[:-1] > logits[:-1].gather(1, following[:, None])).sum(-1) + 1
top = torch.topk(prob, TOP_K)

metrics = np.full((L, H, 4), np.nan)
# The query itself is no successor, although it follows its own token where that is doubled.
previous_of = [[j for j in range(1, i - 1) if ids[j] == ids[i]] for i in range(T)]
for l in range(L):
    for h in range(H):
        a = attention[l, h]
        pairs = [(i, j + 1) for i in range(T) for j in previous_of[i]]
        metrics[l, h] = [np.mean([a[i, i - 1] for i in range(1, T)]),
                         np.mean([sum(a[i, j] for q, j in pairs if q == i) for i in sorted({q for q, _ in pairs})]),
                         np.mean(a[1:, 0]),
                         np.mean(-(np.where(a > 0, a * np.log2(np.maximum(a, 1e-300)), 0)).sum(-1))]

edges = [T * s // THUMBNAIL for s in range(THUMBNAIL + 1)]
thumbnails = np.zeros((L, H, THUMBNAIL, THUMBNAIL))
for r in range(THUMBNAIL):
    for c in range(THUMBNAIL):
        thumbnails[:, :, r, c] = attention[:, :, edges[r]:edges[r + 1], edges[c]:edges[c + 1]].max((2, 3))

pieces = {i: piece(i) for i in set(top.indices.flatten().tolist())}
lens = []
with torch.no_grad():
    for layer in range(L + 1):
        lg = model.lm_head(model.model.norm(resid[layer])).double()
        lp = torch.log_softmax(lg, -1)
        best = lp.max(-1)
        target = lg[:-1].gather(1, following[:, None])
        pad = lambda x, fill: torch.cat([x.double(), torch.tensor([fill], dtype=torch.float64)]).numpy()
        lens.append({'layer': layer, 'topIds': packed(best.indices.numpy(), 'int32'), 'topProbs': packed(best.values.exp().numpy(), 'float32'),
                     'nextRank': packed(pad((lg[:-1] > target).sum(-1) + 1, 0), 'int32'),
                     'nextProb': packed(pad(lp[:-1].gather(1, following[:, None])[:, 0].exp(), float('nan')), 'float32'),
                     'entropy': packed((-(lp.exp() * lp).sum(-1) / np.log(2)).numpy(), 'float32'),
                     'kl': packed(((prob * (logp - lp)).sum(-1) / np.log(2)).numpy(), 'float32'),
                     'pieces': {i: piece(i) for i in set(best.indices.tolist())}})

projections = []
for layer in range(-1, L + 1):
    rows = (model.model.embed_tokens.weight[torch.tensor(ids)] if layer < 0 else resid[layer]).detach().double().numpy()
    for skip in (False, True):
        used = rows[1:] if skip else rows
        mean = used.mean(0)
        _, s, vt = np.linalg.svd(used - mean, full_matrices=False)
        vt = vt[:3] * np.sign(vt[:3][np.arange(3), np.abs(vt[:3]).argmax(1)])[:, None]
        projections.append({'layer': layer, 'leftOut': int(skip), 'points': packed((rows - mean) @ vt.T, 'float32'),
                            'explained': packed((s[:3] ** 2) / (s ** 2).sum(), 'float32'), 'norms': packed(np.linalg.norm(rows, axis=1), 'float32')})

triangle = np.tril_indices(T)
fixture = {
    'model': {'name': MODEL.name, 'family': config.model_type, 'layers': L, 'heads': H, 'kvHeads': config.num_key_value_heads,
              'headDim': config.head_dim, 'dim': D, 'vocab': config.vocab_size, 'contextLength': config.max_position_embeddings,
              'parameters': sum(p.numel() for p in model.parameters()), 'weightType': 'F16', 'positions': 'rotary', 'norm': 'RMSNorm',
              'runtime': 'native', 'threads': torch.get_num_threads()},
    'text': TEXT, 'omitted': 0, 'tokens': tokens,
    'logprob': packed(np.concatenate([[np.nan], own.numpy()]), 'float32'), 'rank': packed(np.concatenate([[0], rank.numpy()]), 'int32'),
    'entropy': packed(np.concatenate([[np.nan], entropy[:-1].numpy()]), 'float32'), 'topK': TOP_K,
    'topIds': packed(top.indices.numpy(), 'int32'), 'topProbs': packed(top.values.numpy(), 'float32'), 'pieces': pieces,
    'headMetrics': packed(metrics, 'float32'), 'thumbnailSize': THUMBNAIL, 'thumbnails': packed(np.round(thumbnails * 255), 'uint8'),
    'forwardMs': forward_ms,
    'attention': packed(np.round(attention[:, :, triangle[0], triangle[1]] * 65535), 'uint16'),
    'detailed': [{'layer': l, 'head': h, 'q': packed(queries[l][h], 'float32'), 'k': packed(keys[l][h], 'float32'), 'v': packed(values[l][h], 'float32')} for l, h in DETAILED],
    'hidden': packed(hidden, 'float32'), 'lens': lens, 'projections': projections,
}
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_bytes(gzip.compress(json.dumps(fixture, ensure_ascii=False, separators=(',', ':')).encode(), 9, mtime=0))
print(f'{T} tokens, {OUT.stat().st_size / 1024:.0f} KB')
