"""The checkpoint files that the benchmark averages: safetensors files with the shapes of real models.

The values come from a pool of gaussian floats that every file repeats from another starting point. The
pool's length is odd, so that two blocks of a file never hold the same bytes and a misplaced block shows.
"""

import json
import math
import os
import random
import struct
import sys
from array import array
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Callable, Iterator

POOL_VALUES = 4_194_301
ITEM_BYTES = {"F32": 4, "BF16": 2, "F16": 2}

Shapes = dict[str, list[int]]


def llama_shapes(layers: int, hidden: int, heads_width: int, inner: int, vocabulary: int) -> Shapes:
    """The tensors of a Llama-like model, in the order of their names as the usual writers keep it."""
    shapes = {
        "lm_head.weight": [vocabulary, hidden],
        "model.embed_tokens.weight": [vocabulary, hidden],
        "model.norm.weight": [hidden],
    }
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        shapes |= {
            f"{prefix}.input_layernorm.weight": [hidden],
            f"{prefix}.mlp.down_proj.weight": [hidden, inner],
            f"{prefix}.mlp.gate_proj.weight": [inner, hidden],
            f"{prefix}.mlp.up_proj.weight": [inner, hidden],
            f"{prefix}.post_attention_layernorm.weight": [hidden],
            f"{prefix}.self_attn.k_proj.weight": [heads_width, hidden],
            f"{prefix}.self_attn.o_proj.weight": [hidden, hidden],
            f"{prefix}.self_attn.q_proj.weight": [hidden, hidden],
            f"{prefix}.self_attn.v_proj.weight": [heads_width, hidden],
        }
    return dict(sorted(shapes.items()))


def large_shapes(layers: int, scale: float) -> Shapes:
    """About 1 GiB: 3 layers of 4-byte values or 9 layers of 2-byte values. `scale` shrinks the bytes."""
    side = math.sqrt(scale)
    sizes = (max(8, round(size * side)) for size in (2048, 256, 5632, 32000))
    return llama_shapes(layers, *sizes)


def small_shapes(scale: float) -> Shapes:
    """20,000 tensors of 839 values on average, 64 MiB together. `scale` shrinks their number."""
    kinds = ([32, 32], [838], [16, 48], [726])
    count = max(20, round(20_000 * scale))
    return {
        f"model.layers.{index // 200}.block.{index // 20 % 10}.weight_{index % 20}": kinds[index % len(kinds)]
        for index in range(count)
    }


def tiny_shapes(_: float) -> Shapes:
    """About 1 MiB of 4-byte values, at any scale."""
    return llama_shapes(1, hidden=128, heads_width=32, inner=352, vocabulary=320)


@dataclass(frozen=True)
class DataSet:
    dtype: str
    shapes: Callable[[float], Shapes]
    variant: int
    """Files of one variant hold the same tensors with the same values."""
    shuffled: bool = False


DATA_SETS = {
    **{f"f32-{i}": DataSet("F32", lambda scale: large_shapes(3, scale), i) for i in (1, 2, 3, 4)},
    **{f"f32-quarter-{i}": DataSet("F32", lambda scale: large_shapes(3, scale / 4), i) for i in range(1, 9)},
    **{f"bf16-{i}": DataSet("BF16", lambda scale: large_shapes(9, scale), i) for i in (1, 2)},
    **{f"f16-{i}": DataSet("F16", lambda scale: large_shapes(9, scale), i) for i in (1, 2)},
    **{f"small-{i}": DataSet("F32", small_shapes, i) for i in (1, 2)},
    "small-2-shuffled": DataSet("F32", small_shapes, 2, shuffled=True),
    **{f"tiny-{i}": DataSet("F32", tiny_shapes, i) for i in (1, 2)},
}


@dataclass(frozen=True)
class Piece:
    """One tensor of a file: where its bytes stand in the pool, and how many they are."""

    name: str
    shape: list[int]
    pool_position: int
    length: int


def pieces(data_set: DataSet, scale: float) -> list[Piece]:
    """The tensors in the order in which the file stores them."""
    item = ITEM_BYTES[data_set.dtype]
    position = data_set.variant * 1_000_003 * item
    result = []
    for name, shape in data_set.shapes(scale).items():
        length = math.prod(shape) * item
        result.append(Piece(name, shape, position, length))
        position += length
    if data_set.shuffled:
        random.Random(1).shuffle(result)
    return result


def header(data_set: DataSet, stored: list[Piece]) -> bytes:
    """The length field and the JSON of a safetensors file, padded to a multiple of 8 bytes."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for piece in stored:
        end = offset + piece.length
        entries[piece.name] = {"dtype": data_set.dtype, "shape": piece.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


@cache
def pool(dtype: str) -> bytes:
    """Gaussian values (standard deviation 0.02) as little-endian bytes of `dtype`; BF16 ones are cut, not rounded."""
    if dtype == "F32":
        generator = random.Random(2024)
        values = array("f", (generator.gauss(0, 0.02) for _ in range(POOL_VALUES)))
        if sys.byteorder == "big":
            values.byteswap()
        return values.tobytes()
    floats = memoryview(pool("F32"))
    if dtype == "BF16":
        return array("H", floats.tobytes())[1::2].tobytes()
    step = 4 * 65_536
    parts = (struct.unpack(f"<{len(part) // 4}f", part) for part in slices(floats, step))
    return b"".join(struct.pack(f"<{len(part)}e", *part) for part in parts)


def slices(view: memoryview, step: int) -> Iterator[memoryview]:
    return (view[start : start + step] for start in range(0, len(view), step))


def repeated(source: bytes, position: int, length: int) -> Iterator[memoryview]:
    """`length` bytes of the endless repetition of `source`, from `position` on."""
    view = memoryview(source)
    while length > 0:
        start = position % len(source)
        part = view[start : start + length]
        yield part
        position += len(part)
        length -= len(part)


class DataFolder:
    """Makes the files that rows ask for, and removes those that no later row needs."""

    def __init__(self, folder: Path, scale: float, keep: bool):
        self.folder = folder
        self.scale = scale
        self.keep = keep
        self.created = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / f"bench-{name}.safetensors"

    def header_bytes(self, name: str) -> int:
        return len(header(DATA_SETS[name], pieces(DATA_SETS[name], self.scale)))

    @cache
    def file_bytes(self, name: str) -> int:
        stored = pieces(DATA_SETS[name], self.scale)
        return len(header(DATA_SETS[name], stored)) + sum(piece.length for piece in stored)

    def exists(self, name: str) -> bool:
        path = self.path(name)
        return path.exists() and path.stat().st_size == self.file_bytes(name)

    def make(self, name: str) -> None:
        """Writes the file unless it stands there from an earlier run; it is on the disk when this returns."""
        if self.exists(name):
            return
        print(f"making {self.path(name).name} ({self.file_bytes(name) / 2**20:,.1f} MiB)", file=sys.stderr)
        data_set = DATA_SETS[name]
        stored = pieces(data_set, self.scale)
        unfinished = self.path(name).with_suffix(".unfinished")
        with open(unfinished, "wb") as file:
            file.write(header(data_set, stored))
            for piece in stored:
                for part in repeated(pool(data_set.dtype), piece.pool_position, piece.length):
                    file.write(part)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self.path(name))

    def disk_bytes_needed(self, inputs_of_rows: list[tuple[str, ...]]) -> int:
        """The most bytes that are added at one time when the rows run in this order, one output included."""
        present: set[str] = set()
        most = 0
        for index, inputs in enumerate(inputs_of_rows):
            present |= set(inputs)
            added = sum(self.file_bytes(name) for name in present if not self.exists(name))
            most = max(most, added + self.file_bytes(inputs[0]))
            if not self.keep:
                present &= {name for later in inputs_of_rows[index + 1 :] for name in later}
        return most

    def release(self, still_needed: set[str]) -> None:
        if not self.keep:
            for name in DATA_SETS.keys() - still_needed:
                self.path(name).unlink(missing_ok=True)

    def clean_up(self) -> None:
        """Leaves only data files that were asked to be kept, and no folder that was made for this run."""
        self.release(still_needed=set())
        for path in self.folder.glob("bench-*.unfinished"):
            path.unlink()
        if self.created and not any(self.folder.iterdir()):
            self.folder.rmdir()
