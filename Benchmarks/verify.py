"""Checks by samples that an output is the mean of its inputs, so that a fast wrong result is never reported."""

import json
import math
import os
import random
import struct
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from datasets import ITEM_BYTES

SAMPLED_TENSORS = 300
SAMPLES_PER_TENSOR = 10


class WrongResult(Exception):
    pass


@dataclass(frozen=True)
class Tensor:
    dtype: str
    shape: list[int]
    position: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)


class Checkpoint:
    """A safetensors file, open for reading single elements."""

    def __init__(self, path: Path):
        self.path = path
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            entries = json.loads(file.read(length))
        entries.pop("__metadata__", None)
        self.tensors = {
            name: Tensor(entry["dtype"], entry["shape"], 8 + length + entry["data_offsets"][0])
            for name, entry in entries.items()
        }
        self.expected_bytes = 8 + length + max(entry["data_offsets"][1] for entry in entries.values())

    def __enter__(self):
        self.descriptor = os.open(self.path, os.O_RDONLY)
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def element(self, name: str, index: int) -> bytes:
        tensor = self.tensors[name]
        item = ITEM_BYTES[tensor.dtype]
        return os.pread(self.descriptor, item, tensor.position + index * item)


def decode(data: bytes, dtype: str) -> float:
    if dtype == "BF16":
        return struct.unpack("<f", b"\0\0" + data)[0]
    return struct.unpack("<f" if dtype == "F32" else "<e", data)[0]


def encode(value: float, dtype: str) -> bytes:
    """`value` rounded once, to the nearest, ties to even."""
    if dtype == "BF16":
        _, exponent = math.frexp(value)
        last_place = max(exponent - 8, -133)
        exact = math.ldexp(round(math.ldexp(value, -last_place)), last_place)
        return struct.pack("<f", exact)[2:]
    return struct.pack("<f" if dtype == "F32" else "<e", value)


def mean(values: list[float]) -> float:
    total = values[0]
    for value in values[1:]:
        total += value
    return total * (1 / len(values))


def check_mean(inputs: list[Path], output: Path) -> None:
    """Compares sampled elements of `output` with the exactly rounded float64 mean, bit for bit."""
    with ExitStack() as stack:
        sources = [stack.enter_context(Checkpoint(path)) for path in inputs]
        result = stack.enter_context(Checkpoint(output))
        check_catalogue(sources[0], result)
        generator = random.Random(7)
        names = list(result.tensors)
        chosen = {names[0], names[-1], *generator.sample(names, min(SAMPLED_TENSORS, len(names)))}
        for name in sorted(chosen):
            last = result.tensors[name].count - 1
            for index in {0, last, *(generator.randint(0, last) for _ in range(SAMPLES_PER_TENSOR))}:
                check_element(sources, result, name, index)


def check_catalogue(source: Checkpoint, result: Checkpoint) -> None:
    def described(checkpoint: Checkpoint) -> dict[str, tuple]:
        return {name: (tensor.dtype, tensor.shape) for name, tensor in checkpoint.tensors.items()}

    if described(source) != described(result):
        raise WrongResult(f"{result.path.name}: names, shapes or dtypes differ from {source.path.name}")
    actual_bytes = result.path.stat().st_size
    if actual_bytes != result.expected_bytes:
        raise WrongResult(f"{result.path.name}: {actual_bytes} bytes, its header says {result.expected_bytes}")


def check_element(sources: list[Checkpoint], result: Checkpoint, name: str, index: int) -> None:
    dtype = result.tensors[name].dtype
    values = [decode(source.element(name, index), dtype) for source in sources]
    expected = encode(mean(values), dtype)
    found = result.element(name, index)
    if found != expected:
        raise WrongResult(
            f"{result.path.name}: tensor '{name}', element {index}: "
            f"expected {decode(expected, dtype)} as mean of {values}, found {decode(found, dtype)}"
        )


def check_distance(tool: Path, inputs: list[Path], peer: list[str] | None) -> None:
    """Compares the distances with what the peer prints and, without a peer, those of one thread with those of many."""
    command = [str(tool.with_name("imwa-dist")), *map(str, inputs), "--json", "--quiet"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if peer is None:
        alone = subprocess.run([*command, "--threads", "1"], check=True, capture_output=True, text=True).stdout
        if alone != found:
            raise WrongResult(f"imwa-dist: other distances with one thread: {alone} and {found}")
        return
    (pair,) = json.loads(found)["pairs"]
    expected = float(subprocess.run(peer, check=True, capture_output=True, text=True).stdout)
    # Peers subtract and square in float32.
    if not math.isclose(pair["l2"], expected, rel_tol=1e-4):
        raise WrongResult(f"imwa-dist: a distance of {pair['l2']}, the peer has {expected}")
