"""Runs commands and measures them: wall time and CPU time, or the peak memory of the process alone."""

import ctypes
import mmap
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36

Command = list[str]


class CommandFailed(Exception):
    def __init__(self, command: Command, status: int, errors: str):
        code = os.waitstatus_to_exitcode(status)
        end = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        super().__init__(f"failed ({end}): {' '.join(command)}\n{errors.rstrip()}")


@dataclass(frozen=True)
class Timing:
    seconds: float
    cpu_seconds: float


class CommandRunner:
    """Starts commands with their output thrown away and their errors kept for the message of a failure."""

    def __init__(self, folder: Path):
        self.errors = folder / "bench-errors.txt"

    def time(self, commands: list[Command]) -> Timing:
        """The commands one after the other, as one measurement."""
        start = time.perf_counter()
        usages = [self._finish(command, self._start(command, os.devnull)) for command in commands]
        seconds = time.perf_counter() - start
        return Timing(seconds, sum(usage.ru_utime + usage.ru_stime for usage in usages))

    def peak_memory(self, command: Command) -> int:
        """The peak resident bytes of the command.

        Linux counts the memory that a process had before `exec` into its peak, so a child of this interpreter
        would never show less than the interpreter itself. A shell of 1 MiB forks the command instead and
        leaves; as "subreaper" this process inherits the command and waits for it.
        """
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        forking_shell = ["sh", "-c", '"$@" >/dev/null & echo $!', "sh", *command]
        answer = self.errors.with_name("bench-process.txt")
        try:
            self._finish(forking_shell, self._start(forking_shell, str(answer)))
            return self._finish(command, int(answer.read_text())).ru_maxrss * 1024
        finally:
            answer.unlink(missing_ok=True)

    def clean_up(self) -> None:
        self.errors.unlink(missing_ok=True)

    def _start(self, command: Command, output: str) -> int:
        overwrite = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, output, overwrite, 0o644),
            (os.POSIX_SPAWN_OPEN, 2, str(self.errors), overwrite, 0o644),
        ]
        return os.posix_spawnp(command[0], command, os.environ, file_actions=actions)

    def _finish(self, command: Command, process: int):
        try:
            _, status, usage = os.wait4(process, 0)
        except BaseException:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            raise
        if status != 0:
            raise CommandFailed(command, status, self.errors.read_text(errors="replace"))
        return usage


def touch_memory(size: int) -> None:
    """Makes the host of a virtual machine hand over `size` bytes, which the next command then gets at once."""
    with mmap.mmap(-1, size) as memory:
        memory[:: mmap.PAGESIZE] = bytes(len(range(0, size, mmap.PAGESIZE)))


def read_through(path: Path) -> None:
    """Brings the file back into the page cache, should the kernel have dropped parts of it."""
    buffer = bytearray(2**20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
