"""The Llama layout in plain PyTorch, with the parameter names of `transformers.LlamaForCausalLM` (without their `model.` prefix)."""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

NORM_EPSILON = 1e-5
IGNORE_FUTURE = -1e9
QUERY_BLOCK = 256


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the decoder; the defaults are the bundled model's."""

    vocab: int = 16_384
    dim: int = 256
    layers: int = 6
    heads: int = 8
    mlp_dim: int = 704
    context: int = 1_024
    rope_theta: float = 10_000.0


class RMSNorm(nn.Module):
    """x / rms(x) * weight, rms over the last axis (Zhang and Sennrich 2019)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.size(-1),), self.weight, NORM_EPSILON)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions on [..., token, headDim], halves paired as in Llama (Su et al. 2021)."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def causal_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """softmax(Q K^T / sqrt(d)) V under the causal mask; all [batch, head, token, headDim].

    On the CPU plain products, compiled, run faster than the flash kernel at these sizes; blocks of queries skip the keys that come later.
    """
    if query.is_cuda:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    mixed = []
    for start in range(0, query.size(-2), QUERY_BLOCK):
        part = query[..., start : start + QUERY_BLOCK, :] * query.size(-1) ** -0.5
        end = start + part.size(-2)
        scores = part @ key[..., :end, :].transpose(-1, -2)
        visible = torch.ones(part.size(-2), end, dtype=torch.bool, device=query.device).tril(start)
        weights = scores.float().masked_fill(~visible, IGNORE_FUTURE).softmax(-1)
        mixed.append(weights.to(value.dtype) @ value[..., :end, :])
    return torch.cat(mixed, -2)


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(config.dim, config.dim, bias=False) for _ in range(4))

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        batch, tokens, dim = x.shape
        query, key, value = (project(x).view(batch, tokens, self.heads, -1).transpose(1, 2) for project in (self.q_proj, self.k_proj, self.v_proj))
        cos, sin = cos.to(query.dtype), sin.to(query.dtype)
        mixed = causal_attention(rotate(query, cos, sin), rotate(key, cos, sin), value)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class MLP(nn.Module):
    """SwiGLU (Shazeer 2020)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.dim, config.mlp_dim, bias=False)
        self.up_proj = nn.Linear(config.dim, config.mlp_dim, bias=False)
        self.down_proj = nn.Linear(config.mlp_dim, config.dim, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.dim)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.dim)
        self.mlp = MLP(config)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


def run_block(block: Block, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    return block(x, cos, sin)


class Llama(nn.Module):
    """Decoder with tied embeddings. `hidden` gives the normed residual [batch, token, dim], `loss` the mean cross entropy in nats."""

    run_block = staticmethod(run_block)                      # train.py replaces it by its compiled form, one for all blocks

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab, config.dim)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.dim)
        head_dim = config.dim // config.heads
        frequencies = config.rope_theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        angles = torch.outer(torch.arange(config.context).float(), frequencies).repeat(1, 2)     # [context, headDim]
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                into_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * config.layers) if into_residual else 1))

    def hidden(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed_tokens(ids)
        cos, sin = self.cos[: ids.size(1)], self.sin[: ids.size(1)]
        for block in self.layers:
            x = self.run_block(block, x, cos, sin)
        return self.norm(x)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits [batch, token, vocab]."""
        return F.linear(self.hidden(ids), self.embed_tokens.weight)

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        hidden = self.hidden(ids)
        return TiedCrossEntropy.apply(hidden.flatten(0, 1), self.embed_tokens.weight, targets.flatten())


def probabilities_and_loss(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of the summed cross entropy with respect to the logits, [token, vocab], and that sum."""
    scores = logits.float()
    top = scores.amax(-1, keepdim=True)
    exponentials = (scores - top).exp()
    total = exponentials.sum(-1, keepdim=True)
    is_target = torch.arange(logits.size(-1), device=logits.device) == targets[:, None]
    loss = (total.log() + top).sum() - torch.where(is_target, scores, 0.0).sum()
    return (exponentials / total - is_target.float()).to(logits.dtype), loss


class TiedCrossEntropy(torch.autograd.Function):
    """Mean cross entropy of hidden @ embedding^T, a chunk of tokens at a time: the [token, vocab] logits never exist at once.

    The gradients are made in the forward pass, while a chunk's logits are still in the cache.
    """

    chunk_loss = staticmethod(probabilities_and_loss)        # train.py replaces it by its compiled form

    @staticmethod
    def forward(ctx, hidden: torch.Tensor, embedding: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        chunk = 4_096 if hidden.is_cuda else 512
        with torch.autocast(device, enabled=False):
            rows, table = hidden.to(dtype), embedding.to(dtype)
            loss = torch.zeros((), device=hidden.device)
            rows_gradient = torch.empty_like(rows)
            table_gradient = torch.zeros(embedding.shape, device=hidden.device)
            for start in range(0, len(rows), chunk):
                part = rows[start : start + chunk]
                gradient, part_loss = TiedCrossEntropy.chunk_loss(part @ table.t(), targets[start : start + chunk])
                loss += part_loss
                if hidden.requires_grad:
                    rows_gradient[start : start + chunk] = gradient @ table
                    table_gradient += gradient.t() @ part
        ctx.save_for_backward(rows_gradient, table_gradient)
        return loss / len(rows)

    @staticmethod
    def backward(ctx, scale: torch.Tensor):
        rows_gradient, table_gradient = ctx.saved_tensors
        scale = scale / len(rows_gradient)
        return rows_gradient * scale.to(rows_gradient.dtype), table_gradient * scale, None
