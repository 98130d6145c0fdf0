"""Blocks of every quantised ggml type and the numbers they stand for: expectations of test/unit/model/gguf/dequantize.test.ts.

    LLAMA_CPP=CHECKOUT GGML=FOLDER python test/reference/gguf_blocks.py

As gguf_models.py; needs numpy and safetensors. Writes test/fixtures/gguf/blocks.safetensors: for each type its blocks [N, bytes] and TYPE.values [N, numbers].
Blocks are random bytes, their scales float16 numbers of every magnitude, subnormal, zero and negative ones too. ggml and gguf-py must agree on each number.
"""
import ctypes
import os
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path[:0] = [os.environ["LLAMA_CPP"] + "/gguf-py"]
import gguf  # noqa: E402

GGML = ctypes.CDLL(os.environ["GGML"] + "/libggml-base.so")
Q = gguf.GGMLQuantizationType
# Where in a block its float16 scales are.
SCALES = {Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q8_0: [0], Q.Q2_K: [80, 82], Q.Q3_K: [108], Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208], Q.IQ4_NL: [0], Q.IQ4_XS: [0],
          Q.IQ2_XXS: [0], Q.IQ2_XS: [0], Q.IQ2_S: [0], Q.IQ3_XXS: [0], Q.IQ3_S: [0], Q.IQ1_S: [0], Q.IQ1_M: [], Q.TQ1_0: [52], Q.TQ2_0: [64], Q.MXFP4: []}


def main():
    random = np.random.default_rng(11)
    found = {}
    for kind, places in SCALES.items():
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = 40 if elements == 32 else 10 if kind in (Q.Q2_K, Q.Q3_K, Q.Q4_K, Q.Q5_K, Q.Q6_K, Q.IQ4_XS) else 6
        blocks = random.integers(0, 256, (count, size), np.uint8)
        for place in places:
            scales = random.standard_normal(count).astype(np.float16)
            # Any finite float16, by its bits.
            scales[: count // 2] = (random.integers(0, 0x7C00, count // 2) | (random.integers(0, 2, count // 2) << 15)).astype(np.uint16).view(np.float16)
            scales[0] = 0
            scales[1] = np.float16(6e-8)
            blocks[:, place:place + 2] = scales.view(np.uint8).reshape(count, 2)
        if kind == Q.IQ1_M:
            # Its scale lies in the upper four bits of four 16-bit words.
            scales = random.standard_normal(count).astype(np.float16).view(np.uint16)
            words = blocks[:, 48:56].copy().view(np.uint16)
            for piece in range(4):
                words[:, piece] = (words[:, piece] & 0x0FFF) | (((scales >> (4 * piece)) & 15) << 12)
            blocks[:, 48:56] = words.view(np.uint8)
        values = np.zeros((count, elements), np.float32)
        dequantize = getattr(GGML, f"dequantize_row_{kind.name.lower().replace('_k', '_K')}")
        dequantize(blocks.ctypes.data_as(ctypes.c_void_p), values.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(values.size))
        assert np.array_equal(gguf.quants.dequantize(blocks, kind).view(np.uint32) & 0x7FFFFFFF, values.view(np.uint32) & 0x7FFFFFFF), kind
        found[kind.name] = blocks
        found[f"{kind.name}.values"] = values
    save_file(found, Path(__file__).parent.parent / "fixtures" / "gguf" / "blocks.safetensors")


if __name__ == "__main__":
    main()
