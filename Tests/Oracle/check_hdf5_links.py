"""Leaves tensors out of files whose groups have several names: each path of a dataset is a tensor of its own name.

Usage: check_hdf5_links.py --tool PATH (needs h5py and numpy)
"""

import argparse
import pathlib
import sys
import tempfile

import h5py
import numpy

from report import Report, run_tool

TENSORS = {"x", "g/a", "g/b", "h/inner/c", "k/d"}
# Options, and whether a path stays.
CASES = (
    (["--exclude", "g/a"], lambda path: path != "g/a"),
    (["--exclude", "g/[ab]"], lambda path: path not in ("g/a", "g/b")),
    (["--exclude", "*g/*", "--exclude", "linked/*"], lambda path: "g/" not in path and "linked/" not in path),
    (["--exclude", "h/*"], lambda path: not path.startswith("h/")),
    (["--exclude", "k/d"], lambda path: path != "k/d"),
    (["--include", "x"], lambda path: path == "x"),
    (["--include", "k/*"], lambda path: path.startswith("k/")),
    ([], lambda path: True),
)


def main():
    """Runs all cases with both kinds of groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = pathlib.Path(parser.parse_args().tool).resolve()
    report = Report()
    for label, version in (("old groups", None), ("new groups", ("v110", "v110"))):
        with tempfile.TemporaryDirectory() as name:
            members = [pathlib.Path(name) / f"{seed}.h5" for seed in (0, 1)]
            for seed, path in enumerate(members):
                write(path, seed, version)
            for options, stays in CASES:
                output = pathlib.Path(name) / "out.h5"
                problem = run_tool(tool, ["merge", *members, "-o", output, "--force", *options])
                report.check(f"{label}, {' '.join(options)}", problem or problem_of(members[0], output, stays))
    return report.finish()


def write(path, seed, version):
    """A file in which groups are in several groups."""
    with h5py.File(path, "w", libver=version) as file:
        for name in sorted(TENSORS):
            file[name] = numpy.full(4, seed, "f4")
        file["linked"], file["other"], file["k/g"] = file["g"], file["h"], file["g"]


def paths_of(group, prefix=""):
    """All paths of a file that lead to datasets."""
    paths = set()
    for name, item in group.items():
        path = prefix + name
        paths |= {path} if isinstance(item, h5py.Dataset) else paths_of(item, path + "/")
    return paths


def problem_of(source, output, stays):
    """How the paths in a file and their values differ from those that should stay."""
    with h5py.File(source) as first, h5py.File(output) as file:
        wanted = {path for path in paths_of(first) if stays(path)}
        found = paths_of(file)
        values = {float(file[path][0]) for path in found}
        ties = {path for path in found if not stays("g/a") or path[-2:] == "/a" and file[path] != file["g/a"]}
    if found != wanted:
        return f"{sorted(found)} instead of {sorted(wanted)}"
    if wanted == paths_of_all(source) and ties:
        return f"{ties} are no ties any more"
    return None if values == {0.5} else f"the means are {values}"


def paths_of_all(source):
    """All paths of a file that is closed."""
    with h5py.File(source) as file:
        return paths_of(file)


if __name__ == "__main__":
    sys.exit(main())
