"""A strict reader and a plain writer of safetensors files, with the Python standard library alone."""

import json
import math
import pathlib
import struct
from typing import NamedTuple

DTYPE_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
"""Every dtype of the format with the bits of one element."""

LARGEST_HEADER = 100_000_000
LARGEST_RANK = 64
METADATA_KEY = "__metadata__"


class Tensor(NamedTuple):
    """One tensor: its dtype's name, its shape and its bytes."""

    dtype: str
    shape: tuple
    data: bytes


class Contents(NamedTuple):
    """What a file holds: tensors by name in the order of their data, and the metadata, None if there is none."""

    tensors: dict
    metadata: dict | None


class Damaged(ValueError):
    """The bytes are not a safetensors file that a strict reader accepts."""


def read(path):
    """Reads a file; raises Damaged for whatever the format forbids."""
    return parse(pathlib.Path(path).read_bytes())


def read_sharded(index_path):
    """Tensors by name of a sharded model, shard after shard in the order of the shards' names."""
    index = json.loads(pathlib.Path(index_path).read_text("utf-8"))
    tensors = {}
    for shard in sorted(set(index["weight_map"].values())):
        tensors |= read(pathlib.Path(index_path).parent / shard).tensors
    if tensors.keys() != index["weight_map"].keys():
        raise Damaged("the index and the shards do not hold the same tensors")
    return tensors


def parse(content):
    """Reads the bytes of a file; raises Damaged for whatever the format forbids."""
    entries, data_start = parse_header(content)
    metadata = entries.pop(METADATA_KEY, None)
    check_metadata(metadata)
    ranges = sorted((check_entry(name, entry), name) for name, entry in entries.items())
    tensors = {}
    position = 0
    for (begin, end), name in ranges:
        require(begin == position, f"tensor {name!r} does not begin where the one before it ends")
        position = end
        entry = entries[name]
        tensors[name] = Tensor(entry["dtype"], tuple(entry["shape"]), content[data_start + begin : data_start + end])
    require(position == len(content) - data_start, "the tensors do not cover the data exactly")
    return Contents(tensors, metadata)


def parse_header(content):
    """The header's entries by name and the position of the first byte of data."""
    require(len(content) >= 8, "too short for the header length")
    (length,) = struct.unpack_from("<Q", content)
    require(length <= LARGEST_HEADER, "the header is too large")
    require(8 + length <= len(content), "the header ends behind the end of the file")
    try:
        header = json.loads(
            content[8 : 8 + length].decode("utf-8"),
            object_pairs_hook=unique_keys,
            parse_int=natural_number,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise Damaged(f"the header is not JSON as the format wants it: {error}") from error
    require(isinstance(header, dict), "the header is not an object")
    return header, 8 + length


def unique_keys(pairs):
    """An object of which no key comes twice and every string is valid Unicode."""
    for key, value in pairs:
        key.encode("utf-8")
        if isinstance(value, str):
            value.encode("utf-8")
    result = dict(pairs)
    require(len(result) == len(pairs), "a key comes twice")
    return result


def natural_number(text):
    """An integer in 0..<2^64, from its JSON text."""
    require(text.isdigit() and len(text) <= 20 and int(text) < 1 << 64, "a number is not an unsigned 64-bit integer")
    return int(text)


def refuse_number(_text):
    """Fractions, exponents, NaN and Infinity have no place in a header."""
    raise Damaged("a number is not an integer")


def check_metadata(metadata):
    """The metadata is missing, null or an object of strings."""
    if metadata is not None:
        require(isinstance(metadata, dict), "the metadata is not an object")
        require(all(isinstance(value, str) for value in metadata.values()), "a metadata value is not a string")


def check_entry(name, entry):
    """Checks one tensor's entry by itself and returns its range of the data."""
    require(isinstance(entry, dict), f"tensor {name!r} is not an object")
    require(entry.keys() == {"dtype", "shape", "data_offsets"}, f"tensor {name!r} has other fields than it should")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    require(isinstance(dtype, str) and dtype in DTYPE_BITS, f"tensor {name!r} has an unknown dtype")
    for numbers in (shape, offsets):
        integers = isinstance(numbers, list) and all(type(number) is int for number in numbers)
        require(integers, f"tensor {name!r} has a shape or data_offsets that are not integers")
    require(len(shape) <= LARGEST_RANK, f"tensor {name!r} has too many dimensions")
    # Zeros are left out, so that an overflow beside a zero is seen as well.
    partial = math.prod(dimension for dimension in shape if dimension > 0) * DTYPE_BITS[dtype]
    require(partial < 1 << 64, f"tensor {name!r} is too large")
    require(len(offsets) == 2 and offsets[0] <= offsets[1], f"tensor {name!r} has no proper data_offsets")
    size = math.prod(shape) * DTYPE_BITS[dtype]
    require(size == 8 * (offsets[1] - offsets[0]), f"tensor {name!r} has another size than its data_offsets")
    return tuple(offsets)


def require(condition, reason):
    """Raises Damaged with the reason unless the condition holds."""
    if not condition:
        raise Damaged(reason)


def serialize(tensors, metadata=None):
    """The bytes of a file with the tensors in the given order and the header padded with spaces to 8 bytes."""
    header = {} if metadata is None else {METADATA_KEY: metadata}
    position = 0
    for name, tensor in tensors.items():
        end = position + len(tensor.data)
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensor.data for tensor in tensors.values())
