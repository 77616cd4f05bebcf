#!/usr/bin/env python3
"""Measures `imwa-avg merge` on HDF5 files against `cp` and against the script that people write with h5py.

Needs h5py and numpy. Tool and reference run in turn; a ratio is the median over the rounds.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import h5py
import numpy as np

from commands import CommandFailed, CommandRunner, read_through, touch_memory
from rows import MIB

H5PY_SCRIPT = Path(__file__).parent / "peers" / "h5py_mean.py"
LARGE_CHUNK = (1024, 2048)
THREADS = 2


@dataclass(frozen=True)
class Kind:
    """A kind of file: the shapes of its datasets at a scale, and how they are stored."""

    shapes: object
    storage: dict = field(default_factory=dict)


def model(scale):
    """Datasets of 274 MiB together, like those of a network of convolutions with a large embedding."""
    large = {f"layers/embedding/{index}": (max(64, int(8192 * scale)), 2048) for index in range(4)}
    small = {f"layers/conv_{index}/kernel": (3, 3, max(1, int(256 * scale)), 128) for index in range(16)}
    return large | small


def thousand(_scale):
    """Many small datasets."""
    return {f"layers/dense_{index // 2}/vars/{index % 2}": (16, 4) for index in range(1000)}


def many_chunks(scale):
    """One dataset in chunks of 1 KiB."""
    return {"kernel": (max(10, int(32_000 * scale)), 256)}


GZIP = {"compression": "gzip", "compression_opts": 4}
KINDS = {
    "contiguous": Kind(model),
    "gzip": Kind(model, {"chunks": True, **GZIP}),
    "gzip-shuffle": Kind(model, {"chunks": True, "shuffle": True, **GZIP}),
    "small": Kind(thousand),
    "chunks": Kind(many_chunks, {"chunks": (1, 256)}),
    "chunks-gzip": Kind(many_chunks, {"chunks": (1, 256), **GZIP}),
    "large-chunks": Kind(lambda scale: {"kernel": (max(1024, int(32_768 * scale)), 2048)}, {"chunks": LARGE_CHUNK, **GZIP}),
}

MEMORY = 48 * MIB + 2 * 2 * MIB
ONE_LARGE_CHUNK = LARGE_CHUNK[0] * LARGE_CHUNK[1] * 4
ROWS = (
    # name, kind, what is measured, at most (or at least, for a speed-up)
    ("hdf5-cp", "contiguous", "ratio to cp", 1.0),
    ("hdf5-h5py", "contiguous", "speed-up over h5py", 6),
    ("hdf5-memory", "contiguous", "memory", MEMORY),
    ("gzip-h5py", "gzip", "speed-up over h5py", 4),
    ("gzip-size", "gzip", "size against zlib's", 1.03),
    ("gzip-memory", "gzip", "memory", MEMORY),
    ("gzip-shuffle-h5py", "gzip-shuffle", "speed-up over h5py", 3),
    ("gzip-shuffle-size", "gzip-shuffle", "size against zlib's", 1.03),
    ("small-seconds", "small", "seconds", 0.150),
    ("small-memory", "small", "memory", MEMORY),
    ("chunks-seconds", "chunks", "seconds", 1.0),
    ("chunks-memory", "chunks", "memory", MEMORY),
    ("chunks-gzip-seconds", "chunks-gzip", "seconds", 1.0),
    ("chunks-gzip-memory", "chunks-gzip", "memory", MEMORY),
    ("large-chunks-memory", "large-chunks", "memory", MEMORY + THREADS * 3 * ONE_LARGE_CHUNK),
)


def main():
    """Measures the rows; exit code 2 when a command failed or a result is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=Path)
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="rows by name, with commas")
    parser.add_argument("--scale", type=float, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else [row[0] for row in ROWS]
    try:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(options.tool.resolve(), Path(folder), options.rounds, options.scale)
            for row in ROWS:
                if row[0] in chosen:
                    bench.measure(*row)
    except (CommandFailed, ValueError) as problem:
        print(f"bench_hdf5.py: {problem}", file=sys.stderr)
        return 2
    return 0


class Bench:
    """The tool and the folder that all rows are measured with."""

    def __init__(self, tool, folder, rounds, scale):
        """Makes nothing yet."""
        self.tool, self.folder, self.rounds, self.scale = tool, folder, rounds, scale
        self.runner = CommandRunner(folder)
        self.output, self.reference = folder / "tool.h5", folder / "reference.h5"
        self.kind, self.inputs = None, []

    def make(self, kind):
        """Writes two files of a kind, and removes those of the one before."""
        if kind == self.kind:
            return
        for path in self.inputs:
            path.unlink()
        self.kind, self.inputs = kind, [self.folder / f"{kind}-{number}.h5" for number in (1, 2)]
        for seed, path in enumerate(self.inputs):
            random = np.random.default_rng(seed)
            with h5py.File(path, "w") as file:
                for name, shape in KINDS[kind].shapes(self.scale).items():
                    file.create_dataset(name, data=random.normal(0, 0.02, shape).astype("f4"), **KINDS[kind].storage)
        self.check()

    def check(self):
        """Compares one result with the float64 mean, every value."""
        self.time([self.merge()])
        with h5py.File(self.inputs[0]) as first, h5py.File(self.inputs[1]) as second, h5py.File(self.output) as merged:
            for name in KINDS[self.kind].shapes(self.scale):
                expected = ((first[name][()].astype("f8") + second[name][()]) * 0.5).astype("f4")
                if expected.tobytes() != merged[name][()].tobytes():
                    raise ValueError(f"{self.kind}: '{name}' is not the mean")

    def merge(self):
        """The tool's command."""
        return [str(self.tool), "merge", *map(str, self.inputs), "-o", str(self.output), "--durability", "none", "--quiet"]

    def script(self):
        """The command of the h5py script."""
        return [sys.executable, str(H5PY_SCRIPT), *map(str, self.inputs), str(self.reference)]

    def time(self, commands):
        """The seconds of commands, with no old output, and inputs and memory at hand."""
        for path in (self.output, self.reference):
            path.unlink(missing_ok=True)
        for path in self.inputs:
            read_through(path)
        touch_memory(int(256 * MIB + 3 * self.inputs[0].stat().st_size))
        return self.runner.time(commands).seconds

    def measure(self, name, kind, what, bound):
        """Prints one row."""
        self.make(kind)
        if what == "memory":
            figure = max(self.runner.peak_memory([*self.merge(), "--force"]) for _ in range(min(self.rounds, 3)))
            text, limit = f"{figure / MIB:.1f} MiB", f"≤ {bound / MIB:.0f} MiB"
        elif what == "seconds":
            figure = median(self.time([self.merge()]) for _ in range(self.rounds))
            text, limit = f"{figure:.3f} s", f"≤ {bound:g} s"
        elif what == "size against zlib's":
            self.time([self.merge()])
            size = self.output.stat().st_size
            self.time([self.script()])
            figure = size / self.reference.stat().st_size
            text, limit = f"{figure:.3f}", f"≤ {bound:g}"
        else:
            figure, text, limit = self.compare(what, bound)
        passed = figure >= bound if what.startswith("speed-up") else figure <= bound
        print(f"{name:20}  {kind:13}  {what:20}  {text:44}  {limit:10}  {'PASS' if passed else 'FAIL'}", flush=True)

    def compare(self, what, bound):
        """The median ratio of runs in turn, and its text."""
        other = ["cp", str(self.inputs[0]), str(self.reference)] if what == "ratio to cp" else self.script()
        rounds = self.rounds if what == "ratio to cp" else min(self.rounds, 3)
        pairs = [(self.time([self.merge()]), self.time([other])) for _ in range(rounds)]
        if what == "ratio to cp":
            ratios, sign = [tool / reference for tool, reference in pairs], "≤"
        else:
            ratios, sign = [reference / tool for tool, reference in pairs], "≥"
        seconds = " against ".join(f"{median(column):.3f} s" for column in zip(*pairs, strict=True))
        return median(ratios), f"{median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}], {seconds}", f"{sign} {bound:g}"


if __name__ == "__main__":
    sys.exit(main())
