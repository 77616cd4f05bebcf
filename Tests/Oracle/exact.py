"""The exact reference for averaging, with the Python standard library alone.

A Python float is an IEEE 754 binary64 and every operation on it is rounded by itself, never fused; so plain Python
arithmetic is the float64 evaluation that a merge has to reproduce. The one rounding to the output dtype is done here
with integers on the bits, so that no library's conversion is trusted.
"""

import functools
import math
import operator
import struct
from typing import NamedTuple

import safetensors_file
from safetensors_file import Tensor


class FloatFormat(NamedTuple):
    """A binary floating-point format, described by its bit patterns without the sign."""

    bits: int
    fraction_bits: int
    bias: int
    largest_finite: int
    has_infinity: bool

    @property
    def sign_bit(self):
        """The bit pattern of negative zero."""
        return 1 << (self.bits - 1)


FLOAT_FORMATS = {
    "F64": FloatFormat(64, 52, 1023, 0x7FEFFFFFFFFFFFFF, True),
    "F32": FloatFormat(32, 23, 127, 0x7F7FFFFF, True),
    "F16": FloatFormat(16, 10, 15, 0x7BFF, True),
    "BF16": FloatFormat(16, 7, 127, 0x7F7F, True),
    "F8_E4M3": FloatFormat(8, 3, 7, 0x7E, False),
    "F8_E5M2": FloatFormat(8, 2, 15, 0x7B, True),
}
"""The dtypes that are averaged; tensors of every other dtype are copied."""

UNSIGNED_CODE = {64: "Q", 32: "I", 16: "H", 8: "B"}


# Bit patterns and values


def value_of(pattern, dtype):
    """The value of one bit pattern: every finite value of these formats is exact in float64."""
    form = FLOAT_FORMATS[dtype]
    sign = -1.0 if pattern & form.sign_bit else 1.0
    magnitude = pattern & (form.sign_bit - 1)
    if magnitude > form.largest_finite:
        infinite = form.has_infinity and magnitude == form.largest_finite + 1
        return math.copysign(math.inf if infinite else math.nan, sign)
    exponent = magnitude >> form.fraction_bits
    fraction = magnitude & ((1 << form.fraction_bits) - 1)
    if exponent > 0:
        fraction |= 1 << form.fraction_bits
    return math.copysign(math.ldexp(fraction, max(exponent, 1) - form.bias - form.fraction_bits), sign)


def round_once(value, dtype):
    """The bit pattern of `dtype` nearest to the finite float64 `value`, ties to even.

    Raises OverflowError if rounding with an unbounded exponent passes the largest finite value.
    """
    return round_pattern(struct.unpack("<Q", struct.pack("<d", value))[0], FLOAT_FORMATS[dtype])


def round_pattern(pattern, form):
    """Rounds the bit pattern of a finite float64 to the bit pattern of another format."""
    exponent = (pattern >> 52) & 0x7FF
    if exponent == 0x7FF:
        raise ValueError("only finite values are rounded")
    if form.fraction_bits == 52:
        return pattern
    significand = pattern & 0xFFFFFFFFFFFFF
    if exponent > 0:
        significand |= 1 << 52
    # The biased exponent of the result before a carry; below 1 the result is subnormal and loses further bits.
    biased = max(exponent, 1) - 1023 + form.bias
    shift = 52 - form.fraction_bits + max(1 - biased, 0)
    kept = significand >> shift
    rest = significand & ((1 << shift) - 1)
    half = 1 << (shift - 1)
    if rest > half or (rest == half and kept & 1):
        kept += 1
    # `kept` holds the leading bit of a normal number, which adds one to the exponent field, as a carry does.
    magnitude = ((max(biased, 1) - 1) << form.fraction_bits) + kept
    if magnitude > form.largest_finite:
        raise OverflowError("the result is too large for the output dtype")
    return magnitude | (form.sign_bit if pattern >> 63 else 0)


@functools.cache
def value_table(dtype):
    """The values of all bit patterns of an 8-bit or 16-bit dtype."""
    return [value_of(pattern, dtype) for pattern in range(1 << FLOAT_FORMATS[dtype].bits)]


def decode(data, dtype):
    """The values of a tensor's bytes as a list of floats."""
    bits = FLOAT_FORMATS[dtype].bits
    count = len(data) * 8 // bits
    if bits >= 32:
        return list(struct.unpack(f"<{count}{'d' if bits == 64 else 'f'}", data))
    return list(map(value_table(dtype).__getitem__, struct.unpack(f"<{count}{UNSIGNED_CODE[bits]}", data)))


def encode(values, dtype):
    """The bytes of finite float64 values, each rounded once to `dtype`."""
    form = FLOAT_FORMATS[dtype]
    patterns = struct.unpack(f"<{len(values)}Q", struct.pack(f"<{len(values)}d", *values))
    rounded = [round_pattern(pattern, form) for pattern in patterns]
    return struct.pack(f"<{len(rounded)}{UNSIGNED_CODE[form.bits]}", *rounded)


# Methods: each takes one column of values per input, in input order, and gives the float64 result


def mean(columns):
    """(x1 + x2 + ... + xM) * (1 / M), added in input order."""
    scale = 1.0 / len(columns)
    totals = functools.reduce(lambda left, right: list(map(operator.add, left, right)), columns)
    return [total * scale for total in totals]


def weighted(columns, weights):
    """c1 x1 + ... + cM xM with c = w / (w1 + ... + wM), products and sums each rounded, in input order."""
    # `sum` compensates for rounding from Python 3.12 on; the reference does not.
    total_weight = functools.reduce(operator.add, weights)
    coefficients = [weight / total_weight for weight in weights]
    products = [[coefficient * x for x in column] for coefficient, column in zip(coefficients, columns, strict=True)]
    return functools.reduce(lambda left, right: list(map(operator.add, left, right)), products)


def ema(columns, decay, warmup=False):
    """e = x1, then e = d e + (1 - d) x for each later input, kept in float64 until the end.

    With `warmup` update number t, from 0, uses d = min(decay, (1 + t) / (10 + t)).
    """
    state = columns[0]
    for update, column in enumerate(columns[1:]):
        kept = min(decay, (1 + update) / (10 + update)) if warmup else decay
        taken = 1 - kept
        state = [kept * e + taken * x for e, x in zip(state, column, strict=True)]
    return state


NARROW_FORMATS = ("F16", "BF16", "F8_E4M3", "F8_E5M2")
"""The formats of 16 bits and less."""


def merge(checkpoints, method, out_dtype=None, keeps_state=False):
    """Merges checkpoints (dictionaries of Tensor by name) with `method`, a function of columns.

    With `keeps_state`, what is narrower than F32 becomes F32, as a moving average is kept.
    The result has the order of the first checkpoint; what is not a float of FLOAT_FORMATS is copied from it.
    """
    merged = {}
    for name, first in checkpoints[0].items():
        if first.dtype not in FLOAT_FORMATS:
            merged[name] = first
            continue
        is_widened = keeps_state and first.dtype in NARROW_FORMATS
        dtype = out_dtype or ("F32" if is_widened else first.dtype)
        columns = [decode(checkpoint[name].data, checkpoint[name].dtype) for checkpoint in checkpoints]
        merged[name] = Tensor(dtype, first.shape, encode(method(columns), dtype))
    return merged


def read(path):
    """Tensors by name, in file order, of a safetensors file or of a sharded model's index."""
    if str(path).endswith(".json"):
        return safetensors_file.read_sharded(path)
    return safetensors_file.read(path).tensors
