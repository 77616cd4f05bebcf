"""Merges HDF5 files with the tool and compares with h5py and NumPy: values, structure, attributes.

Usage: check_hdf5.py --tool PATH (needs h5py and numpy)
"""

import argparse
import pathlib
import sys
import tempfile

import h5py
import numpy as np

from report import Report, run_tool

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "hdf5"


def main():
    """Checks every family of files in the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = pathlib.Path(parser.parse_args().tool).resolve()
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        for first in sorted(FIXTURES.glob("*_s1.*")):
            check_family(tool, first, pathlib.Path(name), report)
    return report.finish()


def check_family(tool, first, folder, report):
    """Merges the three members of a family."""
    members = [first.with_name(first.name.replace("_s1", f"_s{number}")) for number in (1, 2, 3)]
    output = folder / first.name.replace("_s1", "")
    problem = run_tool(tool, ["merge", *members, "-o", output, "--optimizer", "average"])
    report.check(f"{first.name}: mean of 3", problem or difference(members, output))


def difference(members, output):
    """What of the output is not the mean in float64, rounded once, or not as in the first member."""
    with h5py.File(members[0]) as first, h5py.File(members[1]) as second, h5py.File(members[2]) as third:
        with h5py.File(output) as merged:
            if "imwa" not in merged.attrs:
                return "no provenance"
            names, found = [], []
            first.visit(names.append)
            merged.visit(found.append)
            if names != found:
                return f"other objects: {set(names) ^ set(found)}"
            for name in names:
                if dict_of(first[name].attrs) != dict_of(merged[name].attrs):
                    return f"'{name}': other attributes"
                if isinstance(first[name], h5py.Dataset):
                    problem = value_problem([first[name], second[name], third[name]], merged[name])
                    if problem:
                        return f"'{name}': {problem}"
    return None


def dict_of(attributes):
    """Attributes as bytes that compare."""
    return {key: np.asarray(value).tolist() for key, value in attributes.items()}


def value_problem(datasets, merged):
    """Compares one dataset."""
    values = [dataset[()] for dataset in datasets]
    if np.asarray(values[0]).dtype.kind == "V" and datasets[0].attrs.get("dtype") == "bfloat16":
        values = [(value.view(np.uint16).astype(np.uint32) << 16).view(np.float32) for value in values]
        result = (merged[()].view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        mean = ((values[0].astype(np.float64) + values[1] + values[2]) * (1.0 / 3)).astype(np.float64)
        # Within half a step of bfloat16: NumPy has no such type to round to.
        return None if np.all(np.abs(result - mean) <= np.abs(mean) * 2.0**-8 + 1e-38) else "not near the mean"
    if np.asarray(values[0]).dtype.kind not in "fc":
        return None if np.array_equal(values[0], merged[()]) else "not the first input's"
    wide = np.complex128 if np.asarray(values[0]).dtype.kind == "c" else np.float64
    mean = (np.asarray(values[0], wide) + np.asarray(values[1], wide) + np.asarray(values[2], wide)) * (1.0 / 3)
    expected = np.asarray(mean).astype(np.asarray(values[0]).dtype)
    return None if expected.tobytes() == np.asarray(merged[()]).tobytes() else "not the mean"


if __name__ == "__main__":
    sys.exit(main())
