"""Random checkpoints for the checks of the tool: the same ones on every run."""

import math
from typing import NamedTuple

from exact import FLOAT_FORMATS
from safetensors_file import Tensor
from splitmix import SplitMix64

MEMBERS = 3
METADATA = {"zeta": "last", "format": "pt", "ünïcode": 'va\nlue "quoted" \\ 🙂', "Alpha": "", "step": "100"}
"""The first member's metadata, not in sorted order."""


class Group(NamedTuple):
    """Checkpoints that fit together: tensors by name for each member, and the first member's metadata."""

    label: str
    members: list
    metadata: dict | None


def mixed():
    """All dtypes in many lengths, none a multiple of 16 but some around it, at odd positions in the file."""
    layout = []
    for count in (0, 1, 3, 7, 15, 17, 31, 33, 255, 1003, 4097):
        layout += [(f"{dtype}.{count}", dtype, (count,)) for dtype in FLOAT_FORMATS]
    layout += [(f"tiny.{dtype}", dtype, (7, 11)) for dtype in FLOAT_FORMATS]
    layout += [("scalar", "F32", ()), ("scalar.half", "BF16", ()), ("rank.5", "F16", (3, 1, 2, 5, 1))]
    layout += [("odd/bf16", "BF16", (1023,)), ("odd/after", "F64", (513,)), ("odd/f8", "F8_E5M2", (5,))]
    layout += [("odd/after f8", "F64", (9,)), ("counter", "I64", ()), ("mask", "BOOL", (13,)), ("bytes", "U8", (3, 3))]
    return group("mixed", 1, SplitMix64(10).shuffled(layout), METADATA)


def large():
    """Tensors larger than a block of 512 KiB and of 2 MiB, with ends inside of blocks."""
    layout = [
        ("odd", "F8_E4M3", (3,)),
        ("larger than 2 MiB", "F32", (101, 6007)),
        ("bf16", "BF16", (530_001,)),
        ("f64", "F64", (131_073,)),
        ("f8", "F8_E5M2", (7, 75_001)),
        ("f16", "F16", (65_537, 3)),
        ("last", "F64", (1,)),
    ]
    return group("large", 2, layout, {"format": "pt"})


def many():
    """Thousands of tensors of a few elements, and no metadata."""
    random = SplitMix64(30)
    dtypes = [*FLOAT_FORMATS, "I32"]
    layout = [(f"layer.{i}.weight", dtypes[random.below(len(dtypes))], (random.below(9),)) for i in range(3000)]
    return group("many", 3, layout, None)


def group(label, seed, layout, metadata):
    """A group of MEMBERS checkpoints: each one after the first has its tensors in an order of its own."""
    random = SplitMix64(seed)
    members = []
    for number in range(MEMBERS):
        order = layout if number == 0 else random.shuffled(layout)
        members.append({name: tensor(name, dtype, shape, random) for name, dtype, shape in order})
    return Group(label, members, metadata)


def tensor(name, dtype, shape, random):
    """A tensor of random values: floats between -2 and 2, very small ones if the name begins with `tiny`."""
    count = math.prod(shape)
    if dtype in FLOAT_FORMATS:
        return Tensor(dtype, shape, small_floats(dtype, count, name.startswith("tiny"), random))
    if dtype == "BOOL":
        return Tensor(dtype, shape, bytes(byte & 1 for byte in random.bytes(count)))
    return Tensor(dtype, shape, random.bytes(count * {"I64": 8, "I32": 4, "U8": 1}[dtype]))


def small_floats(dtype, count, tiny, random):
    """Random floats: sign, fraction and the lowest three bits of the exponent are random.

    The exponent's other bits make the largest value just less than 2, or are zero, so that subnormals come out, too.
    """
    form = FLOAT_FORMATS[dtype]
    kept = form.sign_bit | ((8 << form.fraction_bits) - 1)
    fixed = 0 if tiny else (form.bias & ~7) << form.fraction_bits
    size = form.bits // 8
    pattern = int.from_bytes(random.bytes(count * size), "little")
    pattern &= int.from_bytes(kept.to_bytes(size, "little") * count, "little")
    pattern |= int.from_bytes(fixed.to_bytes(size, "little") * count, "little")
    return pattern.to_bytes(count * size, "little")
