"""Averages HDF5 files with h5py as scripts usually do: h5py_mean.py INPUT… OUTPUT"""

import sys

import h5py
import numpy as np

*inputs, output = sys.argv[1:]
files = [h5py.File(path, "r") for path in inputs]
with h5py.File(output, "w") as merged:

    def average(name, first):
        if isinstance(first, h5py.Dataset):
            mean = np.mean([file[name][()] for file in files], axis=0, dtype=np.float64).astype(first.dtype)
            storage = {"chunks": first.chunks, "compression": first.compression, "shuffle": first.shuffle or None}
            merged.create_dataset(name, data=mean, compression_opts=first.compression_opts, **storage)
        else:
            merged.require_group(name)

    files[0].visititems(average)
