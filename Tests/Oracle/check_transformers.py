"""Averages and converts folders that transformers wrote, and has transformers load the results.

Usage: check_transformers.py --tool PATH --ckpt PATH (needs torch, safetensors and transformers)
"""

import argparse
import pathlib
import sys
import tempfile

import torch
import transformers

from check_torch import mean, same
from report import Report, run_tool

SMALL = {"vocab_size": 512, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}


def llama():
    """A decoder with a head that is tied to the embedding."""
    config = transformers.LlamaConfig(**SMALL, num_key_value_heads=2, tie_word_embeddings=True)
    return transformers.LlamaForCausalLM(config)


def gpt2():
    """A decoder whose linear layers are transposed."""
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=512, n_embd=64, n_layer=3, n_head=4, n_positions=64))


def bert():
    """An encoder with a classifier."""
    return transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL, num_labels=3))


def resnet():
    """A convolutional network with running statistics."""
    return transformers.ResNetForImageClassification(transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=3))


MODELS = {"llama": llama, "gpt2": gpt2, "bert": bert, "resnet": resnet}


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--ckpt", required=True)
    options = parser.parse_args()
    tool, ckpt = (pathlib.Path(path).resolve() for path in (options.tool, options.ckpt))
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        for kind in MODELS:
            check_model(kind, tool, ckpt, pathlib.Path(name), report)
    return report.finish()


def made(kind, seed):
    """A model with random weights, statistics among them."""
    torch.manual_seed(seed)
    model = MODELS[kind]().eval()
    for name, values in model.named_buffers():
        if "running" in name:
            values.uniform_(0.5, 1.5)
    return model


def answer(model):
    """What a model says to one input."""
    torch.manual_seed(0)
    if isinstance(model, transformers.ResNetForImageClassification):
        inputs = torch.randn(1, 3, 32, 32)
    else:
        inputs = torch.randint(0, 512, (1, 16))
    with torch.no_grad():
        return model(inputs).logits


def problem_of(folder, members):
    """What is wrong with a model that transformers loads from a folder; it should be the mean of members."""
    # A weight that is missing would be random, and one that is not known would be left out.
    model, loading = type(members[0]).from_pretrained(folder, output_loading_info=True)
    wrong = {key: value for key, value in loading.items() if value}
    if wrong:
        return f"transformers says {wrong}"
    expected = made_of(members)
    state, expected_state = model.state_dict(), expected.state_dict()
    differing = [name for name, values in expected_state.items() if not same(state[name], values)]
    if differing or set(state) != set(expected_state):
        return f"{differing[:3]} of {len(expected_state)} tensors differ"
    # The same weights at other places in memory may be summed up in another order.
    is_close = torch.allclose(answer(model.eval()), answer(expected), rtol=1e-4, atol=1e-6)
    return None if is_close else "it answers otherwise"


def made_of(members):
    """A model whose tensors are the float64 means of those of others."""
    model = type(members[0])(members[0].config).eval()
    states = [member.state_dict() for member in members]
    averaged = {name: mean([state[name] for state in states]) for name in states[0]}
    model.load_state_dict(averaged)
    return model


def check_model(kind, tool, ckpt, folder, report):
    """Files and shards of two models."""
    models = [made(kind, seed) for seed in (1, 2)]
    for label, size in (("one file", "1GB"), ("shards", "50KB")):
        paths = [folder / f"{kind}-{label}-{number}" for number in (1, 2)]
        for model, path in zip(models, paths, strict=True):
            model.save_pretrained(path, max_shard_size=size)
        out = folder / f"{kind}-{label}-mean"
        problem = run_tool(tool, ["merge", *paths, "-o", out])
        report.check(f"{kind}, {label}: mean", problem or problem_of(out, models))
        problem = run_tool(tool, ["merge", *paths, "-o", f"{folder / kind}-{label}-cut/", "--max-shard-size", "80KB"])
        report.check(f"{kind}, {label}: mean in other shards", problem or problem_of(folder / f"{kind}-{label}-cut", models))
        torch_folder = folder / f"{kind}-{label}-torch"
        problem = run_tool(ckpt, ["convert", paths[0], "-o", f"{torch_folder}/", "--format", "pytorch"])
        report.check(f"{kind}, {label}: as PyTorch", problem or problem_of(torch_folder, models[:1]))
        back = folder / f"{kind}-{label}-back"
        problem = problem or run_tool(ckpt, ["convert", torch_folder, "-o", f"{back}/", "--format", "safetensors"])
        report.check(f"{kind}, {label}: and back", problem or problem_of(back, models[:1]))


if __name__ == "__main__":
    sys.exit(main())
