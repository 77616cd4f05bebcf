#!/usr/bin/env python3
"""Measures the tools on PyTorch files against `cp`, `cat` and the script that people write with `torch.load`.

Needs torch and safetensors. Tool and reference run in turn; a ratio is the median over the rounds.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import save_file

from commands import CommandFailed, CommandRunner, read_through, touch_memory

TORCH_SCRIPT = Path(__file__).parent / "peers" / "torch_load_mean.py"


@dataclass(frozen=True)
class Row:
    """What is run, on which files, against what, and the limit: of a ratio, a speed-up or seconds."""

    name: str
    inputs: tuple[str, ...]
    command: tuple[str, ...]
    reference: str
    limit: float
    output: str = ""


LARGE = ("large-1.pt", "large-2.pt")
MERGE = ("imwa-avg", "merge")
CONVERT = ("imwa-ckpt", "convert")
ROWS = (
    Row("merge-cp", LARGE, MERGE, "cp", 1.2, "out.pt"),
    Row("merge-torch", LARGE, MERGE, "torch", 15, "out.pt"),
    Row("to-safetensors", LARGE[:1], CONVERT, "cp", 1.0, "out.safetensors"),
    Row("from-safetensors", ("large-1.safetensors",), CONVERT, "cp", 1.0, "out.pt"),
    Row("verify", LARGE[:1], ("imwa-ckpt", "verify"), "cat", 1.2),
    Row("show", ("small.pt",), ("imwa-ckpt", "show"), "seconds", 0.1),
    Row("show-safetensors", ("small.safetensors",), ("imwa-ckpt", "show"), "seconds", 0.1),
)


def large(scale, generator):
    """Tensors of 1 GiB together, like those of a transformer."""
    shapes = {f"layers.{layer}.{name}.weight": (2048, 2048) for layer in range(15) for name in ("q", "k", "v", "o")}
    shapes |= {f"layers.{layer}.norm.weight": (2048,) for layer in range(15)} | {"embedding.weight": (8192, 2048)}
    count = max(1, int(len(shapes) * scale))
    return {name: torch.randn(shape, generator=generator) for name, shape in list(shapes.items())[:count]}


def small(_scale, generator):
    """20,000 small tensors."""
    sizes = ((32, 32), (838,), (16, 48), (726,))
    names = (f"model.layers.{index // 200}.block.{index // 20 % 10}.weight_{index % 20}" for index in range(20_000))
    return {name: torch.randn(sizes[index % 4], generator=generator) for index, name in enumerate(names)}


def main():
    """Measures the rows; exit code 2 when a command failed or a result is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", required=True, type=Path, help="the folder of the release tools")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="rows by name, with commas")
    parser.add_argument("--scale", type=float, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else [row.name for row in ROWS]
    try:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(options.tools.resolve(), Path(folder), options.rounds, options.scale)
            for row in ROWS:
                if row.name in chosen:
                    bench.measure(row)
    except (CommandFailed, ValueError) as problem:
        print(f"bench_torch.py: {problem}", file=sys.stderr)
        return 2
    return 0


class Bench:
    """The tools and the folder that all rows are measured with."""

    def __init__(self, tools, folder, rounds, scale):
        """Makes the files."""
        self.tools, self.folder, self.rounds = tools, folder, rounds
        self.runner = CommandRunner(folder)
        for seed, name in enumerate(LARGE):
            model = large(scale, torch.Generator().manual_seed(seed))
            torch.save(model, folder / name)
            if seed == 0:
                save_file(model, folder / "large-1.safetensors")
        model = small(scale, torch.Generator().manual_seed(7))
        torch.save(model, folder / "small.pt")
        save_file(model, folder / "small.safetensors")

    def measure(self, row):
        """Prints one row."""
        self.check(row)
        tool = self.tool_command(row)
        if row.reference == "seconds":
            figure = median(self.seconds(row, tool) for _ in range(3 * self.rounds))
            text, passed = f"{figure:.3f} s", figure <= row.limit
        else:
            is_peer = row.reference == "torch"
            rounds = min(self.rounds, 3) if is_peer else self.rounds
            pairs = [(self.seconds(row, tool), self.seconds(row, self.reference(row))) for _ in range(rounds)]
            ratios = [reference / tool if is_peer else tool / reference for tool, reference in pairs]
            figure = median(ratios)
            passed = figure >= row.limit if is_peer else figure <= row.limit
            seconds = " against ".join(f"{median(column):.3f} s" for column in zip(*pairs, strict=True))
            text = f"{figure:.2f} [{min(ratios):.2f}..{max(ratios):.2f}], {seconds}"
        sign = ">=" if row.reference == "torch" else "<="
        print(f"{row.name:18} {row.reference:8} {text:46} {sign} {row.limit:<5g} {'PASS' if passed else 'FAIL'}", flush=True)

    def check(self, row):
        """Runs the tool once and compares every value of what it wrote."""
        self.seconds(row, self.tool_command(row))
        if not row.output:
            return
        if row.command == CONVERT:
            self.runner.time([[str(self.tools / "imwa-ckpt"), "diff", str(self.folder / row.inputs[0]), str(self.folder / row.output)]])
            return
        first, second = (torch.load(self.folder / name) for name in row.inputs)
        merged = torch.load(self.folder / row.output)
        for name, values in first.items():
            if not torch.equal(((values.double() + second[name]) * 0.5).float(), merged[name]):
                raise ValueError(f"{row.name}: '{name}' is not the mean")

    def tool_command(self, row):
        """The command of a tool."""
        program, *arguments = row.command
        command = [str(self.tools / program), *arguments, *self.paths(row)]
        if row.output:
            command += ["-o", str(self.folder / row.output), "--durability", "none", "--quiet"]
        return command

    def reference(self, row):
        """What the tool is compared with."""
        reference = str(self.folder / "reference")
        if row.reference == "cat":
            return ["cat", *self.paths(row)]
        if row.reference == "cp":
            return ["cp", self.paths(row)[0], reference]
        return [sys.executable, str(TORCH_SCRIPT), *self.paths(row), reference]

    def paths(self, row):
        """The inputs of a row."""
        return [str(self.folder / name) for name in row.inputs]

    def seconds(self, row, command):
        """The seconds of a command, with no old output, and inputs and memory at hand."""
        for name in ("out.pt", "out.safetensors", "reference"):
            (self.folder / name).unlink(missing_ok=True)
        for path in self.paths(row):
            read_through(path)
        touch_memory(3 * (self.folder / row.inputs[0]).stat().st_size)
        return self.runner.time([command]).seconds


if __name__ == "__main__":
    sys.exit(main())
