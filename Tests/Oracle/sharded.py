"""Models in several files with an index: written as transformers does, and read by torch and safetensors alone."""

import json

import safetensors.torch
import torch

STEMS = {".bin": "pytorch_model", ".safetensors": "model"}


def index_name(suffix):
    """The name of an index."""
    return f"{STEMS[suffix]}{suffix}.index.json"


def shard_names(suffix, count):
    """The names of shards."""
    return [f"{STEMS[suffix]}-{number:05}-of-{count:05}{suffix}" for number in range(1, count + 1)]


def stored_size(state):
    """The bytes of all storages, as huggingface_hub counts them: shared ones once."""
    sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in state.values() if tensor.numel()}
    return sum(sizes.values())


def save(folder, state, partition, suffix=".bin", total_size=None, write=torch.save):
    """Writes a model: a list of names for each shard."""
    folder.mkdir(parents=True)
    weight_map = {}
    for file, names in zip(shard_names(suffix, len(partition)), partition, strict=True):
        part = {name: state[name] for name in names}
        if suffix == ".bin":
            write(part, folder / file)
        else:
            safetensors.torch.save_file(part, folder / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(names, file))
    index = {"metadata": {"total_size": stored_size(state) if total_size is None else total_size}, "weight_map": weight_map}
    (folder / index_name(suffix)).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def load_file(path):
    """The tensors of one file by the library of its format."""
    return torch.load(path, weights_only=True) if path.suffix == ".bin" else safetensors.torch.load_file(path)


def load(folder, suffix=".bin"):
    """Reads a model; returns its tensors, the names in each shard, and what is wrong with it."""
    text = (folder / index_name(suffix)).read_text()
    index = json.loads(text)
    if json.dumps(index, indent=2, sort_keys=True) + "\n" != text:
        return {}, [], "the text of the index is not that of json.dumps"
    state, partition = {}, []
    files = sorted(set(index["weight_map"].values()))
    if files != shard_names(suffix, len(files)) or files != sorted(path.name for path in folder.glob("*" + suffix)):
        return {}, [], f"the shards are {files}"
    for file in files:
        part = load_file(folder / file)
        if set(part) != {name for name, place in index["weight_map"].items() if place == file}:
            return {}, [], f"{file} has not the names that the index tells"
        partition.append(list(part))
        state.update(part)
    expected = stored_size(state)
    if index["metadata"]["total_size"] != expected:
        return {}, [], f"total_size is {index['metadata']['total_size']}, not {expected}"
    return state, partition, None
