#!/usr/bin/env python3
"""The event files of a run in the real TensorBoard's reader, also after the run was resumed."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TRAINER = pathlib.Path(__file__).with_name("fake_trainer.py")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    tool = str(pathlib.Path(parser.parse_args().tool).resolve())
    command = f"{sys.executable}, {TRAINER}"
    with tempfile.TemporaryDirectory(prefix="imwa-tensorboard-") as folder:
        path = pathlib.Path(folder)
        (path / "plan.yaml").write_text(f"""
episodes: 5
members: 2
iterations: 60
init: {{command: [{command}, init]}}
suffix: .safetensors
train: [{command}, train, fail@3.1.1]
evaluate: {{command: [{command}, evaluate], metric: accuracy, on: [averages, members, ema]}}
ema: trainer
attempts: 1
tensorboard: true
""")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        assert subprocess.run([tool, "start", "plan.yaml", "--dir", "run"], **quiet).returncode == 65
        subprocess.run([tool, "resume", "run"], check=True, **quiet)
        rows = subprocess.run([tool, "report", "run", "--csv"], check=True, capture_output=True, cwd=folder, text=True)
        names, *lines = [line.split(",") for line in rows.stdout.split()]
        for subject, column in [("average", "metric_average"), ("ema", "metric_ema")]:
            reader = EventAccumulator(str(path / "run/tensorboard" / subject))
            reader.Reload()
            found = [(event.step, event.value) for event in reader.Scalars("accuracy")]
            cells = [(int(line[0]), line[names.index(column)]) for line in lines]
            expected = [(step, float(value)) for step, value in cells if value]
            # The start has an average alone.
            assert len(found) == len(expected) == (6 if subject == "average" else 5) and all(
                a[0] == b[0] and abs(a[1] - b[1]) < 1e-6 for a, b in zip(found, expected)), (found, expected)
        for member in (1, 2):
            reader = EventAccumulator(str(path / f"run/tensorboard/member-{member}"))
            reader.Reload()
            assert len(reader.Scalars("training/loss")) == 5
    print("TensorBoard reads the event files")


main()
