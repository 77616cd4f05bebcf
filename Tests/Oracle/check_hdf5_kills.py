"""Kills merges of HDF5 files at random moments: the output is the old or the new one, and the next merge tidies up.

Usage: check_hdf5_kills.py --tool PATH [--kills N] (needs h5py and numpy)
"""

import argparse
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from report import Report, run_tool  # noqa: E402
from splitmix import SplitMix64  # noqa: E402

KINDS = {"in place": {}, "rebuilt": {"chunks": (64, 512), "compression": "gzip", "shuffle": True}}
TENSORS, SHAPE = 12, (512, 1024)
LONGEST_LIFE_OF_A_CHILD = 5.0


def main():
    """Kills merges of both kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    tool = pathlib.Path(options.tool).resolve()
    report = Report()
    for kind, storage in KINDS.items():
        with tempfile.TemporaryDirectory(prefix="imwa-kills-") as name:
            Killing(tool, pathlib.Path(name), storage).run(kind, options.kills, report)
    return report.finish()


class Killing:
    """Merges of two files over an output that exists."""

    def __init__(self, tool, folder, storage):
        """Writes the inputs, the old output and the new one."""
        self.tool, self.folder = tool, folder
        inputs = [folder / "a.h5", folder / "b.h5"]
        for seed, path in enumerate(inputs):
            random = np.random.default_rng(seed)
            with h5py.File(path, "w") as file:
                for number in range(TENSORS):
                    file.create_dataset(f"layers/{number}/kernel", data=random.normal(size=SHAPE).astype("f4"), **storage)
        (folder / "out").mkdir()
        self.output = folder / "out" / "merged.h5"
        self.arguments = ["merge", *inputs, "-o", self.output, "--force", "--quiet"]
        self.duration = min(self.merge() for _ in range(3))
        self.new = self.output.read_bytes()
        self.old = inputs[0].read_bytes()

    def merge(self):
        """Merges, and returns how long that took."""
        start = time.monotonic()
        problem = run_tool(self.tool, self.arguments)
        if problem:
            raise SystemExit(problem)
        return time.monotonic() - start

    def run(self, kind, kills, report):
        """Kills, looks, and merges again."""
        random = SplitMix64(7)
        ends = {"old": 0, "new": 0}
        problem = None
        for number in range(kills):
            self.output.write_bytes(self.old)
            self.kill_after(self.duration * 1.1 * random.uniform())
            found = self.output.read_bytes()
            if found not in (self.old, self.new):
                problem = problem or f"kill {number}: {len(found)} bytes that are neither the old nor the new file"
            ends["old" if found == self.old else "new"] += 1
            problem = problem or self.wait_for_children()
            ended = run_tool(self.tool, self.arguments)
            left = sorted(path.name for path in self.output.parent.iterdir())
            if not problem and (ended or left != [self.output.name] or self.output.read_bytes() != self.new):
                problem = f"the merge after kill {number}: {ended or left}"
        report.check(f"{kind}: {kills} kills ({ends['old']} old, {ends['new']} new)", problem)

    def kill_after(self, delay):
        """Starts a merge and kills it, without a chance to tidy up."""
        process = subprocess.Popen([str(self.tool), *map(str, self.arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def wait_for_children(self):
        """Whether a child process outlives the tool; its command line is the tool's."""
        end = time.monotonic() + LONGEST_LIFE_OF_A_CHILD
        while time.monotonic() < end:
            lines = [self.command_line(folder) for folder in pathlib.Path("/proc").glob("[0-9]*")]
            if not any(str(self.output).encode() in line for line in lines):
                return None
            time.sleep(0.01)
        return f"a child process is still there after {LONGEST_LIFE_OF_A_CHILD} seconds"

    @staticmethod
    def command_line(folder):
        """The command line of a process, as far as it is still there."""
        try:
            return (folder / "cmdline").read_bytes()
        except OSError:
            return b""


if __name__ == "__main__":
    sys.exit(main())
