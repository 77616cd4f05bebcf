"""Random damage to every fixture: the tool must end well or refuse in one sentence, and leave nothing behind.

Usage: fuzz_tool.py --tool PATH [--seconds N] [--seed N]
"""

import argparse
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from splitmix import SplitMix64

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
TIME_LIMIT = 20
MEMORY_LIMIT = 2 << 30
ALLOWED_EXITS = (0, 65, 66, 74)
LARGEST_FIXTURE = 200_000


def main():
    """Damages and runs until the time is over."""
    options = parse_options()
    random = SplitMix64(options.seed)
    sources = [path for path in sorted(FIXTURES.rglob("*.safetensors")) if path.is_file() and path.stat().st_size <= LARGEST_FIXTURE]
    end = time.monotonic() + options.seconds
    runs = failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        while time.monotonic() < end:
            source = sources[random.below(len(sources))]
            problem = run_once(options.tool, source, random, folder)
            runs += 1
            if problem:
                failures += 1
                kept = keep(folder, runs)
                print(f"FAILED {source.relative_to(FIXTURES)}: {problem} (kept as {kept})", flush=True)
    print(f"{runs - failures} passed, {failures} failed")
    return 1 if failures or not runs else 0


def parse_options():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def run_once(tool, source, random, folder):
    """Merges a damaged copy with its original; returns what is wrong with how that ended."""
    damaged = folder / "damaged.safetensors"
    output = folder / "out" / "merged.safetensors"
    shutil.rmtree(output.parent, ignore_errors=True)
    output.parent.mkdir()
    damaged.write_bytes(damage(source.read_bytes(), random))
    inputs = [damaged] if random.below(2) else [damaged, source]
    command = [tool, "merge", *inputs, "-o", output, "--durability", "none", "--allow-nan", "--missing", "union"]
    try:
        ended = subprocess.run(
            [str(word) for word in command], capture_output=True, timeout=TIME_LIMIT, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT)),
        )
    except subprocess.TimeoutExpired:
        return f"no end after {TIME_LIMIT} seconds"
    if ended.returncode not in ALLOWED_EXITS:
        return f"exit {ended.returncode}: {ended.stderr[-300:]!r}"
    left = sorted(path.name for path in output.parent.iterdir())
    if left != (["merged.safetensors"] if ended.returncode == 0 else []):
        return f"exit {ended.returncode} left {left}"
    if ended.returncode and not ended.stderr.strip():
        return f"exit {ended.returncode} without a word"
    return None


def damage(content, random):
    """Changes a few bytes, most of them in the header, or cuts or repeats a part."""
    data = bytearray(content)
    for _ in range(1 + random.below(5)):
        if not data:
            break
        header_end = 8 + int.from_bytes(data[:8], "little") if len(data) >= 8 else len(data)
        limit = min(len(data), header_end) if random.below(5) else len(data)
        place = random.below(max(1, limit))
        kind = random.below(7)
        if kind == 0:
            data[place] = random.below(256)
        elif kind == 1:
            data[place] ^= 1 << random.below(8)
        elif kind == 2:
            del data[place : place + 1 + random.below(8)]
        elif kind == 3:
            data[place:place] = bytes([0x20 + random.below(95)])
        elif kind == 4:
            data[place:place] = data[place : place + random.below(64)]
        elif kind == 5:
            data[place : place + 1] = str(random.below(1 << 62)).encode()
        else:
            del data[place:]
    return bytes(data)


def keep(folder, number):
    """Copies the file that did harm out of the temporary folder."""
    kept = pathlib.Path(tempfile.gettempdir()) / f"imwa-fuzz-{number}.safetensors"
    shutil.copyfile(folder / "damaged.safetensors", kept)
    return kept


if __name__ == "__main__":
    sys.exit(main())
