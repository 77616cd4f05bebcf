#!/usr/bin/env python3
"""Runs in bad company: full disks, deleted and damaged journals, files that change late, workers that lead sessions of
their own, clocks that are set, signals of batch systems, copies, containers.

What a check needs and the machine does not have (root, a compiler, torchrun) is said, and the check left out.
"""
import argparse
import inspect
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from run_folder import COMMAND, PYTHON, TRAINER, RunFolder, processes, wait

SLOW = {"FAKE_SECONDS": "3"}


class LeftOut(Exception):
    """The machine has not what a check needs."""


def needs(condition, what):
    if not condition:
        raise LeftOut(what)


def takes_preloaded_libraries(tool):
    """Whether a program is linked dynamically: it names an interpreter then."""
    return b"/ld-linux" in pathlib.Path(tool).read_bytes()[:4096]


def undisturbed(tool):
    calm = RunFolder(tool)
    assert calm.do("start")[0] == 0
    return calm.final()


# --- The journal ---------------------------------------------------------------------------------------------------


def a_deleted_journal_stops_the_run(tool):
    folder = RunFolder(tool)
    process = folder.begin(environment=SLOW)
    wait("trainers", lambda: folder.attempt(1, 2).joinpath("process.json").exists())
    (folder.run / "journal.jsonl").unlink()
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 74, (process.returncode, said)
    assert "it was deleted while it was being written" in said, said
    assert not folder.left()
    code, said = folder.do("repair")
    assert code == 0, said
    assert folder.do("resume")[0] == 0
    assert folder.final() == undisturbed(tool)


def a_full_disk_does_not_tear_the_journal(tool):
    needs(os.geteuid() == 0, "root, for a small file system")
    folder = RunFolder(tool)
    small = folder.path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", small], check=True)
    try:
        fill, free = small / "fill", folder.path / "free"
        folder = RunFolder(tool, folder.script("train.py", FILLER.format(fill=fill, free=free, trainer=TRAINER)),
                           folder=folder.path)
        folder.run = small / "run"
        process = subprocess.Popen([folder.tool, "start", "plan.yaml", "--dir", str(folder.run)], cwd=folder.path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.wait(120) == 74
        free.touch()
        fill.unlink(missing_ok=True)
        subprocess.run([folder.tool, "resume", str(folder.run), "-q"], check=True)
        assert folder.final() == undisturbed(tool)
        assert not (folder.run / "journal.damaged").exists()
    finally:
        subprocess.run(["umount", "-l", small])


FILLER = '''
import os, signal, subprocess, sys, time
if os.environ["IMWA_EPISODE"] == "2" and not os.path.exists("{free}"):
    if os.environ["IMWA_MEMBER"] == "1":
        signal.signal(signal.SIGTERM, lambda *_: (os.unlink("{fill}"), sys.exit(1)))
        with open("{fill}", "wb", buffering=0) as file:
            try:
                while True: file.write(bytes(4096))
            except OSError: pass
        time.sleep(60)
    while not os.path.exists("{fill}"): time.sleep(0.05)
    time.sleep(0.5)
    sys.exit(3)
sys.exit(subprocess.call([sys.executable, "-I", "-S", "{trainer}", "train"]))
'''


def a_journal_of_more_than_64_mib_is_taken_up(tool):
    folder = RunFolder(tool, 'train, "fail@2.1.1"', "attempts: 1")
    assert folder.do("start", "-q")[0] == 65
    journal = folder.run / "journal.jsonl"
    line = '{"time":%f,"event":"measured","episode":1,"subject":"average","value":1,"all":{"a":1,"%s":1}}\n'
    with open(journal, "a") as file:
        for _ in range(70):
            file.write(line % (time.time(), "x" * 1_000_000))
    assert journal.stat().st_size > 64 << 20
    code, said = folder.do("resume", "-q")
    assert code == 0, said
    assert folder.do("status")[0] == 0


def blank_lines_and_later_versions_are_skipped(tool):
    folder = RunFolder(tool, 'train, "fail@2.1.1"', "attempts: 1")
    assert folder.do("start", "-q")[0] == 65
    journal = folder.run / "journal.jsonl"
    text = journal.read_text()
    more = ('{"time":1,"event":"rested","hours":8}\n'
            '{"time":1,"event":"submitted","episode":2,"task":"polish-1","attempt":1}\n')
    journal.write_text("\ufeff" + text + "\n \n" + more + "\r\n")
    code, said = folder.do("resume", "-q")
    assert code == 0, said
    assert folder.final() == undisturbed(tool)
    assert more in journal.read_text(), "what is not understood is kept"


def a_damaged_journal_is_repaired(tool):
    expected = undisturbed(tool)
    for damage in ["garbled", "glued", "zeros", "first", "cut", "empty", "missing"]:
        folder = RunFolder(tool, 'train, "fail@2.1.1"', "attempts: 1")
        assert folder.do("start", "-q")[0] == 65
        journal = folder.run / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        journal.write_bytes({
            "garbled": b"".join(lines[:middle] + [b"#" + lines[middle]] + lines[middle + 1:]),
            "glued": b"".join(lines[:middle] + [lines[middle][:20]] + lines[middle + 1:]),
            "zeros": b"".join(lines[:middle]) + bytes(300) + b"\n" + b"".join(lines[middle + 1:]),
            "first": b"".join([b"{}\n"] + lines[1:]),
            "cut": b"".join(lines[:5]),
            "empty": b"",
            "missing": b""}[damage])
        if damage == "missing":
            journal.unlink()
        if damage in ("garbled", "glued", "zeros", "first"):
            code, said = folder.do("resume", "-q")
            assert code == 65 and "imwa-run repair" in said, (damage, code, said)
        code, said = folder.do("repair")
        assert code == 0, (damage, said)
        code, said = folder.do("resume", "-q")
        assert code == 0, (damage, said)
        assert folder.final() == expected, damage
        if damage in ("garbled", "glued", "zeros", "first"):
            assert (folder.run / "journal.damaged").stat().st_size > 0, damage
        code, said = folder.do("repair")
        assert (code, said) == (0, "nothing to repair\n"), (damage, said)


# --- Files that change ---------------------------------------------------------------------------------------------


def a_member_that_changes_after_it_was_checked_is_found(tool):
    folder = RunFolder(tool, environment_wait(), episodes=1)
    process = folder.begin()
    wait("member 1", lambda: any(e["task"] == "member-1" for e in folder.events("finished")))
    change(folder.attempt() / "model.safetensors")
    (folder.path / "go").touch()
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 65, (process.returncode, said)
    assert "it was changed after it was checked" in said, said
    assert not (folder.run / "episode-001/average.safetensors").exists()
    assert folder.do("repair")[0] == 0
    assert folder.do("resume", "-q")[0] == 0
    calm = RunFolder(tool, episodes=1)
    assert calm.do("start")[0] == 0
    assert folder.final() == calm.final()


def environment_wait():
    """A trainer whose member 2 of episode 1 waits for a file."""
    text = ("import os,subprocess,sys,time\n"
            "go = os.path.join(os.environ['IMWA_ATTEMPT_DIR'], '../../../../go')\n"
            "while os.environ['IMWA_MEMBER'] == '2' and not os.path.exists(go): time.sleep(0.02)\n"
            f"sys.exit(subprocess.call([sys.executable, '-I', '-S', '{TRAINER}', 'train']))")
    return f'[{PYTHON}, -I, -S, -c, "{text}"]'.replace("\n", "\\n")


def change(path):
    """Changes a bit, and sets the time of modification back."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    with open(path, "r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def files_that_change_while_a_run_is_stopped_are_found(tool):
    for name in ["model", "state"]:
        folder = RunFolder(tool, 'train, "fail@2.1.1"', "attempts: 1")
        assert folder.do("start", "-q")[0] == 65
        change(folder.attempt(2, 2) / "model.safetensors" if name == "model" else folder.attempt(1, 1) / "state")
        code, said = folder.do("resume", "-q")
        assert code == 65 and "it was changed after it was checked" in said, (name, code, said)
    folder = RunFolder(tool, 'train, "fail@2.1.1"', "attempts: 1")
    assert folder.do("start", "-q")[0] == 65
    folder.attempt(1, 1).joinpath("state").unlink()
    code, said = folder.do("resume", "-q")
    assert code == 66 and "it is missing" in said, (code, said)


# --- Copies, containers, places ------------------------------------------------------------------------------------


def stopping_a_copy_leaves_the_original_alone(tool):
    folder = RunFolder(tool)
    process = folder.begin(environment=SLOW)
    wait("trainers", lambda: folder.attempt(1, 2).joinpath("process.json").exists())
    copy = folder.path / "copy"
    subprocess.run(["cp", "-a", folder.run, copy], check=True)
    said = subprocess.run([folder.tool, "status", copy], capture_output=True, text=True).stdout
    assert "copy: interrupted" in said and "not running" in said, said
    assert subprocess.run([folder.tool, "stop", "-q", copy]).returncode == 0
    assert process.wait(60) == 0, process.stdout.read()


def trainers_in_another_container_are_waited_for(tool):
    needs(os.geteuid() == 0 and shutil.which("unshare"), "root and unshare")
    folder = RunFolder(tool)
    inner = f"hostname inner; {folder.tool} start plan.yaml --dir run -q & echo $! > pid; while ! test -e end; do sleep 0.1; done"
    container = subprocess.Popen(["unshare", "--pid", "--uts", "--fork", "--mount-proc", "sh", "-c", inner],
                                 cwd=folder.path, env={**os.environ, "FAKE_SECONDS": "6"})
    wait("trainers", lambda: (folder.attempt(1, 2) / "process.json").exists())
    said = folder.do("status")[1]
    assert "run: running" in said and "on host inner" in said, said
    code, said = folder.do("resume")
    assert code == 73 and "on inner" in said, said
    runner = [number for number, line in processes(folder.path) if "start plan.yaml" in line and "unshare" not in line and "sh -c" not in line]
    for number in runner:
        os.kill(number, signal.SIGKILL)
    said = folder.do("status")[1]
    assert "run: interrupted" in said and "on host inner" in said, said
    code, said = folder.do("resume")
    assert code == 0 and "is under way on inner" in said, (code, said)
    assert not [event for event in folder.events("failed")], folder.events("failed")
    assert folder.final() == undisturbed(tool)
    (folder.path / "end").touch()
    container.wait(60)


def a_run_in_another_container_is_stopped(tool):
    needs(os.geteuid() == 0 and shutil.which("unshare"), "root and unshare")
    folder = RunFolder(tool)
    container = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", folder.tool, "start", "plan.yaml", "--dir", "run", "-q"],
        cwd=folder.path, env={**os.environ, "FAKE_SECONDS": "30"}, stderr=subprocess.DEVNULL)
    wait("trainers", lambda: (folder.attempt(1, 2) / "process.json").exists())
    assert folder.do("stop")[0] == 0
    assert container.wait(60) == 143
    assert folder.events("stopped")


def a_project_is_moved_and_copied(tool):
    folder = RunFolder(tool, "[sh, train.sh]", "attempts: 1")
    (folder.path / "train.sh").write_text(
        f'test "$IMWA_EPISODE" = 1 || test -e ready || exit 3; exec {PYTHON} -I -S {TRAINER} train\n')
    assert folder.do("start", "-q")[0] == 65
    copied = folder.path.with_name(folder.path.name + "-copy")
    shutil.copytree(folder.path, copied)
    (copied / "ready").touch()
    said = subprocess.run([folder.tool, "resume", copied / "run"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert f"commands run in {copied}" in said.stderr, said.stderr
    moved = folder.path.with_name(folder.path.name + "-moved")
    folder.path.rename(moved)
    (moved / "ready").touch()
    said = subprocess.run([folder.tool, "resume", "-q", moved / "run"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert (moved / "run/final.safetensors").read_bytes() == (copied / "run/final.safetensors").read_bytes()


def a_complete_run_on_a_read_only_disk_is_looked_at(tool):
    needs(os.geteuid() == 0, "root, to mount a folder for reading only")
    folder = RunFolder(tool)
    assert folder.do("start", "-q")[0] == 0
    subprocess.run(["mount", "--bind", folder.run, folder.run], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder.run], check=True)
    try:
        for command in ["resume", "status"]:
            code, said = folder.do(command)
            assert code == 0, (command, said)
    finally:
        subprocess.run(["umount", folder.run])


def a_file_system_without_second_names_is_enough(tool):
    compiler = shutil.which("cc")
    needs(compiler and takes_preloaded_libraries(tool), "a C compiler, and a tool that is linked dynamically")
    folder = RunFolder(tool)
    (folder.path / "poor.c").write_text('''
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <dlfcn.h>
int link(const char *from, const char *to) { errno = EPERM; return -1; }
long syscall(long number, ...) {
  va_list list; va_start(list, number); long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_renameat2) { errno = EINVAL; return -1; }
  long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
''')
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "poor.so", "poor.c", "-ldl"], cwd=folder.path, check=True)
    code, said = folder.do("start", environment={"LD_PRELOAD": str(folder.path / "poor.so")})
    assert code == 0, said
    assert folder.final() == undisturbed(tool)


# --- Processes -----------------------------------------------------------------------------------------------------

# A worker in a session of its own, which no signal to its group reaches and which takes no notice of being asked.
WORKER = '''
import os, signal, subprocess, sys, time
folder = os.environ["IMWA_ATTEMPT_DIR"]
code = "import signal,time; signal.signal(signal.SIGTERM, lambda *_: None); open(%r, 'w').write('x'); time.sleep(600)"
bare = {{}} if {bare} else None
subprocess.Popen([sys.executable, "-I", "-S", "-c", code % (folder + "/worker")], start_new_session=True, env=bare,
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while not os.path.exists(folder + "/worker"): time.sleep(0.02)
if {hangs} and folder.endswith("attempt-1"): time.sleep(600)
sys.exit(subprocess.call([sys.executable, "-I", "-S", "{trainer}", "train"]))
'''


def workers(folder):
    return processes("signal.signal(signal.SIGTERM, lambda *_: None); open('" + str(folder.run))


def workers_of_other_sessions_end_with_their_attempt(tool):
    for bare in [False, True]:
        folder = RunFolder(tool)
        folder = RunFolder(tool, folder.script("train.py", WORKER.format(bare=bare, hangs=False, trainer=TRAINER)),
                           "grace: 1s", episodes=1, folder=folder.path)
        code, said = folder.do("start")
        assert code == 0, said
        assert not workers(folder), workers(folder)


def workers_of_other_sessions_end_with_the_timeout(tool):
    folder = RunFolder(tool)
    folder = RunFolder(tool, folder.script("train.py", WORKER.format(bare=False, hangs=True, trainer=TRAINER)),
                       "grace: 1s\ntimeout: 2s", episodes=1, folder=folder.path)
    code, said = folder.do("start")
    assert code == 0, said
    assert [event["cause"] for event in folder.events("failed")] == ["timeout"] * 2
    assert '"cause":"timeout"' in (folder.attempt() / "exit.json").read_text()
    assert not workers(folder)


def workers_of_a_killed_supervisor_end_at_the_next_look(tool):
    folder = RunFolder(tool)
    folder = RunFolder(tool, folder.script("train.py", WORKER.format(bare=False, hangs=True, trainer=TRAINER)),
                       "grace: 1s", episodes=1, folder=folder.path)
    process = folder.begin()
    wait("workers", lambda: len(workers(folder)) == 2)
    for number, line in processes(folder.run):
        if " supervise " in line:
            os.kill(number, signal.SIGKILL)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert [event["cause"] for event in folder.events("failed")] == ["lost"] * 2
    assert not workers(folder)
    # The runner, too: 'stop' looks.
    folder = RunFolder(tool)
    folder = RunFolder(tool, folder.script("train.py", WORKER.format(bare=False, hangs=True, trainer=TRAINER)),
                       "grace: 1s", episodes=1, folder=folder.path)
    process = folder.begin()
    wait("workers", lambda: len(workers(folder)) == 2)
    process.kill()
    process.wait()
    for number, line in processes(folder.run):
        if " supervise " in line:
            os.kill(number, signal.SIGKILL)
    code, said = folder.do("stop")
    assert code == 0 and "2 left behind" in said, said
    assert not workers(folder)


LAUNCHED = '''
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
folder = os.environ["IMWA_ATTEMPT_DIR"]
open(f"{folder}/worker-{os.environ.get('RANK', 0)}.pid", "w").write(str(os.getpid()))
for _ in range(240): time.sleep(0.5)
'''


def workers_of_launchers_end(tool):
    folder = pathlib.Path(sys.executable).parent
    launchers = {"torchrun": ["--standalone", "--nproc-per-node", "2"],
                 "accelerate": ["launch", "--cpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision",
                                "no", "--dynamo_backend", "no"]}
    found = [name for name in launchers if (folder / name).exists()]
    needs(found, "torchrun or accelerate beside the interpreter")
    for name in found:
        run = RunFolder(tool)
        (run.path / "worker.py").write_text(LAUNCHED)
        # accelerate imports it for another command, and it may not fit the other packages.
        (run.path / "timm.py").touch()
        words = ", ".join([str(folder / name), *launchers[name], str(run.path / "worker.py")])
        run = RunFolder(tool, f"[{words}]", "grace: 2s\ntimeout: 25s\nattempts: 1", episodes=1, members=1,
                        folder=run.path)
        code, said = run.do("start", environment={"PYTHONPATH": str(run.path)})
        assert code == 65 and "timeout" in said, (name, said)
        ranks = list(run.attempt().glob("worker-*.pid"))
        assert ranks, f"{name} has started nothing: {(run.attempt() / 'log').read_text()[-2000:]}"
        for file in ranks:
            assert not pathlib.Path("/proc", file.read_text()).exists(), f"{name}: {file.name} lives"


def signals_of_batch_systems_stop_a_run(tool):
    for name in ["SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGTERM", "SIGHUP", "SIGALRM"]:
        folder = RunFolder(tool)
        process = folder.begin(environment=SLOW)
        wait("trainers", lambda: (folder.attempt(1, 2) / "process.json").exists())
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == 128 + getattr(signal, name), name
        assert not folder.left(), name
        assert len(folder.events("stopped")) == 1, name


def a_supervisor_listens_while_it_reads(tool):
    folder = RunFolder(tool)
    text = ("import os\nwith open(os.environ['IMWA_OUT'], 'wb') as file: file.truncate(1 << 40)\n")
    folder = RunFolder(tool, folder.script("train.py", text), "grace: 1s\nattempts: 1\ntimeout: 2s", episodes=1,
                       members=1, folder=folder.path)
    code, said = folder.do("start")
    assert code == 65 and "it took longer than the 'timeout' of 2 s" in said, said
    assert not folder.left()


def a_supervisor_that_is_held_is_ended(tool):
    folder = RunFolder(tool, 'train, "hang@1.*.1"', "grace: 1s\ntimeout: 1s", episodes=1)
    process = folder.begin()
    wait("trainers", lambda: len([p for p in processes(folder.run) if " supervise " in p[1]]) == 2)
    for number, line in processes(folder.run):
        if " supervise " in line:
            os.kill(number, signal.SIGSTOP)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert {event["cause"] for event in folder.events("failed")} == {"timeout"}
    assert not folder.left()


def a_runner_that_is_held_is_stopped(tool):
    folder = RunFolder(tool)
    process = folder.begin(environment=SLOW)
    wait("trainers", lambda: (folder.attempt(1, 2) / "process.json").exists())
    process.send_signal(signal.SIGSTOP)
    assert folder.do("stop")[0] == 0
    assert process.wait(60) == 143
    assert not folder.left()


def a_run_goes_on_in_the_background(tool):
    folder = RunFolder(tool)
    code, said = folder.do("start", "--detach", environment=SLOW)
    assert code == 0 and "in the background" in said, said
    assert "run: running" in folder.do("status")[1]
    assert folder.do("stop")[0] == 0
    code, said = folder.do("resume", "--detach")
    assert code == 0, said
    wait("the result", lambda: folder.events("completed"))
    assert folder.final() == undisturbed(tool)
    assert "wrote" in (folder.run / "runner.log").read_text()
    broken = RunFolder(tool, extra="seeed: 1")
    code, said = broken.do("start", "--detach")
    assert code == 65 and "seeed" in said, (code, said)
    assert not broken.run.exists()


def the_first_process_of_a_container_collects_orphans(tool):
    needs(os.geteuid() == 0 and shutil.which("unshare"), "root and unshare")
    folder = RunFolder(tool, 'train, "hang@1.*.1"', "grace: 1s", episodes=1)
    process = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", folder.tool, "start", "plan.yaml", "--dir", "run", "-q"],
        cwd=folder.path, stderr=subprocess.DEVNULL)
    wait("trainers", lambda: len([p for p in processes(folder.run) if " supervise " in p[1]]) == 2)
    for number, line in processes(folder.run):
        if " supervise " in line:
            os.kill(number, signal.SIGKILL)
    assert process.wait(60) == 0
    assert folder.final()


# --- Time ----------------------------------------------------------------------------------------------------------

CLOCK = '''
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t) {
  int result = syscall(SYS_clock_gettime, id, t);
  if (result == 0 && id == CLOCK_REALTIME) {
    int file = open(OFFSET, O_RDONLY | O_CLOEXEC);
    char text[32] = {0};
    if (file >= 0) { if (read(file, text, 31) > 0) t->tv_sec += atol(text); close(file); }
  }
  return result;
}
'''


def clocks_may_be_set(tool):
    compiler = shutil.which("cc")
    needs(compiler and takes_preloaded_libraries(tool), "a C compiler, and a tool that is linked dynamically")
    for setting, step in [("timeout=30m", 3600), ("heartbeat=15m", 3600), ("timeout=30m", -3600)]:
        folder = RunFolder(tool, f"[env, -u, LD_PRELOAD, {COMMAND}, train]")
        (folder.path / "clock.c").write_text(CLOCK)
        offset = folder.path / "offset"
        offset.write_text("0")
        subprocess.run([compiler, "-shared", "-fPIC", f'-DOFFSET="{offset}"', "-o", "clock.so", "clock.c"],
                       cwd=folder.path, check=True)
        process = folder.begin("--set", setting,
                               environment={"FAKE_SECONDS": "1.5", "LD_PRELOAD": str(folder.path / "clock.so")})
        wait("trainers", lambda: (folder.attempt(1, 2) / "process.json").exists())
        time.sleep(0.5)
        offset.write_text(str(step))
        assert process.wait(60) == 0, process.stdout.read()
        assert not folder.events("failed"), (setting, step)
        rows = folder.do("report", "--csv")[1].splitlines()
        names = rows[0].split(",")
        for row in rows[1:]:
            for name, value in zip(names, row.split(",")):
                if name.startswith("seconds") and value:
                    assert 0 <= float(value) < 60, (setting, step, name, value)


def life_shows_in_folders_and_processors(tool):
    # What frameworks write lies in folders of the attempt's; what computes may print nothing for long.
    for text in ["os.makedirs(folder + '/a/b', exist_ok=True); open(folder + '/a/b/events', 'a').write('x' * 100); time.sleep(0.4)",
                 "end = time.monotonic() + 0.4\n  while time.monotonic() < end: sum(range(1000))"]:
        folder = RunFolder(tool)
        script = ("import os, subprocess, sys, time\nfolder = os.environ['IMWA_ATTEMPT_DIR']\n"
                  f"for _ in range(12):\n  {text}\n"
                  f"sys.exit(subprocess.call([sys.executable, '-I', '-S', '{TRAINER}', 'train']))\n")
        folder = RunFolder(tool, folder.script("train.py", script), "heartbeat: 2s\nattempts: 1", episodes=1,
                           members=1, folder=folder.path)
        code, said = folder.do("start")
        assert code == 0, said
    folder = RunFolder(tool, 'train, "hang@1.1.1"', "heartbeat: 2s\ngrace: 1s", episodes=1, members=1)
    assert folder.do("start")[0] == 0
    assert [event["cause"] for event in folder.events("failed")] == ["heartbeat"]


# --- Leftovers -----------------------------------------------------------------------------------------------------


def scratch_goes_with_what_it_belongs_to(tool):
    text = ("import os, subprocess, sys\nfolder = os.environ['IMWA_ATTEMPT_DIR']\n"
            "open(folder + '/checkpoint.tmp', 'wb').write(bytes(100_000))\n"
            "if folder.endswith('attempt-1'): sys.exit(1)\n"
            f"sys.exit(subprocess.call([sys.executable, '-I', '-S', '{TRAINER}', 'train']))\n")
    for keep, count in [("last", 2), ("all", 16), ("{members: {last: 2}}", 4)]:
        folder = RunFolder(tool)
        folder = RunFolder(tool, folder.script("train.py", text), f"keep: {keep}", episodes=4, folder=folder.path)
        code, said = folder.do("start", "-q")
        assert code == 0, said
        found = list(folder.run.rglob("checkpoint.tmp"))
        assert len(found) == count, (keep, found)
        assert len(list(folder.run.rglob("log"))) >= 16, "logs stay"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--only", default="", help="checks whose name has this text")
    options = parser.parse_args()
    checks = [function for name, function in globals().items()
              if inspect.isfunction(function) and list(inspect.signature(function).parameters) == ["tool"]
              and name != "undisturbed" and options.only in name]
    failed = 0
    for check in checks:
        name = check.__name__.replace("_", " ")
        begin = time.monotonic()
        try:
            check(options.tool)
            print(f"ok      {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except LeftOut as left_out:
            print(f"left out {name}: needs {left_out}", flush=True)
        except Exception as error:  # noqa: BLE001
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__} {error}", flush=True)
    if failed:
        sys.exit(f"{failed} of {len(checks)} checks failed")


main()
