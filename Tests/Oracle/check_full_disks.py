#!/usr/bin/env python3
"""Fills the disk of a run at random moments, frees it again, and compares the result with that of an undisturbed run.

The disk is a small file system in memory. Sometimes the runner or a trainer is killed while the disk is full. Needs
root.
"""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from run_folder import COMMAND, RunFolder, processes

EXTRA = f"""evaluate: {{command: [{COMMAND}, evaluate], metric: accuracy}}
ema: trainer
keep: last
grace: 1s
attempts: 1000
tensorboard: true"""


def fill(path, chance):
    """Takes all room, or all but some bytes, so that writes end in their middle."""
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                file.write(bytes(chance.choice([512, 4096, 4096, 65536])))
    except OSError:
        pass
    if chance.random() < 0.3:
        size = path.stat().st_size
        os.truncate(path, max(0, size - chance.randrange(0, 3) * 4096))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--disks", type=int, default=10, help="how often the disk is full")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kilobytes", type=int, default=1500)
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("left out: a small file system needs root")
        return
    chance = random.Random(options.seed)
    shape = {"extra": EXTRA, "episodes": 4, "iterations": 48}
    calm = RunFolder(options.tool, **shape)
    begin = time.monotonic()
    assert calm.do("start", "-q")[0] == 0
    length = time.monotonic() - begin
    full, stops, runs, kills = 0, 0, 0, 0
    while full < options.disks:
        runs += 1
        disk = pathlib.Path(tempfile.mkdtemp(prefix="imwa-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={options.kilobytes}k", "tmpfs", disk], check=True)
        try:
            folder = RunFolder(options.tool, **shape, folder=disk)
            command, deadline = "start", time.monotonic() + 300
            while not (folder.run / "final.safetensors").exists() or not folder.events("completed"):
                assert time.monotonic() < deadline, f"the run does not end, seed {options.seed}"
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                words = ["start", "plan.yaml", "--dir", "run"] if command == "start" else ["resume", "run"]
                runner = subprocess.Popen([folder.tool, *words], cwd=disk, **quiet)
                try:
                    runner.wait(chance.uniform(0, length / 2))
                except subprocess.TimeoutExpired:
                    fill(disk / "fill", chance)
                    full += 1
                    if chance.random() < 0.2:
                        found = [number for number, _ in processes(f"{folder.run}/")]
                        for number in chance.sample([runner.pid] + found, 1):
                            try:
                                os.kill(number, signal.SIGKILL)
                                kills += 1
                            except ProcessLookupError:
                                pass
                    try:
                        runner.wait(chance.uniform(0, length))
                    except subprocess.TimeoutExpired:
                        pass
                    (disk / "fill").unlink()
                code = runner.wait(120)
                assert code in (0, 65, 66, 73, 74, -9), code
                stops += code != 0
                journal = folder.run / "journal.jsonl"
                if journal.exists() and journal.stat().st_size:
                    command = "resume"
            assert folder.final() == calm.final(), f"the result has other bits, seed {options.seed}"
            assert folder.do("resume")[0] == 0
            assert not folder.left(), folder.left()
            partial = [str(path) for path in folder.run.rglob("*.imwa-partial")]
            assert not partial, partial
        finally:
            subprocess.run(["umount", "-l", disk])
    print(f"{full} full disks ({stops} stops, {kills} kills) in {runs} runs: the same bits as those of the undisturbed run")


main()
