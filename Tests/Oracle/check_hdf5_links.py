"""Leaves tensors out of files whose groups have several names: a name stays where it leads to something that stays.

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
# Options, and the tensors that are left out.
CASES = (
    (["--exclude", "g/a"], {"g/a"}),
    (["--exclude", "g/[ab]"], {"g/a", "g/b"}),
    (["--exclude", "g/*", "--exclude", "k/d"], {"g/a", "g/b", "k/d"}),
    (["--exclude", "h/*"], {"h/inner/c"}),
    (["--exclude", "k/d"], {"k/d"}),
    (["--include", "x"], TENSORS - {"x"}),
    (["--include", "h/*"], TENSORS - {"h/inner/c"}),
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
            for options, left_out in CASES:
                output = pathlib.Path(name) / "out.h5"
                problem = run_tool(tool, ["merge", *members, "-o", output, "--force", *options])
                report.check(f"{label}, {' '.join(options)}", problem or problem_of(members[0], output, left_out))
    return report.finish()


def write(path, seed, version):
    """A file in which groups are in several groups."""
    with h5py.File(path, "w", libver=version) as file:
        for name in sorted(TENSORS):
            file[name] = numpy.full(4, seed, "f4")
        file["linked"], file["other"], file["k/g"] = file["g"], file["h"], file["g"]


def paths_of(group, prefix=""):
    """All paths of a file, each with the tensors that it leads to by their first names."""
    paths = {}
    for name, item in group.items():
        if isinstance(item, h5py.Dataset):
            paths[prefix + name] = {first_name(item)}
        else:
            below = paths_of(item, f"{prefix}{name}/")
            paths[prefix + name] = set().union(*below.values())
            paths |= below
    return paths


def first_name(dataset):
    """The name in `TENSORS` of a dataset that was reached in any way."""
    return next(name for name in TENSORS if name in dataset.file and dataset.file[name] == dataset)


def problem_of(source, output, left_out):
    """How the paths in a file differ from those of the source that still lead to a tensor."""
    with h5py.File(source) as first, h5py.File(output) as file:
        wanted = {path: tensors - left_out for path, tensors in paths_of(first).items() if tensors - left_out}
        found = paths_of(file)
        values = {float(file[name][0]) for name in TENSORS - left_out}
    if found != wanted:
        return f"{found} instead of {wanted}"
    return None if values == {0.5} else f"the means are {values}"


if __name__ == "__main__":
    sys.exit(main())
