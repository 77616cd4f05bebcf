#!/usr/bin/env python3
"""Compares what `imwa-avg merge` and `imwa-avg ema` write with the exact reference, byte for byte.

Needs the Python standard library alone. The last line is `N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import functools
import json
import pathlib
import struct
import sys
import tempfile
from collections.abc import Callable
from typing import NamedTuple

sys.dont_write_bytecode = True

import exact  # noqa: E402
import random_checkpoints  # noqa: E402
import safetensors_file  # noqa: E402
from report import Report, run_tool  # noqa: E402

THREADS = (1, 2, 3)


class Run(NamedTuple):
    """One use of the tool: how many members it takes, its options and the method that it has to follow."""

    command: str
    members: int
    options: tuple
    method: Callable
    out_dtype: str | None = None

    def __str__(self):
        """The command without its files."""
        return " ".join([self.command, f"of {self.members}", *self.options])


def uniform(members, out_dtype=None):
    """A mean."""
    options = ("--out-dtype", out_dtype) if out_dtype else ()
    return Run("merge", members, options, exact.mean, out_dtype)


def weighted(*weights):
    """A weighted mean."""
    options = (f"--weights={','.join(map(str, weights))}",)
    return Run("merge", len(weights), options, functools.partial(exact.weighted, weights=weights))


def ema(members, decay, warmup=False):
    """An exponential moving average over the first member and the others as updates."""
    options = ("--decay", str(decay)) + (("--warmup",) if warmup else ())
    return Run("ema", members, options, functools.partial(exact.ema, decay=decay, warmup=warmup))


RUNS = {
    "mixed": [
        uniform(1),
        uniform(2),
        uniform(3),
        weighted(0.2, 0.8),
        weighted(3, 1, 2),
        weighted(1.5, 0, -0.5),
        weighted(-0.25, 1.25),
        *(uniform(3, dtype) for dtype in exact.FLOAT_FORMATS),
        ema(2, 0.99),
        ema(3, 0.999),
        ema(3, 0.999, warmup=True),
        ema(3, 0.15, warmup=True),
    ],
    "large": [uniform(2), uniform(3, "BF16"), weighted(0.7, 0.1, 0.2), ema(3, 0.9)],
    "many": [uniform(3), weighted(0.3, 0.7), ema(2, 0.5, warmup=True), uniform(2, "F64")],
}
"""The runs for each group of checkpoints."""


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-avg")
    tool = parser.parse_args().tool.resolve()
    report = Report()
    for make_group in (random_checkpoints.mixed, random_checkpoints.large, random_checkpoints.many):
        with tempfile.TemporaryDirectory() as folder:
            check_group(tool, make_group(), pathlib.Path(folder), report)
    return report.finish()


def check_group(tool, group, folder, report):
    """Writes the members of a group and does its runs."""
    inputs = []
    for number, tensors in enumerate(group.members):
        inputs.append(folder / f"{'abc'[number]}.safetensors")
        metadata = group.metadata if number == 0 else {"format": "pt", "member": str(number)}
        inputs[-1].write_bytes(safetensors_file.serialize(tensors, metadata))
    for run in RUNS[group.label]:
        expected = exact.merge(
            group.members[: run.members], run.method, run.out_dtype, keeps_state=run.command == "ema"
        )
        outputs = []
        for threads in THREADS:
            output = folder / "out.safetensors"
            arguments = [run.command, *inputs[: run.members], "-o", output, *run.options, "--threads", threads]
            problem = run_tool(tool, arguments) or compare(output, expected)
            report.check(f"{group.label}: {run} --threads {threads}: every byte", problem)
            outputs.append(output.read_bytes() if output.is_file() else b"")
            output.unlink(missing_ok=True)
        problem = None if outputs[0] and len(set(outputs)) == 1 else "the files differ or are missing"
        report.check(f"{group.label}: {run}: same file with any number of threads", problem)
        report.check(f"{group.label}: {run}: header", header_problem(outputs[0], group.metadata or {}))


def compare(path, expected):
    """What is different between a file and the expected tensors, None if nothing is."""
    if not path.is_file():
        return "no output file"
    try:
        found = exact.read(path)
    except safetensors_file.Damaged as error:
        return f"output damaged: {error}"
    if found.keys() != expected.keys():
        return f"other tensors: {sorted(found.keys() ^ expected.keys())[:5]}"
    problems = (tensor_problem(name, found[name], tensor) for name, tensor in expected.items())
    return next(filter(None, problems), None)


def tensor_problem(name, found, expected):
    """What is different between two tensors, None if nothing is."""
    if found == expected:
        return None
    if found[:2] != expected[:2]:
        return f"tensor {name!r} is {found.dtype} {found.shape}, expected {expected.dtype} {expected.shape}"
    size = safetensors_file.DTYPE_BITS[expected.dtype] // 8
    wrong = [
        start // size
        for start in range(0, len(expected.data), size)
        if found.data[start : start + size] != expected.data[start : start + size]
    ]
    place = slice(wrong[0] * size, (wrong[0] + 1) * size)
    found_bits, expected_bits = (tensor.data[place][::-1].hex() for tensor in (found, expected))
    return (
        f"tensor {name!r} ({expected.dtype} {expected.shape}) has {len(wrong)} wrong elements, "
        f"the first at {wrong[0]}: bits {found_bits}, expected {expected_bits}"
    )


def header_problem(content, metadata):
    """What is wrong with the header's form or its metadata, None if nothing is."""
    if len(content) < 8:
        return "no output file"
    (length,) = struct.unpack_from("<Q", content)
    text = content[8 : 8 + length]
    if length % 8 != 0:
        return f"the header's length {length} is not a multiple of 8"
    if not text.startswith(b"{"):
        return "the header does not begin with a brace"
    found = json.loads(text).get(safetensors_file.METADATA_KEY) or {}
    lost = {key: value for key, value in metadata.items() if found.get(key) != value}
    if lost:
        return f"metadata of the first input lost or changed: {lost}"
    if list(found) != sorted(found):
        return f"metadata not sorted: {list(found)}"
    return None


if __name__ == "__main__":
    sys.exit(main())
