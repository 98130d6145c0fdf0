"""What peft computes for tiny models with LoRA adapters: expectations of test/golden/adapters.test.ts.

    python test/reference/adapter_cases.py

Needs torch, transformers 5.18, peft 0.21 and safetensors. The base models are those of test/fixtures/models/llama and gpt2. Writes
test/fixtures/models/adapters/CASE/{adapter_config.json,adapter_model.safetensors} and CASE.safetensors, which holds input_ids [T]
and logits [T,V] of the model with its adapter beside the weights, not merged, in float32.
"""
import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

MODELS = Path(__file__).parent.parent / "fixtures" / "models"
OUT = MODELS / "adapters"
ATTENTION = ["q_proj", "v_proj"]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# case -> (base model, options of the adapter)
CASES = {
    "lora": ("llama", dict(r=3, lora_alpha=8, target_modules=ATTENTION)),
    "patterns": ("llama", dict(r=2, lora_alpha=4, target_modules=ALL, rank_pattern={"layers.1.mlp.down_proj": 4},
                               alpha_pattern={"q_proj": 6, "layers.0.mlp.up_proj": 1.5})),
    "rank_stabilized": ("llama", dict(r=4, lora_alpha=2, target_modules=ALL, use_rslora=True)),
    "dora": ("llama", dict(r=2, lora_alpha=4, target_modules=ALL, use_dora=True)),
    "whole_head": ("llama", dict(r=2, lora_alpha=4, target_modules=ATTENTION, modules_to_save=["lm_head"])),
    "gpt2": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True, bias="all")),
    "gpt2_dora": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True, use_dora=True)),
    "bias_of_b": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_fc"], fan_in_fan_out=True, lora_bias=True)),
}

shutil.rmtree(OUT, ignore_errors=True)
for number, (case, (base, options)) in enumerate(CASES.items()):
    torch.manual_seed(number)
    model = AutoModelForCausalLM.from_pretrained(MODELS / base, dtype=torch.float32, attn_implementation="eager")
    vocab = model.config.vocab_size
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options)).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name or "modules_to_save" in name or (options.get("bias") == "all" and name.endswith("bias")):
                parameter.add_(torch.randn_like(parameter) * 0.2)
        ids = torch.randint(0, vocab, (6,))
        logits = adapted(ids[None]).logits[0]
        plain = AutoModelForCausalLM.from_pretrained(MODELS / base, dtype=torch.float32)(ids[None]).logits[0]
    assert (logits - plain).abs().max() > 0.1, case
    folder = OUT / case
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({"input_ids": ids, "logits": logits.contiguous()}, OUT / f"{case}.safetensors")
    for file in [OUT / f"{case}.safetensors", *folder.iterdir()]:
        file.chmod(0o644)
    print(case, "%.3g" % (logits - plain).abs().max())
