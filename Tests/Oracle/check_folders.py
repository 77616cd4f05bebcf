"""Averages folders that libraries wrote, and has the same libraries load the results.

Usage: check_folders.py --tool PATH (needs torch, safetensors, transformers, sentence-transformers, diffusers, peft and keras)
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import diffusers
import keras
import numpy
import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as modules

from check_torch import mean, same
from report import Report, run_tool

SMALL = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = pathlib.Path(parser.parse_args().tool).resolve()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    report = Report()
    checks = [
        check_sentence_transformers, check_pipeline, check_adapters, check_trainer, check_dtype, check_bin, check_index,
        check_missing_index, check_distributed, check_keras_shards, check_meanings, check_keras_meanings,
    ]
    for check in checks:
        with tempfile.TemporaryDirectory() as name:
            check(tool, pathlib.Path(name), report)
    return report.finish()


def differences(state, members):
    """What is wrong with a state that should be the mean of those of members."""
    if set(state) != set(members[0]):
        return f"other names: {sorted(set(state) ^ set(members[0]))[:3]}"
    wrong = [name for name, values in state.items() if not same(values, mean([member[name] for member in members]))]
    return f"{wrong[:3]} of {len(state)} tensors differ" if wrong else None


def made_bert(folder, seed):
    """An encoder with a tokenizer of words of one letter."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(folder)
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def check_sentence_transformers(tool, folder, report):
    """An encoder, pooling and two dense layers."""
    kinds = {"safetensors": {}, "pytorch": {"safe_serialization": False}}
    for kind, options in kinds.items():
        paths = [folder / f"{kind}{seed}" for seed in (1, 2)]
        members = []
        for seed, path in enumerate(paths):
            encoder = modules.Transformer(str(made_bert(folder / f"bert-{kind}{seed}", seed)))
            layers = [modules.Pooling(16, pooling_mode="mean"), modules.Dense(16, 8), modules.Dense(8, 4), modules.Normalize()]
            model = SentenceTransformer(modules=[encoder, *layers], device="cpu")
            model.save_pretrained(str(path), **options)
            members.append(SentenceTransformer(str(path), device="cpu").state_dict())
        problem = run_tool(tool, ["merge", *paths, "-o", folder / f"{kind}-mean"])
        if not problem:
            result = SentenceTransformer(str(folder / f"{kind}-mean"), device="cpu")
            problem = differences(result.state_dict(), members)
            problem = problem or (None if result.encode("a b c").shape == (4,) else "it answers otherwise")
        report.check(f"sentence-transformers, {kind}", problem)
        problem = run_tool(tool, ["merge", *paths, "-o", folder / f"{kind}-mean", "--force"])
        report.check(f"sentence-transformers, {kind}: replaced", problem or differences(
            SentenceTransformer(str(folder / f"{kind}-mean"), device="cpu").state_dict(), members))


def made_pipeline(seed):
    """Noise to pictures: a network, and a schedule that has no weights."""
    torch.manual_seed(seed)
    network = diffusers.UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"))
    return diffusers.DDPMPipeline(unet=network, scheduler=diffusers.DDPMScheduler(num_train_timesteps=10))


def made_latent_pipeline(seed, folder):
    """Words to pictures: a network, an encoder of pictures and one of words."""
    torch.manual_seed(seed)
    network = diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        cross_attention_dim=16, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=4)
    pictures = diffusers.AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, latent_channels=4)
    words = transformers.CLIPTextModel(transformers.CLIPTextConfig(**SMALL, projection_dim=16))
    tokens = made_clip_tokenizer(folder / f"tokens{seed}")
    return diffusers.StableDiffusionPipeline(
        vae=pictures, text_encoder=words, tokenizer=tokens, unet=network,
        scheduler=diffusers.DDIMScheduler(num_train_timesteps=10), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)


def made_clip_tokenizer(folder):
    """A tokenizer of letters."""
    folder.mkdir()
    words = [*"abcdefgh", *(letter + "</w>" for letter in "abcdefgh"), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return transformers.CLIPTokenizer(vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"))


def parts_of(pipeline):
    """The weights of a pipeline by part and name."""
    parts = {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    return {f"{part}.{name}": values for part, module in parts.items() for name, values in module.state_dict().items()}


def check_pipeline(tool, folder, report):
    """Pipelines of diffusers with one network and with three."""
    makers = {"DDPM": made_pipeline, "Stable Diffusion": lambda seed: made_latent_pipeline(seed, folder)}
    for kind, maker in makers.items():
        pipelines = [maker(seed) for seed in (1, 2)]
        paths = [folder / f"{kind} {number}" for number in (1, 2)]
        for pipeline, path in zip(pipelines, paths, strict=True):
            pipeline.save_pretrained(path)
        for label, options in (("", []), (", BF16", ["--out-dtype", "BF16"])):
            out = folder / f"{kind} mean{label}"
            problem = run_tool(tool, ["merge", *paths, "-o", out, *options])
            if not problem and not options:
                problem = differences(parts_of(type(pipelines[0]).from_pretrained(out)), [parts_of(p) for p in pipelines])
            elif not problem:
                loaded = type(pipelines[0]).from_pretrained(out, torch_dtype=torch.bfloat16)
                problem = None if loaded.unet.dtype == torch.bfloat16 else "another dtype"
            report.check(f"diffusers, {kind}{label}", problem)


def check_adapters(tool, folder, report):
    """Adapters of PEFT in the folders of a trainer."""
    made_bert(folder / "base", 0)
    states = []
    for step in (50, 100, 150):
        torch.manual_seed(step)
        base = transformers.BertModel.from_pretrained(folder / "base")
        model = peft.get_peft_model(base, peft.LoraConfig(r=2, lora_alpha=4, init_lora_weights=False, target_modules=["query", "value"]))
        model.save_pretrained(folder / f"run/checkpoint-{step}")
        states.append(load_file(folder / f"run/checkpoint-{step}/adapter_model.safetensors"))
    problem = run_tool(tool, ["merge", folder / "run", "--last", "2", "-o", f"{folder / 'mean'}/"])
    problem = problem or differences(load_file(folder / "mean/adapter_model.safetensors"), states[1:])
    if not problem:
        loaded = peft.PeftModel.from_pretrained(transformers.BertModel.from_pretrained(folder / "base"), folder / "mean")
        problem = differences(peft.get_peft_model_state_dict(loaded), states[1:])
    report.check("peft, the last two of a run", problem)
    problem = run_tool(tool, ["merge", *sorted((folder / "run").glob("checkpoint-*")), "-o", f"{folder / 'all'}/"])
    report.check("peft, folders", problem or differences(load_file(folder / "all/adapter_model.safetensors"), states))


def check_trainer(tool, folder, report):
    """The folders of a run beside a link to the last of them and a copy of the best one."""
    states = []
    for step in (8, 9, 10, 11):
        torch.manual_seed(step)
        model = transformers.BertModel(transformers.BertConfig(**SMALL))
        model.save_pretrained(folder / f"run/checkpoint-{step}")
        states.append(load_file(folder / f"run/checkpoint-{step}/model.safetensors"))
    (folder / "run/latest").symlink_to("checkpoint-11")
    shutil.copytree(folder / "run/checkpoint-9", folder / "run/checkpoint-best")
    problem = run_tool(tool, ["merge", folder / "run", "--last", "3", "-o", folder / "mean"])
    report.check("a run with a link and a copy", problem or differences(load_file(folder / "mean/model.safetensors"), states[1:]))


def check_dtype(tool, folder, report):
    """A model of 16 bits is loaded as one."""
    for seed in (1, 2):
        torch.manual_seed(seed)
        transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(folder / f"m{seed}")
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "mean", "--out-dtype", "BF16"])
    if not problem:
        loaded = transformers.AutoModel.from_pretrained(folder / "mean", dtype="auto")
        problem = None if loaded.dtype == torch.bfloat16 else f"it is loaded as {loaded.dtype}"
    report.check("--out-dtype and the configuration", problem)


def check_bin(tool, folder, report):
    """PyTorch's file becomes a safetensors file that transformers loads."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = transformers.BertModel(transformers.BertConfig(**SMALL))
        model.save_pretrained(folder / f"m{seed}")
        states.append(model.state_dict())
        (folder / f"m{seed}/model.safetensors").unlink()
        torch.save(model.state_dict(), folder / f"m{seed}/pytorch_model.bin")
    shutil.copytree(folder / "m1", folder / "mean")
    (folder / "mean/pytorch_model.bin").unlink()
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "mean/model.safetensors"])
    if not problem:
        problem = differences(transformers.BertModel.from_pretrained(folder / "mean").state_dict(), states)
    report.check("PyTorch's tensors in safetensors", problem)


def check_index(tool, folder, report):
    """The index is named, and transformers finds the shards."""
    for seed in (1, 2):
        torch.manual_seed(seed)
        transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(folder / f"m{seed}", max_shard_size="8KB")
    members = [transformers.BertModel.from_pretrained(folder / f"m{seed}").state_dict() for seed in (1, 2)]
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "mean/model.safetensors.index.json"])
    if not problem:
        problem = differences(transformers.BertModel.from_pretrained(folder / "mean").state_dict(), members)
    report.check("an index as the output", problem)


def check_missing_index(tool, folder, report):
    """Shards without an index, as exports leave them."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = {f"layer{number}.weight": torch.randn(3, 4) for number in range(4)}
        states.append(state)
        (folder / f"m{seed}").mkdir()
        names = sorted(state)
        for number in (1, 2):
            part = {name: state[name] for name in names[2 * number - 2:2 * number]}
            save_file(part, folder / f"m{seed}/model-0000{number}-of-00002.safetensors")
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "mean.safetensors"])
    report.check("shards without an index", problem or differences(load_file(folder / "mean.safetensors"), states))
    (folder / "m2/model-00001-of-00002.safetensors").unlink()
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "no.safetensors"])
    report.check("a missing shard is named", None if "model-00001-of-00002.safetensors" in str(problem) else f"{problem}")


def check_distributed(tool, folder, report):
    """What torch.distributed.checkpoint wrote is refused, and the command that is named makes one file of it."""
    from torch.distributed.checkpoint import FileSystemWriter, save
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append({"a.weight": torch.randn(3, 4), "b.weight": torch.randn(5)})
        save(states[-1], storage_writer=FileSystemWriter(folder / f"m{seed}"), no_dist=True)
    problem = run_tool(tool, ["merge", folder / "m1", folder / "m2", "-o", folder / "mean.pt"])
    is_named = "torch.distributed.checkpoint.format_utils dcp_to_torch" in str(problem)
    report.check("DCP is refused with the way out", None if is_named else f"{problem}")
    for seed in (1, 2):
        dcp_to_torch_save(folder / f"m{seed}", folder / f"m{seed}.pt")
    problem = run_tool(tool, ["merge", folder / "m1.pt", folder / "m2.pt", "-o", folder / "mean.pt"])
    report.check("DCP made one file", problem or differences(torch.load(folder / "mean.pt", weights_only=True), states))


def check_keras_shards(tool, folder, report):
    """Weights of Keras in several files are written under the name of their index."""
    def made(seed):
        keras.utils.set_random_seed(seed)
        return keras.Sequential([keras.Input((8,)), *(keras.layers.Dense(32) for _ in range(4))])

    members = [made(seed) for seed in (1, 2)]
    for number, model in enumerate(members):
        (folder / f"m{number}").mkdir()
        model.save_weights(folder / f"m{number}/model.weights.json", max_shard_size=5e-6)
    problem = run_tool(tool, [
        "merge", folder / "m0/model.weights.json", folder / "m1/model.weights.json", "-o", folder / "mean/soup.weights.json"])
    if not problem:
        result = made(3)
        result.load_weights(folder / "mean/soup.weights.json")
        expected = [numpy.mean(pair, axis=0, dtype=numpy.float64).astype("float32")
                    for pair in zip(*(model.get_weights() for model in members), strict=True)]
        is_same = all(numpy.array_equal(*pair) for pair in zip(result.get_weights(), expected, strict=True))
        problem = None if is_same else "the weights differ"
    report.check("Keras, an index of another name", problem)


def refusal(problem, *words):
    """What is wrong with an error that should have these words."""
    return None if problem and all(word in problem for word in words) else f"not refused for {words}: {problem}"


def check_meanings(tool, folder, report):
    """Models of the same shapes whose configurations give the weights another meaning, and others that do not."""
    def llama(name, **changes):
        torch.manual_seed(len(name))
        transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, **changes)).save_pretrained(folder / name)
        return folder / name

    def classifier(name, labels, **changes):
        config = transformers.BertConfig(**SMALL, id2label=dict(enumerate(labels)), **changes)
        transformers.BertForSequenceClassification(config).save_pretrained(folder / name)
        return folder / name

    def adapter(name, alpha, modules_of):
        base = transformers.BertModel.from_pretrained(folder / "base")
        config = peft.LoraConfig(r=2, lora_alpha=alpha, target_modules=modules_of, init_lora_weights=False)
        peft.get_peft_model(base, config).save_pretrained(folder / name)
        return folder / name

    made_bert(folder / "base", 0)
    other = made_bert(folder / "other", 1)
    words = (other / "tokenizer.json").read_text()
    (folder / "words").mkdir()
    shutil.copytree(other, folder / "words", dirs_exist_ok=True)
    swapped = json.loads(words)
    vocabulary = swapped["model"]["vocab"]
    one, two = sorted(vocabulary)[:2]
    vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]
    (folder / "words/tokenizer.json").write_text(json.dumps(swapped))
    pairs = [
        ("rope_theta", llama("l1"), llama("l2", rope_parameters={"rope_type": "default", "rope_theta": 5e5}), "rope_theta"),
        ("heads", llama("l3"), llama("l4x", num_key_value_heads=1), "num_key_value_heads"),
        ("hidden_act", classifier("c1", "ab"), classifier("c2", "ab", hidden_act="relu"), "hidden_act"),
        ("labels", classifier("c3", "ab"), classifier("c4", "ba"), "id2label"),
        ("words", other, folder / "words", "tokenizer.json"),
        ("lora_alpha", adapter("a1", 4, ["query"]), adapter("a2", 8, ["query"]), "lora_alpha"),
        ("dropout", classifier("c5", "ab"), classifier("c6", "ab", hidden_dropout_prob=0.3), None),
        ("order of a set", adapter("a3", 4, ["query", "value"]), adapter("a4", 4, ["value", "query"]), None),
        ("another name", folder / "base", other, None),
    ]
    for label, first, second, word in pairs:
        problem = run_tool(tool, ["merge", first, second, "-o", f"{folder / label} mean/"])
        report.check(f"meaning: {label}", refusal(problem, word) if word else problem)
        if word and label != "heads":
            problem = run_tool(tool, ["merge", first, second, "-o", f"{folder / label} mean/", "--allow-config-differences"])
            report.check(f"meaning: {label}, allowed", problem)


def check_keras_meanings(tool, folder, report):
    """Models of Keras: the same one made twice, and others."""
    def made(name, activation="relu", slope=0.2, words=None):
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(8, activation=activation)(inputs)
        sum_ = keras.layers.add([keras.layers.Dense(8)(hidden), hidden])
        outputs = keras.layers.Dense(2)(keras.layers.LeakyReLU(negative_slope=slope)(sum_))
        keras.Model(inputs, outputs).save(folder / name)
        return folder / name

    for end in (".keras", ".h5"):
        first = made(f"a{end}")
        for label, second, word in [
            ("made again", made(f"b{end}"), None), ("activation", made(f"c{end}", activation="tanh"), "activation"),
            ("slope", made(f"d{end}", slope=0.3), "negative_slope"),
        ]:
            # Layers have names of their own in a file, on which Keras counts.
            problem = run_tool(tool, ["merge", first, second, "--match", "position", "-o", folder / f"{label}{end}"])
            report.check(f"Keras{end}, {label}", refusal(problem, word) if word else problem)


if __name__ == "__main__":
    sys.exit(main())
