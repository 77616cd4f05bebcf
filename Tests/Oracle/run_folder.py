"""Runs of imwa-run with the trainer for tests, for checks that need processes."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TRAINER = pathlib.Path(__file__).with_name("fake_trainer.py")
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
COMMAND = f"{PYTHON}, -I, -S, {TRAINER}"


def wait(what, condition, seconds=60):
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def processes(mark):
    """The numbers and command lines of processes that have a text in their command line or environment."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = pathlib.Path(f"/proc/{number}/cmdline").read_bytes()
            environment = pathlib.Path(f"/proc/{number}/environ").read_bytes()
        except OSError:
            continue
        if str(mark).encode() in line + environment:
            found.append((int(number), line.replace(b"\0", b" ").decode(errors="replace")))
    return found


class RunFolder:
    """A folder with a plan and its run."""

    def __init__(self, tool, train="train", extra="", episodes=2, members=2, iterations=20, folder=None):
        self.tool = str(pathlib.Path(tool).resolve())
        self.path = pathlib.Path(folder or tempfile.mkdtemp(prefix="imwa-run-"))
        self.run = self.path / "run"
        words = train if train.startswith("[") else f"[{COMMAND}, {train}]"
        (self.path / "plan.yaml").write_text(
            f"episodes: {episodes}\nmembers: {members}\niterations: {iterations}\n"
            f"init: {{command: [{COMMAND}, init]}}\nsuffix: .safetensors\ntrain: {words}\n{extra}\n")

    def script(self, name, text):
        """Writes a trainer, and returns the words that run it."""
        (self.path / name).write_text(text)
        return f"[{PYTHON}, -I, -S, {self.path / name}]"

    def begin(self, *words, command="start", environment=None, prefix=()):
        target = ["plan.yaml", "--dir", "run"] if command == "start" else ["run"]
        return subprocess.Popen(
            [*prefix, self.tool, command, *target, *words], cwd=self.path, text=True,
            env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def do(self, command, *words, environment=None):
        """Runs a command to its end: its exit code and what it said."""
        process = self.begin(*words, command=command, environment=environment)
        said = process.communicate(timeout=300)[0]
        return process.returncode, said

    def events(self, name):
        journal = self.run / "journal.jsonl"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def attempt(self, episode=1, member=1, number=1):
        return self.run / f"episode-{episode:03}/member-{member}/attempt-{number}"

    def final(self):
        return (self.run / "final.safetensors").read_bytes()

    def left(self):
        """What still runs of it, when what is about to end has had the time to."""
        end = time.monotonic() + 10
        while processes(f"{self.run}/") and time.monotonic() < end:
            time.sleep(0.05)
        return processes(f"{self.run}/")
