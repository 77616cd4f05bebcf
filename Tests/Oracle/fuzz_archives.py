"""Random damage to files of PyTorch and NumPy and to Keras archives: each ends well or is refused in one sentence.

Bytes are damaged anywhere, or inside of members whose checksums are then right. What is read must survive being
written and read again. Usage: fuzz_archives.py --probe PATH [--count N] [--seed N]
"""

import argparse
import io
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import zipfile

from splitmix import SplitMix64

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
ENDINGS = (".pt", ".pth", ".npz", ".keras", ".npy")
LARGEST_FIXTURE = 100_000
BATCH = 100
TIME_LIMIT = 60
MEMORY_LIMIT = 300 << 20
MARKER = pathlib.Path(tempfile.gettempdir()) / "imwa-marker-a-pickle-was-executed-here."


def main():
    """Damages and reads until there were so many files."""
    options = parse_options()
    random = SplitMix64(options.seed)
    sources = {path: path.read_bytes() for path in sorted(FIXTURES.rglob("*")) if path.suffix in ENDINGS and path.is_file() and path.stat().st_size <= LARGEST_FIXTURE}
    if not sources:
        sys.exit("no fixtures")
    done = failed = accepted = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        while done < options.count:
            batch = {f"{number:05d}{path.suffix}": damage(content, random) for number, (path, content) in enumerate(choose(sources, random))}
            problems, ok = run(options.probe, batch, folder)
            done += len(batch)
            accepted += ok
            for name, problem in problems:
                failed += 1
                kept = pathlib.Path(tempfile.gettempdir()) / f"imwa-fuzz-{options.seed}-{done}-{name}"
                kept.write_bytes(batch[name])
                print(f"FAILED {problem} (kept as {kept})", flush=True)
    if MARKER.exists():
        failed += 1
        print("FAILED a pickle was executed")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    if peak << 20 > MEMORY_LIMIT:
        failed += 1
        print(f"FAILED memory: {peak} MiB")
    print(f"{done} files, {accepted} of them read, at most {peak} MiB")
    print(f"{done - failed} passed, {failed} failed")
    return 1 if failed else 0


def parse_options():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def choose(sources, random):
    """The files of a batch."""
    paths = list(sources)
    for _ in range(BATCH):
        path = paths[random.below(len(paths))]
        yield path, sources[path]


def run(probe, batch, folder):
    """Has the probe read files; returns what went wrong with which, and how many were read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in batch.items():
        (folder / name).write_bytes(content)
    try:
        ended = subprocess.run([probe, "checkpoints-read", str(folder)], capture_output=True, timeout=TIME_LIMIT, check=False)
        problem = f"exit {ended.returncode}: {ended.stderr[-300:]!r}" if ended.returncode else None
        lines = ended.stdout.decode().split("\n")[:-1]
    except subprocess.TimeoutExpired:
        problem, lines = f"no end after {TIME_LIMIT} seconds", []
    if problem and len(batch) > 1:
        # Half by half, until it is known which file it is.
        names = list(batch)
        halves = [run(probe, {name: batch[name] for name in part}, folder) for part in (names[: len(names) // 2], names[len(names) // 2 :])]
        return halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]
    if problem:
        return [(next(iter(batch)), problem)], 0
    answers = dict(line.split("\t", 1) for line in lines)
    problems = [(name, f"no answer but {answers.get(name)}") for name in batch if not answers.get(name, "").startswith(("ok", "refused: "))]
    return problems, sum(answer.startswith("ok") for answer in answers.values())


def damage(content, random):
    """Damages bytes of a file, or of one of its members."""
    if content[:2] != b"PK" or random.below(3) == 0:
        return change(content, random)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, OSError):
        return change(content, random)
    names = [name for name in members if name.endswith((".pkl", ".npy", ".h5", "byteorder", "version"))] or list(members)
    name = names[random.below(len(names))]
    members[name] = change(members[name], random)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED if random.below(4) == 0 else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return output.getvalue()


# Instructions of pickles and pieces of headers, which are put in where they can do harm.
WORDS = [
    b"\x80\x05", b"(", b")", b"}", b"]", b"R", b"b", b"\x81", b"u", b"s", b"e", b"a", b"t", b"\x85", b"\x86", b"\x87", b"Q", b"2", b"0", b"1", b".",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80", b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01", b"J\xff\xff\xff\xff", b"K\x00", b"N",
    b"h\x00", b"h\x01", b"j\xff\xff\xff\xff", b"r\xff\xff\xff\x7f", b"q\x05", b"\x94", b"ccollections\nOrderedDict\n", b"X\xff\xff\xff\xff", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_tensor_v3\n", b"cos\nsystem\n", b"\x89", b"\x88", b"'descr': '|O'", b"-1", b"9223372036854775807", b"True", b"(", b",)",
]


def change(content, random):
    """Changes a few bytes, or cuts or repeats a part."""
    data = bytearray(content)
    for _ in range(1 + random.below(4)):
        if not data:
            break
        # The structure is at the start of most files.
        place = random.below(len(data) if random.below(2) else min(len(data), 600))
        kind = random.below(8)
        if kind == 0:
            data[place] = random.below(256)
        elif kind == 1:
            data[place] ^= 1 << random.below(8)
        elif kind == 2:
            del data[place : place + 1 + random.below(8)]
        elif kind in (3, 4):
            data[place : place + random.below(4)] = WORDS[random.below(len(WORDS))]
        elif kind == 5:
            data[place:place] = data[place : place + random.below(64)]
        elif kind == 6:
            other = random.below(len(data))
            data[place : place + 8] = data[other : other + 8]
        else:
            del data[place:]
    return bytes(data)


if __name__ == "__main__":
    sys.exit(main())
