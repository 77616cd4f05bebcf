"""Exchanges filtered chunks with libhdf5: what h5py stores is decoded, what is encoded is read by h5py.

Usage: check_chunks.py --probe PATH (needs h5py and numpy)
"""

import argparse
import itertools
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from report import TIME_LIMIT, Report

DTYPES = ["<f4", "<f2", ">f8", "<i8", "u1", "<c16", "V3"]
FILTERS = [
    {},
    {"shuffle": True},
    {"fletcher32": True},
    {"compression": "gzip", "compression_opts": 0},
    {"compression": "gzip", "compression_opts": 1},
    {"compression": "gzip", "compression_opts": 9, "fletcher32": True},
    {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    {"compression": "gzip", "compression_opts": 6, "shuffle": True, "fletcher32": True},
    {"compression": "lzf"},
    {"compression": "lzf", "shuffle": True, "fletcher32": True},
]
SIZES = [1, 7, 1000, 30011]


def main():
    """Checks all combinations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probe", required=True)
    probe = parser.parse_args().probe
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for dtype, filters in itertools.product(DTYPES, FILTERS):
            path = f"{folder}/chunks.h5"
            report.check(f"{dtype} {filters}", problem_of(path, probe, np.dtype(dtype), filters))
    return report.finish()


def problem_of(path, probe, dtype, filters):
    """What is wrong with any chunk of some datasets."""
    contents = {
        f"{content} {size}": make_values(dtype, size, content)
        for size, content in itertools.product(SIZES, ["normal", "noise", "zeros"])
    }
    with h5py.File(path, "w") as file:
        for name, values in contents.items():
            problem = exchange(file, probe, name, values, filters)
            if problem:
                return f"{name}: {problem}"
    # libhdf5 2.0 forgets the mask of a chunk that it has just written as it is, until the file is opened again.
    with h5py.File(path) as file:
        for name, values in contents.items():
            if file[f"copy of {name}"][()].tobytes() != values.tobytes():
                return f"{name}: h5py reads something else"
    return None


def exchange(file, probe, name, values, filters):
    """Decodes what h5py stores, and stores what is encoded."""
    dataset = file.create_dataset(name, data=values, chunks=values.shape, **filters)
    pipeline = describe(dataset)
    mask, stored = dataset.id.read_direct_chunk((0,))
    raw = values.tobytes()
    found = ask(probe, ["chunk-decode", pipeline, mask, len(raw)], stored)
    if found != raw:
        return f"decoded {str(found)[:200]}"
    if filters and ask(probe, ["chunk-decode", pipeline, mask, len(raw) + 1], stored) is not None:
        return "a wrong size is accepted"
    answer = ask(probe, ["chunk-encode", pipeline], raw)
    if answer is None:
        return "not encoded"
    mask, _, stored = answer.partition(b"\n")
    copy = file.create_dataset(f"copy of {name}", values.shape, values.dtype, chunks=values.shape, **filters)
    copy.id.write_direct_chunk((0,), stored, int(mask))
    return None


def make_values(dtype, size, content):
    """Numbers like weights, bytes without any order, or zeros."""
    random = np.random.default_rng(size)
    if content == "zeros":
        return np.zeros(size, dtype)
    if content == "normal" and dtype.kind in "fc":
        return random.normal(0, 0.05, size).astype(dtype)
    return np.frombuffer(random.bytes(size * dtype.itemsize), dtype)


def describe(dataset):
    """The filters of a dataset in the probe's words."""
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(index) for index in range(creation.get_nfilters())]
    return "+".join(f"{id}:{flags}:{','.join(map(str, values))}" for id, flags, values, _ in filters) or "none"


def ask(probe, arguments, data):
    """The probe's answer; None when it refuses."""
    command = [probe, *map(str, arguments)]
    ended = subprocess.run(command, input=data, capture_output=True, timeout=TIME_LIMIT, check=False)
    if ended.returncode not in (0, 65):
        raise RuntimeError(f"{command}: exit code {ended.returncode}: {ended.stderr}")
    return ended.stdout if ended.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
