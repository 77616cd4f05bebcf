"""HDF5 files of many kinds, written by h5py: each sample is a function that fills an open file from a random generator.

Three calls with different generators give three checkpoints that can be averaged: the same structure, other values.
"""

import ctypes
import itertools
import pathlib
import random
import string
from typing import NamedTuple

import h5py
import numpy as np

LIBRARY_BOUNDS = {"earliest": ("earliest", "v110"), "v108": ("v108", "v110"), "v110": ("v110", "v110")}
FLOATS = ["<f8", "<f4", "<f2", ">f8", ">f4", ">f2", "<c8", "<c16", ">c8"]
INTEGERS = ["i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", "<u8"]
SHAPES = [(), (1,), (0,), (7, 0, 3), (13,), (5, 3), (2, 3, 5), (2, 1, 3, 2), (2, 3, 1, 2, 3), (1, 2, 1, 3, 2, 2)]
FILTERS = {
    "none": {},
    "gzip 1": {"compression": "gzip", "compression_opts": 1},
    "gzip 9": {"compression": "gzip", "compression_opts": 9},
    "shuffle": {"shuffle": True},
    "fletcher32": {"fletcher32": True},
    "gzip 4 shuffle": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "gzip 6 shuffle fletcher32": {"compression": "gzip", "compression_opts": 6, "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lzf shuffle fletcher32": {"compression": "lzf", "shuffle": True, "fletcher32": True},
}
BFLOAT16 = np.dtype("V2")


class Sample(NamedTuple):
    """A kind of file."""

    label: str
    fill: callable
    bounds: str
    user_block: int = 0
    options: dict = {}
    shares_messages: bool = False

    def write(self, path, seed):
        """Writes the checkpoint of a seed."""
        options = {"libver": LIBRARY_BOUNDS[self.bounds], "userblock_size": self.user_block or None}
        if self.shares_messages:
            create_sharing(path)
            options = {"libver": LIBRARY_BOUNDS[self.bounds]}
        with h5py.File(path, "a" if self.shares_messages else "w", **options, **self.options) as file:
            self.fill(file, np.random.default_rng(seed))
        if self.user_block:
            with open(path, "r+b") as file:
                file.write(b"user block ".ljust(self.user_block, b"."))


def create_sharing(path):
    """An empty file whose objects will share messages of all kinds; h5py does not have these functions."""
    library = ctypes.CDLL(str(next(pathlib.Path(h5py.__file__).parents[1].glob("h5py.libs/libhdf5-*.so*"))))
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    everything, smallest = 0x182A, 20
    list_id = ctypes.c_int64(creation.id)
    if library.H5Pset_shared_mesg_nindexes(list_id, 1) < 0:
        raise RuntimeError("messages cannot be shared")
    if library.H5Pset_shared_mesg_index(list_id, 0, everything, smallest) < 0:
        raise RuntimeError("messages cannot be shared")
    h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, creation).close()


def all_samples():
    """Every kind of file within every range of library versions that it can be written for."""
    samples = []
    for bounds in LIBRARY_BOUNDS:
        samples += [Sample(f"{fill.__name__} {bounds}", fill, bounds) for fill in FILLS]
        if bounds != "v108":
            samples.append(Sample(f"wide {bounds}", wide, bounds))
        samples.append(Sample(f"user block {bounds}", contiguous, bounds, user_block=2048))
        samples.append(Sample(f"user block chunked {bounds}", chunked, bounds, user_block=512))
        samples.append(Sample(f"track_order {bounds}", tracked, bounds, options={"track_order": True}))
    paged = {"fs_strategy": "page", "fs_persist": True, "fs_page_size": 4096}
    samples += [Sample(f"sharing {fill.__name__} v108", fill, "v108", shares_messages=True) for fill in (contiguous, chunked)]
    return samples + [Sample("paged v110", chunked, "v110", options=paged)]


def numbers(generator, shape, dtype="<f4"):
    """Values like weights."""
    dtype = np.dtype(dtype)
    values = generator.normal(0, 0.5, shape)
    if dtype.kind == "c":
        values = values + 1j * generator.normal(0, 0.5, shape)
    if dtype.kind in "iub":
        values = np.abs(generator.integers(0, 100, shape)) % (2 if dtype.kind == "b" else 100)
    return np.asarray(values).astype(dtype)


def add_bfloat16(group, name, generator, shape, **options):
    """A dataset as Keras writes bfloat16."""
    patterns = (numbers(generator, shape, "<f4").view(np.uint32) >> 16).astype("<u2")
    dataset = group.create_dataset(name, data=patterns.view(BFLOAT16), **options)
    dataset.attrs["dtype"] = "bfloat16"
    return dataset


# One function for each kind


def contiguous(file, generator):
    """Every number and rank, stored in one piece."""
    for dtype in FLOATS + INTEGERS + ["?"]:
        file.create_dataset(f"types/{dtype.strip('<')}", data=numbers(generator, (5, 3), dtype))
    for shape in SHAPES:
        file.create_dataset(f"shapes/{len(shape)}-{'x'.join(map(str, shape))}", data=numbers(generator, shape))
    file.create_dataset("large", data=numbers(generator, (300, 700)))
    file.create_dataset("null", data=h5py.Empty("<f4"))
    add_bfloat16(file, "vars/0", generator, (11, 3))
    file["vars"].attrs["name"] = "dense"
    file.attrs["note"] = "line\nbreak"


def compact(file, generator):
    """Values in the object headers."""
    for dtype in FLOATS + ["<i4"]:
        make_compact(file, f"compact {dtype}", numbers(generator, (4, 6), dtype))
        file.create_dataset(f"beside {dtype}", data=numbers(generator, (4, 6), dtype))
    make_compact(file, "scalar", numbers(generator, ()))
    make_compact(file, "empty", numbers(generator, (0, 4)))


def large_compact(file, generator):
    """More in object headers than goes through a building child at once, and a dataset in chunks."""
    file.create_dataset("chunks", data=numbers(generator, (1000,)), chunks=(100,))
    for number in range(9):
        make_compact(file, f"compact {number}", numbers(generator, (15_000,)))


def make_compact(group, name, values):
    """A dataset whose values are in its header."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    creation.set_obj_track_times(False)
    space = h5py.h5s.create_simple(values.shape) if values.shape else h5py.h5s.create(h5py.h5s.SCALAR)
    made = h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(values.dtype, logical=True), space, creation)
    h5py.Dataset(made)[...] = values


def chunked(file, generator):
    """Every filter with chunks that do not divide the shape."""
    for number, (label, options) in enumerate(FILTERS.items()):
        dtype = FLOATS[number % len(FLOATS)]
        place = f"filters/{label}"
        file.create_dataset(f"{place}/one", data=numbers(generator, (53,), "<f4"), chunks=(8,), **options)
        file.create_dataset(f"{place}/two", data=numbers(generator, (23, 31), dtype), chunks=(7, 6), **options)
        file.create_dataset(f"{place}/three", data=numbers(generator, (4, 9, 5), "<f2"), chunks=(3, 2, 5), **options)
        file.create_dataset(f"{place}/integers", data=numbers(generator, (40,), ">i4"), chunks=(16,), **options)
    add_bfloat16(file, "vars/0", generator, (30, 7), chunks=(4, 5), compression="gzip", shuffle=True)
    six = numbers(generator, (3, 2, 4, 3, 2, 5))
    file.create_dataset("rank 6", data=six, chunks=(2, 2, 3, 1, 2, 4), compression="gzip")
    file.create_dataset("larger than the data", (5, 5), data=numbers(generator, (5, 5)), maxshape=(50, 50), chunks=(20, 20))
    file.create_dataset("plain", data=numbers(generator, (9, 9)))
    noise = np.frombuffer(generator.bytes(4000), "<u2").astype("<f4")
    file.create_dataset("noise", data=noise, chunks=(300,), compression="lzf", fletcher32=True)


def indexes(file, generator):
    """Every way in which chunks are found, with few and with many chunks."""
    filters = {"plain": {}, "gzip": {"compression": "gzip", "shuffle": True}}
    for label, options in filters.items():
        shapes = {"few": (20, 12), "many": (1100, 2)}
        for count, shape in shapes.items():
            values = numbers(generator, shape)
            chunk = (6, 5) if count == "few" else (1, 2)
            file.create_dataset(f"{label}/{count}/fixed", data=values, chunks=chunk, **options)
            for kind, maximum in (("one", (None, shape[1])), ("both", (None, None)), ("bounded", (shape[0] + 9, None))):
                file.create_dataset(f"{label}/{count}/{kind}", data=values, chunks=chunk, maxshape=maximum, **options)
        file.create_dataset(f"{label}/single", data=numbers(generator, (6, 7)), chunks=(6, 7), **options)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((4, 4))
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_obj_track_times(False)
    values = numbers(generator, (10, 9))
    made = h5py.h5d.create(file.id, b"implicit", h5py.h5t.py_create(values.dtype), h5py.h5s.create_simple(values.shape), creation)
    h5py.Dataset(made)[...] = values


def sparse(file, generator):
    """Values that nobody wrote, wholly and partly, with and without a fill value."""
    for fill in (None, 0, 1.5):
        place = f"fill {fill}"
        for kind, chunks in (("contiguous", None), ("chunked", (4, 4))):
            file.create_dataset(f"{place}/never {kind}", (10, 11), "<f4", chunks=chunks, fillvalue=fill)
        for label, options in (("plain", {}), ("gzip", {"compression": "gzip", "shuffle": True})):
            part = file.create_dataset(f"{place}/some {label}", (20, 22), "<f4", chunks=(6, 5), fillvalue=fill, **options)
            part[3:9, 4:7] = numbers(generator, (6, 3))
            part[19:, 21:] = 2
        big = file.create_dataset(f"{place}/big endian", (9,), ">f8", chunks=(4,), fillvalue=fill)
        big[5:6] = numbers(generator, (1,))
        shrunk = file.create_dataset(f"{place}/shrunk", (30,), "<f4", maxshape=(None,), chunks=(4,), fillvalue=fill)
        shrunk[:] = numbers(generator, (30,))
        shrunk.resize((13,))
        shrunk.resize((21,))
    file.create_dataset("only counts/0", (3,), "<i8")


def structured(file, generator):
    """Links, attributes, committed types, references, and datasets that are no tensors."""
    dense = file.create_dataset("layers/dense/vars/0", data=numbers(generator, (6, 4)), track_times=True)
    file.create_dataset("layers/dense/vars/1", data=numbers(generator, (4,)), track_times=False)
    file["layers/tied/0"] = dense
    file["group again"] = file["layers"]
    file["soft"] = h5py.SoftLink("/layers/dense")
    file["soft/relative"] = h5py.SoftLink("../dense/vars/0")
    file["dangling"] = h5py.SoftLink("/nowhere/at all")
    file["float type"] = np.dtype("<f4")
    file["record type"] = np.dtype([("x", "<f4"), ("y", "<i8", (2,)), ("name", "S5")])
    file["float type"].attrs["meaning"] = "weights"
    file.create_dataset("committed", data=numbers(generator, (5,)), dtype=file["float type"])
    records = np.zeros(3, file["record type"].dtype)
    records["x"], records["name"] = (1, 2, 3), (b"a", b"bc", b"def")
    file.create_dataset("records", data=records, dtype=file["record type"])
    texts = ["alpha", "", "日本語 🙂", "x" * 5000]
    file.create_dataset("texts", data=texts, dtype=h5py.string_dtype())
    file.create_dataset("texts in chunks", data=texts, dtype=h5py.string_dtype(), chunks=(2,), compression="gzip")
    file.create_dataset("fixed texts", data=np.array([b"one", b"two"], "S7"))
    ragged = file.create_dataset("ragged", (3,), h5py.vlen_dtype(np.dtype("<i4")))
    ragged[0], ragged[2] = [1, 2, 3], [4]
    file.create_dataset("references", data=[dense.ref, file["layers"].ref, None], dtype=h5py.ref_dtype)
    colours = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="i2")
    file.create_dataset("colours", data=np.array([0, 42, 1], "i2"), dtype=colours)
    file.create_dataset("array type", (2,), np.dtype(("<f4", (3,))))
    add_attributes(file, dense)


def add_attributes(file, dense):
    """Attributes of every kind on several objects."""
    dense.attrs["text"] = "ünïcode"
    dense.attrs["ascii"] = np.bytes_(b"fixed")
    dense.attrs["padded"] = np.array([b"ab", b"cdef"], "S6")
    dense.attrs["names"] = np.array(["dense/kernel:0", "dense/bias:0"], dtype=h5py.string_dtype("ascii"))
    dense.attrs["numbers"] = np.arange(6, dtype=">i2").reshape(2, 3)
    dense.attrs["empty"] = h5py.Empty("<f8")
    dense.attrs["none"] = np.zeros((0,), "<f8")
    dense.attrs["truth"] = True
    dense.attrs["complex"] = 1 + 2j
    dense.attrs["points to"] = file["layers"].ref
    dense.attrs.create("typed", np.float32(2.5), dtype=file["float type"])
    record = np.array((1.5, (2, 3), b"r"), file["record type"].dtype)
    dense.attrs.create("record", record, dtype=file["record type"])
    for number in range(40):
        file["layers"].attrs[f"dense {number:02}"] = "v" * number
    file.attrs["configuration"] = "{" + "x" * 30000 + "}"
    file.attrs["layer_names"] = np.array([f"layer_{number}".encode() for number in range(50)])


def tracked(file, generator):
    """Links and attributes that are not in alphabetic order."""
    random.seed(5)
    names = random.sample(string.ascii_letters, 30)
    for name in names:
        group = file.create_group(f"groups/{name}", track_order=True)
        for key in reversed(names[:12]):
            group.attrs[key] = key
        for other in ("z", "a", "m"):
            dataset = group.create_dataset(other, data=numbers(generator, (3,)), track_order=True)
            dataset.attrs["z"], dataset.attrs["a"] = 1, 2
    for name in names[:5]:
        file[name] = h5py.SoftLink(f"/groups/{name}")


def wide(file, generator):
    """More than a thousand groups, and groups within groups."""
    for number in range(1200):
        file.create_dataset(f"layers/dense_{number}/kernel", data=numbers(generator, (2,)))
    deep = "/".join(f"level {number}" for number in range(60))
    file.create_dataset(f"{deep}/bottom", data=numbers(generator, (2, 2)))
    for name in ("ünïcode/日本語", "emoji 🙂", "kernel:0", "with space/ and . dots..", "NFD é", "NFC é", "q\"uote\\"):
        file.create_dataset(name, data=numbers(generator, (3,)))


def keras(file, generator):
    """The names of Keras 3, with the state of an optimizer."""
    for number, kind in itertools.product(range(3), ("dense", "batch_normalization")):
        group = file.create_group(f"layers/{kind}{f'_{number}' if number else ''}/vars")
        group.attrs["name"] = f"{kind}_of_{number}"
        for index, shape in enumerate([(5, 5), (5,)] if kind == "dense" else [(5,)] * 4):
            group.create_dataset(str(index), data=np.abs(numbers(generator, shape)))
    state = file.create_group("optimizer/vars")
    state.create_dataset("0", data=np.int64(7))
    state.create_dataset("1", data=np.float32(1e-3))
    for number in range(2, 14):
        state.create_dataset(str(number), data=numbers(generator, (50, 50)), compression="gzip" if number % 2 else None)


FILLS = (contiguous, compact, large_compact, chunked, indexes, sparse, structured, keras)
