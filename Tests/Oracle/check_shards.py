"""Merges PyTorch models in several files with an index, and kills merges, and reads the results with torch and safetensors.

Usage: check_shards.py --tool PATH (needs torch, numpy and safetensors)
"""

import argparse
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import torch

import sharded
import torch_cases as cases
from check_torch import mean, same, value_problem
from report import Report, run_tool

KILL_COUNT = 40


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = pathlib.Path(parser.parse_args().tool).resolve()
    report = Report()
    for group in (check_shards, check_kills):
        with tempfile.TemporaryDirectory() as name:
            group(tool, pathlib.Path(name), report)
    return report.finish()


def shards_of(seed):
    """A model with ties, and the names in each of its shards."""
    state = {name: cases.numbers(seed + place, 8, 5) for place, name in enumerate(["embed", "a", "b", "c"])}
    state.update(head=state["embed"], half=cases.numbers(seed, 6).bfloat16(), mask=torch.tensor([True, False] * 8), steps=torch.tensor(seed))
    return state, [["embed", "head", "half"], ["a", "mask"], ["b", "c", "steps"]]


def shards_problem(folder, members, partition=None):
    """What of a folder is not the mean of the members in the partition, with its ties."""
    state, found, problem = sharded.load(folder)
    if problem or (partition and found != partition):
        return problem or f"the shards hold {found}"
    if state["embed"].data_ptr() != state["head"].data_ptr():
        return "the two are not tied"
    expected = {name: mean([member[name] for member in members]) for name in members[0]}
    wrong = [name for name in expected if not same(state[name], expected[name])]
    return f"{wrong} differ" if wrong or set(state) != set(expected) else None


def check_shards(tool, folder, report):
    """Models in several files with an index."""
    states, partition = zip(*(shards_of(seed) for seed in (1, 2)), strict=True)
    old = lambda value, path: torch.save(value, path, _use_new_zipfile_serialization=False)  # noqa: E731
    for name, state, write in (("a", states[0], torch.save), ("b", states[1], torch.save), ("old", states[0], old)):
        sharded.save(folder / name, state, partition[0], write=write)
        (folder / name / "config.json").write_text("{}")
    out = folder / "out"
    for label, inputs, options in (
        ("shards like the first input's", ["a", "b"], []), ("old shards", ["old", "b"], []),
        ("an index by its name", ["a/pytorch_model.bin.index.json", "b"], ["--verify"]),
        ("no record", ["a", "b"], ["--no-provenance"]),
    ):  # fmt: skip
        problem = run_tool(tool, ["merge", *(folder / name for name in inputs), "-o", out, "--force", *options])
        report.check(label, problem or shards_problem(out, states, partition[0]))
    report.check("the configuration", None if (out / "config.json").exists() else "is not there")
    for size, count in ((100, 7), (300, 4), (400, 2)):
        problem = run_tool(tool, ["merge", folder / "a", folder / "b", "-o", folder / f"cut{size}", "--max-shard-size", str(size)])
        problem = problem or shards_problem(folder / f"cut{size}", states)
        files = len(list((folder / f"cut{size}").glob("*.bin")))
        report.check(f"shards of {size} bytes", problem or (None if files == count else f"{files} files"))
    problem = run_tool(tool, ["merge", folder / "a", folder / "b", "-o", out, "--force", "--max-shard-size", "1MB"])
    names = sorted(path.name for path in out.iterdir())
    report.check("a model that fits is one file", problem or (None if names == ["config.json", "pytorch_model.bin"] else names))
    report.check("its values", value_problem(states, {name: torch.load(out / "pytorch_model.bin", weights_only=True)[name] for name in states[0]}))
    problem = run_tool(tool, ["merge", out, folder / "b", "-o", folder / "single"])
    names = sorted(path.name for path in (folder / "single").iterdir())
    report.check("a folder with one file stays one", problem or (None if names == ["config.json", "pytorch_model.bin"] else names))
    torch.save(states[1], folder / "b.pt")
    loose = {name: value.clone() for name, value in states[1].items()}
    sharded.save(folder / "st", loose, partition[0], suffix=".safetensors")
    problem = run_tool(tool, ["merge", folder / "a", folder / "b.pt", "-o", folder / "mixed/"])
    report.check("shards and a file", problem or shards_problem(folder / "mixed", states, partition[0]))
    problem = run_tool(tool, ["merge", folder / "st", folder / "a", "-o", folder / "mixed-st/"])
    state, _, problem = ({}, [], problem) if problem else sharded.load(folder / "mixed-st", ".safetensors")
    wrong = [name for name in states[0] if name in state and not same(state[name], mean([loose[name], states[0][name]]))]
    report.check("safetensors and PyTorch shards", problem or (f"{wrong} differ" if wrong or len(state) != len(loose) else None))
    problem = run_tool(tool, ["merge", folder / "a", folder / "st", "-o", folder / "one.pt"])
    report.check("shards to one file", problem or value_problem([{name: state[name] for name in sum(partition[0], [])} for state in states], torch.load(folder / "one.pt", weights_only=True)))
    problem = run_tool(tool, ["ema", folder / "a", folder / "b", "--decay", "0.5", "-o", folder / "ema"])
    problem = problem or run_tool(tool, ["ema", folder / "ema", folder / "b", "--decay", "0.5", "-o", folder / "ema", "--force"])
    half = (0.5 * (0.5 * states[0]["a"].double() + 0.5 * states[1]["a"].double()).float().double() + 0.5 * states[1]["a"].double()).float()
    report.check("a moving average in place", problem or (None if same(sharded.load(folder / "ema")[0]["a"], half) else "not it"))
    every = sum(tensor.nbytes for tensor in states[0].values())
    for label, size, accepted in (("all names", every, True), ("BOOL as bits", every - 14, True), ("another size", every + 1, False)):
        sharded.save(folder / label, states[0], partition[0], total_size=size)
        problem = run_tool(tool, ["merge", folder / label, "-o", folder / "sized", "--force"])
        report.check(f"total_size of {label}", problem if accepted else None if problem and "total_size" in problem else problem or "accepted")


def check_kills(tool, folder, report):
    """A merge that is killed at any moment leaves the old model or the new one, and the other files."""
    partition = [["t0", "t1"], ["t2", "t3"], ["t4", "t5"]]
    for name, value in (("x", 1.0), ("y", 3.0), ("z", 7.0)):
        sharded.save(folder / name, {f"t{place}": torch.full((40_000,), value) for place in range(6)}, partition)
    problem = run_tool(tool, ["merge", folder / "z", "-o", folder / "m"])
    (folder / "m" / "notes.txt").write_text("mine")
    start = time.monotonic()
    problem = problem or run_tool(tool, ["merge", folder / "z", "-o", folder / "m", "--force"])
    duration = time.monotonic() - start
    generator = random.Random(3)
    seen = set()
    for turn in range(0 if problem else KILL_COUNT):
        inputs = [folder / "x", folder / "y"] if turn % 2 == 0 else [folder / "z"]
        process = subprocess.Popen([tool, "merge", *inputs, "-o", folder / "m", "--force"], stdout=subprocess.DEVNULL)
        # Every fifth may end, so that both models are seen.
        time.sleep(4 * duration if turn % 5 == 0 else generator.uniform(0, 1.2) * duration)
        process.send_signal(signal.SIGKILL)
        process.wait()
        state, shards, problem = sharded.load(folder / "m")
        values = {float(number) for tensor in state.values() for number in (tensor.min(), tensor.max())}
        if problem or shards != partition or values not in ({2.0}, {7.0}) or not (folder / "m" / "notes.txt").exists():
            problem = problem or f"turn {turn}: {shards}, values {values}"
            break
        seen |= values
    report.check("killed at any moment", problem or (None if seen == {2.0, 7.0} else f"only seen {seen}"))


if __name__ == "__main__":
    sys.exit(main())
