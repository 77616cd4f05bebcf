"""Damaged HDF5 files: the tool must end well or refuse in one sentence, in bounded time and memory, and leave nothing behind.

Usage: fuzz_hdf5.py --tool PATH [--runs N] [--seconds N] [--seed N] [--peer PYTHON]

Run number N of a seed is the same file and the same command everywhere. With a peer (a Python with h5py), what the tool
makes of damaged files is opened by h5py: the structure must be that of the first input, as far as h5py reads that.
"""

import argparse
import concurrent.futures
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

sys.dont_write_bytecode = True

from hdf5_anatomy import Anatomy  # noqa: E402
from hdf5_mutations import Mutation  # noqa: E402
from splitmix import SplitMix64  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
SEEDS = (
    "old_layouts.h5", "new_layouts.h5", "new_layouts.h5", "new_groups.h5", "chunked.h5", "h5py_dtypes_s1.h5",
    "keras2_mlp_s1.weights_legacy.h5", "keras3_mlp_s1.weights.h5", "keras3_mixed_bfloat16_s1.weights.h5",
)  # fmt: skip
ALLOWED_EXITS = (0, 64, 65, 66, 73)
WORKERS = 2
TIME_LIMIT = 10 * WORKERS
"""Seconds of processor time, of the tool and its children together: ten on so many processors."""

WALL_LIMIT = 60
MEMORY_LIMIT = 300 << 20
PEER_SHARE = 4
OPTIONS = (
    (), (), (), ("--out-dtype", "F64"), ("--out-dtype", "BF16"), ("--optimizer", "drop"), ("--exclude", "*1*"), ("--verify",),
    ("--no-provenance",), ("--missing", "union"), ("--missing", "intersect"), ("--weights", "1,0"), ("--match", "position"),
    ("--batch-norm", "pooled"), ("--out-dtype", "F32", "--optimizer", "average"),
)  # fmt: skip
CHANGING_OPTIONS = {"--out-dtype", "--optimizer", "--exclude", "--weights", "--batch-norm"}


def main():
    """Damages and runs until the number is reached and the time is over."""
    options = parse_options()
    anatomies = [Anatomy((FIXTURES / "hdf5" / name).read_bytes()) for name in SEEDS]
    fuzzer = Fuzzer(options, anatomies)
    end = time.monotonic() + options.seconds
    numbers = itertools.count(options.first)
    lock = threading.Lock()

    def work(worker):
        while True:
            with lock:
                number = next(numbers)
            if number >= options.first + options.runs and time.monotonic() >= end:
                return
            fuzzer.run(number, worker)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work, worker) for worker in range(WORKERS)]:
            done.result()
    fuzzer.clean_up()
    return fuzzer.finish()


def parse_options():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--runs", type=int, default=2000, help="at least so many")
    parser.add_argument("--seconds", type=float, default=0, help="at least so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first run")
    parser.add_argument("--peer", help="a Python that has h5py")
    return parser.parse_args()


class Fuzzer:
    """Runs of the tool, counted by how they end."""

    def __init__(self, options, anatomies):
        """Makes the folders that runs work in."""
        self.options, self.anatomies = options, anatomies
        self.contents = [anatomy.content for anatomy in anatomies]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="imwa-fuzz-hdf5-"))
        self.exits, self.failures, self.peak, self.slowest, self.peered = Counter(), 0, 0, 0.0, 0

    def clean_up(self):
        """Removes the folders."""
        shutil.rmtree(self.folder)

    def finish(self):
        """Prints what was found and returns the exit code."""
        ends = ", ".join(f"exit {code}: {count}" for code, count in sorted(self.exits.items()))
        total = sum(self.exits.values())
        print(f"{ends}; slowest {self.slowest:.1f} s; peak memory {self.peak >> 20} MiB; {self.peered} outputs opened by h5py")
        print(f"{total - self.failures} passed, {self.failures} failed")
        return 1 if self.failures or not total else 0

    def run(self, number, worker):
        """One damaged file and one command."""
        random = SplitMix64((self.options.seed << 32) + number)
        folder = self.folder / str(worker)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        which = random.below(len(self.anatomies))
        content = Mutation(self.anatomies[which], self.contents, random).result()
        arguments, output = self.command(folder, content, self.contents[which], random)
        problem = self.problem_of(arguments, output, folder, random)
        if problem:
            self.failures += 1
            kept = pathlib.Path(tempfile.gettempdir()) / f"imwa-fuzz-{self.options.seed}-{number}.h5"
            kept.write_bytes(content)
            words = " ".join(str(word).replace(f"{folder}/", "") for word in arguments[1:])
            print(f"FAILED run {number} of {SEEDS[which]}: {problem}\n  {words} (damaged.h5 is kept as {kept})", flush=True)

    def command(self, folder, content, good, random):
        """The command, and the output that it names."""
        damaged, other = folder / "damaged.h5", folder / "other.h5"
        damaged.write_bytes(content)
        partner = random.below(3)
        other.write_bytes(content if partner < 2 else good)
        inputs = [other, damaged] if random.below(2) else [damaged, other]
        output = folder / "out" / ("merged.safetensors" if random.below(4) == 0 else "merged.h5")
        options = OPTIONS[random.below(len(OPTIONS))]
        words = [self.options.tool, "merge", *inputs, "-o", output, "--durability", "none", "--allow-nan", *options]
        return words, output

    def problem_of(self, arguments, output, folder, random):
        """What is wrong with how a command ended, None if nothing is."""
        status, talk, usage = run_measured([str(word) for word in arguments])
        seconds, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        self.slowest, self.peak = max(self.slowest, seconds), max(self.peak, memory)
        code = os.waitstatus_to_exitcode(status)
        self.exits[code] += 1
        if code == -signal.SIGKILL:
            return f"no end after {WALL_LIMIT} seconds"
        if seconds > TIME_LIMIT:
            return f"{seconds:.1f} seconds, exit {code}: {talk[-200:]!r}"
        if code not in ALLOWED_EXITS:
            return f"exit {code}: {talk[-300:]!r}"
        if memory > MEMORY_LIMIT:
            return f"{memory >> 20} MiB of memory, exit {code}: {talk[-200:]!r}"
        left = sorted(path.name for path in output.parent.iterdir())
        if left != ([output.name] if code == 0 else []):
            return f"exit {code} left {left}"
        if code != 0:
            return talk_problem(talk)
        if self.options.peer and output.suffix == ".h5" and random.below(PEER_SHARE) == 0:
            self.peered += 1
            return self.peer_problem(arguments, output)
        return None

    def peer_problem(self, arguments, output):
        """What h5py finds in an output."""
        first, script = arguments[2], pathlib.Path(__file__).with_name("compare_hdf5.py")
        is_same = first.with_name("other.h5").read_bytes() == first.with_name("damaged.h5").read_bytes()
        options = ["--same"] if is_same and not set(arguments) & CHANGING_OPTIONS else []
        words = [self.options.peer, str(script), *options, str(first), str(output)]
        try:
            ended = subprocess.run(words, capture_output=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return None
        return ended.stdout.decode().strip() or None


def run_measured(words):
    """The wait status of a command, what it said on standard error, and what it and its children used."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    timer = threading.Timer(WALL_LIMIT, process.kill)
    timer.start()
    talk = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    return status, talk, usage


def talk_problem(talk):
    """Whether an error is told in one sentence, besides notes and a hint."""
    try:
        lines = talk.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return f"not UTF-8: {talk[-300:]!r}"
    said = [line for line in lines if not line.startswith(("  ", "imwa-avg: note: "))]
    if len(said) != 1 or not said[0].startswith("imwa-avg: "):
        return f"not one sentence: {talk[-500:]!r}"
    if any(not character.isprintable() for character in "".join(lines)):
        return f"control characters: {talk[-500:]!r}"
    return None


if __name__ == "__main__":
    sys.exit(main())
