#!/usr/bin/env python3
"""Compares what two builds of `imwa-avg`, with different versions of libhdf5, write for every family of HDF5 fixtures.

Usage: check_same_bytes.py --tool PATH --other PATH

Needs the Python standard library alone. The last line is `N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from report import TIME_LIMIT, Report  # noqa: E402

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"
# Written in place; built anew with other values, without some tensors, with other storage.
OPTIONS = (
    [],
    ["--optimizer", "drop"],
    ["--exclude", "*bias*"],
    ["--out-dtype", "f16"],
    ["--weights=0.3,0.7"],
)
# Versions of libdeflate compress chunks differently: of these files the values must be the same.
COMPRESSED = {"new_layouts.h5", "old_layouts.h5"}


def families():
    """The first two members of each family of HDF5 files and of archives around them, and each other file with itself."""
    found = collections.defaultdict(list)
    only_for_some = FIXTURES / "hdf5/newer.h5"
    for path in sorted({*FIXTURES.glob("hdf5/*.h5"), *FIXTURES.glob("keras/*.keras")} - {only_for_some}):
        stem, _, rest = path.name.partition("_s")
        is_member = rest[:1].isdigit()
        found[stem + rest[1:] if is_member else path.name].append(path)
    for name, members in sorted(found.items()):
        yield name, (members * 2)[:2] if len(members) == 1 else members[:2]


def outcome(tool, arguments, output, by_values):
    """The exit code of a merge, and the bytes that it wrote or a digest of the values."""
    command = [str(tool), "merge", *map(str, arguments), "-o", str(output), "--force", "--quiet"]
    ended = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)
    if ended.returncode != 0:
        return ended.returncode, None
    if not by_values:
        return 0, output.read_bytes()
    command = [str(tool.with_name("imwa-ckpt")), "hash", str(output)]
    return 0, subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=True).stdout


def main():
    """Runs each merge with both builds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", type=pathlib.Path, required=True)
    parser.add_argument("--other", type=pathlib.Path, required=True)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for name, members in families():
            for chosen in OPTIONS:
                output = pathlib.Path(folder) / f"mean{members[0].suffix}"
                first, second = (
                    outcome(tool, [*members, *chosen], output, name in COMPRESSED)
                    for tool in (options.tool, options.other)
                )
                problem = None
                if first[0] != second[0]:
                    problem = f"exit codes {first[0]} and {second[0]}"
                elif first != second:
                    problem = "other values" if name in COMPRESSED else "other bytes"
                report.check(" ".join([name, *chosen]), problem)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
