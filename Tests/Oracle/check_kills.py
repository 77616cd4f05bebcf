#!/usr/bin/env python3
"""Kills a run at random moments, again and again, and compares the result with that of an undisturbed run.

What is killed is the runner, a trainer, a supervisor, or all of them at once. Each `finished` line of the
journal must be the only one of its task, and no two trainers may work in one folder.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from run_folder import TRAINER, processes


def plan(python, episodes):
    command = f"{python}, -I, -S, {TRAINER}"
    return f"""
episodes: {episodes}
members: 2
iterations: {episodes * 12}
init: {{command: [{command}, init]}}
suffix: .safetensors
train: [{command}, train]
evaluate: {{command: [{command}, evaluate], metric: accuracy, on: [averages]}}
ema: trainer
warm_start: 11
average: {{recalibrate: [{command}, recalibrate]}}
state: carry
grace: 1s
attempts: 1000
"""


def built_in_plan(episodes):
    data = "--data, digits"
    return f"""
episodes: {episodes}
members: 2
iterations: {episodes * 60}
init: {{builtin: [{data}, --model, "mlp:32", --batch-norm]}}
suffix: .safetensors
train: {{builtin: [{data}, --ema-decay, 0.99]}}
evaluate: {{builtin: [{data}], metric: accuracy, on: [averages, ema]}}
ema: trainer
warm_start: 50
grace: 1s
attempts: 1000
"""


def kill(number):
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        pass


def check_journal(run):
    finished = set()
    for line in (run / "journal.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "finished":
            key = (event["episode"], event["task"])
            assert key not in finished, f"{key} was counted twice"
            finished.add(key)


def check_claims(run):
    """Every attempt was begun by one supervisor, and its log has one trainer's iterations."""
    for log in run.glob("episode-*/member-*/attempt-*/log"):
        numbers = [json.loads(line)["iteration"] for line in log.read_text().splitlines() if line[:1] == "{" and line[-1:] == "}"]
        assert numbers == sorted(set(numbers)), f"two trainers wrote {log}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=8)
    parser.add_argument("--builtin", action="store_true", help="train with imwa-train, beside the tool")
    options = parser.parse_args()
    tool = str(pathlib.Path(options.tool).resolve())
    chance = random.Random(options.seed)
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imwa-kills-"))
    try:
        (folder / "plan.yaml").write_text(
            built_in_plan(options.episodes) if options.builtin else plan(python, options.episodes))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        begin = time.monotonic()
        subprocess.run([tool, "start", "plan.yaml", "--dir", "calm", "--no-try"], cwd=folder, check=True, **quiet)
        length = time.monotonic() - begin
        expected = (folder / "calm/final.safetensors").read_bytes()
        kills, runs = 0, 0
        while kills < options.kills:
            runs += 1
            run = folder / f"run-{runs}"
            words = ["start", "plan.yaml", "--dir", run.name, "--no-try"]
            while not (run / "final.safetensors").exists():
                runner = subprocess.Popen([tool, *words], cwd=folder, **quiet)
                try:
                    runner.wait(chance.uniform(0, length / 3))
                except subprocess.TimeoutExpired:
                    found = processes(f"{run}/")
                    trainers = [number for number, line in found if "fake_trainer" in line or "imwa-train" in line]
                    supervisors = [number for number, line in found if "supervise" in line]
                    choice = chance.choice(["runner", "runner", "trainer", "supervisor", "both", "all"])
                    victims = {
                        "runner": [runner.pid],
                        "trainer": trainers[:1],
                        "supervisor": supervisors[:1],
                        "both": [runner.pid] + trainers[:1],
                        "all": [runner.pid] + trainers + supervisors,
                    }[choice]
                    for victim in victims:
                        kill(victim)
                    kills += bool(victims)
                    kill(runner.pid)
                    runner.wait()
                if (run / "journal.jsonl").exists() and (run / "journal.jsonl").stat().st_size:
                    words = ["resume", run.name]
            subprocess.run([tool, "resume", run.name], cwd=folder, check=True, **quiet)
            assert (run / "final.safetensors").read_bytes() == expected, "the result has other bits"
            check_journal(run)
            check_claims(run)
            # A supervisor that has written how its trainer ended may take a moment to be gone.
            deadline = time.monotonic() + 10
            while processes(f"{run}/") and time.monotonic() < deadline:
                time.sleep(0.05)
            left = [line for _, line in processes(f"{run}/")]
            assert not left, f"left behind: {left}"
        print(f"{kills} kills in {runs} runs: the same bits as those of the undisturbed run")
    finally:
        shutil.rmtree(folder)


main()
