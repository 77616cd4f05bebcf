"""The values of HDF5 datasets, and what their average has to be: float64 arithmetic by NumPy, rounded once."""

import functools

import h5py
import numpy as np

import exact
import safetensors_file
from hdf5_structure import is_tensor

DTYPE_NAMES = {
    "f8": "F64", "f4": "F32", "f2": "F16", "V2": "BF16", "c8": "C64", "c16": "C128", "b1": "BOOL",
    "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64",
}  # fmt: skip
"""The name of a NumPy type without its order of bytes; C128 is none that safetensors has."""

WEIGHTS = (0.2, 0.8)
DECAY = 0.99


# Methods: each takes one float64 array per input


def mean(columns):
    """The mean as the tool defines it."""
    return functools.reduce(np.add, columns) * (1.0 / len(columns))


def weighted(columns):
    """The weighted mean as the tool defines it."""
    total = functools.reduce(lambda left, right: left + right, WEIGHTS)
    products = [column * (weight / total) for weight, column in zip(WEIGHTS, columns, strict=True)]
    return functools.reduce(np.add, products)


def ema(columns):
    """The exponential moving average as the tool defines it."""
    state = columns[0]
    for column in columns[1:]:
        state = DECAY * state + (1 - DECAY) * column
    return state


def tensors_of(path):
    """The arrays of all datasets of numbers by path, each object once; bfloat16 as `V2`."""
    found, known = {}, set()

    def take(name, thing):
        if not isinstance(thing, h5py.Dataset) or not is_tensor(thing):
            return
        address = h5py.h5o.get_info(thing.id).addr
        if address not in known:
            known.add(address)
            found[name] = np.zeros((0,), thing.dtype) if thing.shape is None else np.asarray(thing[()])

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def is_averaged(dtype):
    """Whether values of a type are averaged; others are copied."""
    return dtype.kind in "fc" or dtype == np.dtype("V2")


def widened(array):
    """An array's values in float64; complex numbers are pairs."""
    if array.dtype == np.dtype("V2"):
        return (np.ascontiguousarray(array).view("<u2").astype("<u4") << 16).view("<f4").astype("<f8")
    if array.dtype.kind == "c":
        part = f"{array.dtype.str[0]}f{array.dtype.itemsize // 2}"
        return np.ascontiguousarray(array).reshape(-1).view(part).astype("<f8")
    return array.astype("<f8")


def rounded(values, dtype):
    """The bytes of float64 values in a type, rounded once."""
    if dtype == np.dtype("V2"):
        return exact.encode(values.ravel().tolist(), "BF16")
    if dtype.kind == "c":
        return values.astype(f"{dtype.str[0]}f{dtype.itemsize // 2}").tobytes()
    return values.astype(dtype).tobytes()


def combined(members, method, out_dtype=None):
    """What a merge of checkpoints (dictionaries of arrays) has to give: type, shape and bytes by name."""
    expected = {}
    for name, first in members[0].items():
        dtype = first.dtype
        if not is_averaged(dtype):
            expected[name] = (dtype, first.shape, first.tobytes())
            continue
        if out_dtype and dtype.kind != "c" and DTYPE_NAMES[dtype.str[1:]] != out_dtype:
            dtype = np.dtype({"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "V2"}[out_dtype])
        values = method([widened(member[name]) for member in members])
        expected[name] = (dtype, first.shape, rounded(np.asarray(values), dtype))
    return expected


def described(tensors):
    """Type, shape and bytes by name."""
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in tensors.items()}


def in_little_endian(expected):
    """The same values as safetensors has them, with the names of its dtypes."""
    found = {}
    for name, (dtype, shape, data) in expected.items():
        array = np.frombuffer(data, dtype)
        data = array.astype(dtype.newbyteorder("<")).tobytes() if dtype.kind != "V" else data
        found[name] = (DTYPE_NAMES[np.dtype(dtype).str[1:]], shape, data)
    return found


def in_safetensors(path):
    """Type, shape and bytes by name of a safetensors file."""
    return {name: tuple(tensor) for name, tensor in safetensors_file.read(path).tensors.items()}


def value_problem(found, expected):
    """The first difference between tensors; None if there is none."""
    if found.keys() != expected.keys():
        return f"other tensors: {sorted(found.keys() ^ expected.keys())[:5]}"
    for name, (dtype, shape, data) in expected.items():
        if found[name][:2] != (dtype, shape):
            return f"'{name}': expected {dtype} {shape}, found {found[name][:2]}"
        if found[name][2] != data:
            return f"'{name}' ({dtype} {shape}): {first_wrong(found[name][2], data, dtype)}"
    return None


def first_wrong(found, expected, dtype):
    """Where two tensors differ."""
    size = dtype.itemsize if isinstance(dtype, np.dtype) else safetensors_file.DTYPE_BITS[dtype] // 8
    places = [at for at in range(0, len(expected), size) if found[at : at + size] != expected[at : at + size]]
    at = places[0]
    return (
        f"{len(places)} wrong elements, the first at {at // size}: bits {found[at : at + size].hex()}, "
        f"expected {expected[at : at + size].hex()}"
    )


def tensor_extents(path):
    """The ranges of bytes that values of tensors take in a file, and how many of them are in headers.

    The latter are found by their bytes.
    """
    content = path.read_bytes()
    extents, compact = [], []

    def take(name, thing):
        if not isinstance(thing, h5py.Dataset) or not is_tensor(thing) or not thing.size:
            return
        layout = thing.id.get_create_plist().get_layout()
        size = thing.id.get_storage_size()
        if layout == h5py.h5d.COMPACT:
            place = content.index(np.asarray(thing[()]).tobytes())
            extents.append((place, place + size))
            compact.append(name)
        elif layout == h5py.h5d.CONTIGUOUS and thing.id.get_offset() is not None:
            extents.append((thing.id.get_offset(), thing.id.get_offset() + size))

    with h5py.File(path) as file:
        file.visititems(take)
    return extents, len(compact)
