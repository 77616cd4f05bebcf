"""Merges of floating-point numbers that no dtype has, compared bit for bit with exact arithmetic.

Usage: check_hdf5_floats.py --tool PATH (needs h5py and numpy)
"""

import argparse
import math
import pathlib
import random
import sys
import tempfile
from fractions import Fraction

sys.dont_write_bytecode = True

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from report import Report, run_tool  # noqa: E402

COUNT = 1200
LAYOUTS = {
    # label: bytes, first bits of sign, exponent and mantissa with their lengths, bias, is big-endian
    "24 bits": (3, 23, 15, 8, 0, 15, 127, False),
    "24 bits, big-endian": (3, 23, 15, 8, 0, 15, 127, True),
    "8 bits": (1, 7, 3, 4, 0, 3, 7, False),
    "16 bits, other bias": (2, 15, 10, 5, 0, 10, 20, False),
    "16 bits, large exponent": (2, 15, 5, 10, 0, 5, 511, True),
    "32 bits, other bias": (4, 31, 23, 8, 0, 23, 100, False),
    "40 bits, wide exponent": (5, 39, 28, 11, 0, 28, 1023, False),
    "48 bits": (6, 47, 38, 9, 0, 38, 255, True),
    "56 bits": (7, 55, 47, 8, 0, 47, 127, False),
    "24 of 32 bits": (4, 23, 16, 7, 0, 16, 63, False),
}
STORAGES = {
    "contiguous": {},
    "chunks": {"chunks": (7, 16)},
    "gzip": {"chunks": (7, 16), "compression": "gzip", "shuffle": True, "fletcher32": True},
    "compact": None,
}


class Layout:
    """Numbers of one layout, as integers."""

    def __init__(self, size, sign, exponent, exponent_bits, mantissa, mantissa_bits, bias, is_big_endian):
        """Notes the fields, and makes libhdf5's type."""
        self.size, self.sign, self.exponent, self.exponent_bits = size, sign, exponent, exponent_bits
        self.mantissa, self.mantissa_bits, self.bias = mantissa, mantissa_bits, bias
        self.order = "big" if is_big_endian else "little"
        precision = sign + 1
        # The size first: fields must lie in it. A smaller type gets its fields before it shrinks.
        kind = (h5py.h5t.IEEE_F64BE if is_big_endian else h5py.h5t.IEEE_F64LE).copy()
        kind.set_fields(sign, exponent, exponent_bits, mantissa, mantissa_bits)
        kind.set_ebias(bias)
        kind.set_precision(precision)
        kind.set_size(size)
        self.type = kind

    def value(self, bits):
        """What a number means: a fraction, infinity as a float, or NaN."""
        exponent = bits >> self.exponent & (1 << self.exponent_bits) - 1
        mantissa = bits >> self.mantissa & (1 << self.mantissa_bits) - 1
        sign = -1 if bits >> self.sign & 1 else 1
        if exponent == (1 << self.exponent_bits) - 1:
            return math.nan if mantissa else sign * math.inf
        whole = mantissa if exponent == 0 else mantissa + (1 << self.mantissa_bits)
        return sign * whole * Fraction(2) ** (max(exponent, 1) - self.bias - self.mantissa_bits)

    def nearest(self, value, is_negative):
        """The finite number or infinity that is nearest to a fraction, of two the even one."""
        largest = (1 << self.exponent_bits) - 1
        magnitude, exponent = abs(value), 1
        while exponent < largest and magnitude >= Fraction(2) ** (exponent + 1 - self.bias):
            exponent += 1
        units = magnitude / Fraction(2) ** (exponent - self.bias - self.mantissa_bits)
        joined = min((exponent - 1 << self.mantissa_bits) + round(units), largest << self.mantissa_bits)
        bits = (joined >> self.mantissa_bits) << self.exponent
        bits |= (joined & (1 << self.mantissa_bits) - 1) << self.mantissa
        return bits | (int(is_negative) << self.sign)

    def numbers(self, generator):
        """Random finite numbers: of all sizes, and neighbours of one another, so that means are ties."""
        fields = [*range(self.mantissa, self.mantissa + self.mantissa_bits)]
        fields += [*range(self.exponent, self.exponent + self.exponent_bits), self.sign]
        found = []
        while len(found) < COUNT:
            bits = sum(1 << place for place in fields if generator.getrandbits(1))
            if isinstance(self.value(bits), Fraction | int) and self.value(bits) not in (math.inf, -math.inf):
                found.append(bits)
        return found

    def stored(self, numbers, shape):
        """Numbers as bytes."""
        data = b"".join(bits.to_bytes(self.size, self.order) for bits in numbers)
        return np.frombuffer(data, np.dtype((np.void, self.size))).reshape(shape)

    def loaded(self, array):
        """Bytes as numbers."""
        data = array.tobytes()
        return [int.from_bytes(data[at : at + self.size], self.order) for at in range(0, len(data), self.size)]


def main():
    """Checks all layouts in all kinds of storage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    options = parser.parse_args()
    tool = pathlib.Path(options.tool).resolve()
    report = Report()
    for label, facts in LAYOUTS.items():
        with tempfile.TemporaryDirectory(prefix="imwa-floats-") as name:
            check(tool, report, label, Layout(*facts), pathlib.Path(name))
    with tempfile.TemporaryDirectory(prefix="imwa-floats-") as name:
        check_carried(tool, report, pathlib.Path(name))
    return report.finish()


def shape_of(storage):
    """The shape of a dataset."""
    return (30, COUNT // 30) if STORAGES[storage] is not None else (COUNT,)


def write(path, layout, numbers):
    """The numbers in all kinds of storage."""
    with h5py.File(path, "w") as file:
        for storage, options in STORAGES.items():
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            if options is None:
                creation.set_layout(h5py.h5d.COMPACT)
            elif options:
                creation.set_chunk(options["chunks"])
                if "compression" in options:
                    creation.set_shuffle()
                    creation.set_deflate(4)
                    creation.set_fletcher32()
            space = h5py.h5s.create_simple(shape_of(storage))
            dataset = h5py.h5d.create(file.id, storage.encode(), layout.type, space, creation)
            array = layout.stored(numbers, shape_of(storage)).copy()
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array, mtype=layout.type)
        file["beside"] = np.arange(5, dtype="<f4")


def read(path, layout, storage):
    """The numbers of a dataset, whose type must be the layout's."""
    with h5py.File(path) as file:
        dataset = file[storage].id
        if not dataset.get_type().equal(layout.type):
            return "another type"
        array = np.zeros(shape_of(storage), np.dtype((np.void, layout.size)))
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, array, mtype=layout.type)
        return layout.loaded(array)


def float64_mean(first, second):
    """The mean of two numbers as the tool computes it in float64."""
    return (float(first) + float(second)) * 0.5


def expected_of(layout, first, second):
    """The means of two lists of numbers, rounded once."""
    means = [float64_mean(layout.value(one), layout.value(other)) for one, other in zip(first, second, strict=True)]
    return [layout.nearest(Fraction(mean), math.copysign(1, mean) < 0) for mean in means]


def check(tool, report, label, layout, folder):
    """One layout: the mean, the same verified, as float64, and with infinities and NaN."""
    generator = random.Random(label)
    numbers = [layout.numbers(generator) for _ in range(2)]
    for place in range(0, COUNT, 3):
        # The next number: the mean is a tie.
        step = 1 << layout.mantissa
        numbers[1][place] = numbers[0][place] ^ step
    paths = [folder / f"{letter}.h5" for letter in "ab"]
    for path, values in zip(paths, numbers, strict=True):
        write(path, layout, values)
    expected = expected_of(layout, *numbers)
    output = folder / "o.h5"
    for words in ([], ["--verify"], ["--threads", "3"]):
        problem = run_tool(tool, ["merge", *paths, "-o", output, "--force", *words])
        for storage in STORAGES:
            found = problem or read(output, layout, storage)
            report.check(f"{label}: {' '.join([storage, *words])}", problem_of(found, expected))
    problem = run_tool(tool, ["merge", *paths, "-o", output, "--force", "--out-dtype", "F32", "--allow-nan"])
    report.check(f"{label}: as F32", problem or float32_problem(output, layout, numbers))
    problem = run_tool(tool, ["merge", paths[0], "-o", output, "--force", "--no-provenance"])
    report.check(f"{label}: unchanged", problem or problem_of(read(output, layout, "gzip"), signless(layout, numbers[0])))


def signless(layout, numbers):
    """The numbers themselves."""
    return [layout.nearest(Fraction(layout.value(bits)), bits >> layout.sign & 1) for bits in numbers]


def problem_of(found, expected):
    """Where two lists of numbers differ."""
    if isinstance(found, str):
        return found
    wrong = [place for place, (left, right) in enumerate(zip(found, expected, strict=True)) if left != right]
    if not wrong:
        return None
    place = wrong[0]
    return f"{len(wrong)} differ, the first at {place}: {found[place]:x} instead of {expected[place]:x}"


def float32_problem(path, layout, numbers):
    """What is wrong with the means as float32."""
    means = [float64_mean(layout.value(one), layout.value(other)) for one, other in zip(*numbers, strict=True)]
    with np.errstate(over="ignore"), h5py.File(path) as file:
        wanted = np.array(means).astype("<f4")
        for storage in STORAGES:
            if file[storage].dtype != np.dtype("<f4") or file[storage][()].tobytes() != wanted.tobytes():
                return f"'{storage}' differs"
    return None


def check_carried(tool, report, folder):
    """Numbers of more than 53 bits are taken from the first input, and said to be."""
    paths = [folder / f"{letter}.h5" for letter in "ab"]
    for seed, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            file["long"] = np.arange(5, dtype=np.longdouble) / 3 + seed
            file["float"] = np.arange(5, dtype="f4") + seed
    output = folder / "o.h5"
    problem = run_tool(tool, ["merge", *paths, "-o", output])
    if not problem:
        with h5py.File(paths[0]) as first, h5py.File(output) as merged:
            if merged["long"][()].tobytes() != first["long"][()].tobytes():
                problem = "other values"
    report.check("80 bits: carried over", problem)


if __name__ == "__main__":
    sys.exit(main())
