"""Opens what a merge of a perhaps damaged file made, and compares its structure with that file's, as far as h5py reads it.

Usage: compare_hdf5.py [--same] INPUT OUTPUT (needs h5py and numpy); prints one line if something is wrong

With --same, the input was merged with itself: the values have to be the same, too.
"""

import pathlib
import sys

sys.dont_write_bytecode = True

import h5py  # noqa: E402
import numpy as np  # noqa: E402

LARGEST_READ = 1 << 24


def main():
    """Reads both files; an input that h5py cannot read tells nothing."""
    first, output = map(pathlib.Path, sys.argv[-2:])
    try:
        expected, values = outline_of(first)
    except Exception:  # noqa: BLE001: damage that h5py sees is carried over where it does not matter
        return
    try:
        found, merged = outline_of(output)
    except Exception as error:  # noqa: BLE001
        print(f"h5py cannot read the output: {type(error).__name__}: {error}")
        return
    lost = expected.keys() - found.keys()
    if lost and "--same" in sys.argv:
        print(f"'{min(lost)}' is not there")
        return
    for path, facts in found.items():
        if path in expected and expected[path] != facts:
            print(f"'{path}': expected {expected[path]}, found {facts}")
            return
    if "--same" in sys.argv:
        wrong = [path for path, array in merged.items() if not is_same(values[path], array)]
        if wrong:
            print(f"'{wrong[0]}': other values: {values[wrong[0]]!r} became {merged[wrong[0]]!r}")


def is_same(values, merged):
    """Whether a mean of equal values is these values, besides NaN and what overflows."""
    if values.dtype.kind not in "fc":
        return values.tobytes() == merged.tobytes() or values.dtype.kind == "O"
    with np.errstate(all="ignore"):
        is_large = ~(np.abs(values) < np.finfo(values.dtype).max / 2)
    return bool(np.all((values == merged) | is_large))


def take_all(thing, name, take, known):
    """Takes an object and what is in it, each link once: h5py's own visit trusts the number of links that an object tells."""
    take(name, thing)
    address = h5py.h5o.get_info(thing.id).addr
    if isinstance(thing, h5py.Group) and address not in known:
        known.add(address)
        for key in thing:
            if isinstance(thing.get(key, getlink=True), h5py.HardLink):
                take_all(thing[key], f"{name}/{key}", take, known)


def outline_of(path):
    """Kind, shape, chunks and names of attributes of each object, and the values of those that are not too large."""
    outline, values = {}, {}

    def take(name, thing):
        facts = [type(thing).__name__, sorted(set(thing.attrs) - {"imwa", "imwa_ema_updates", "dtype"})]
        for attribute in thing.attrs:
            thing.attrs[attribute]
        if isinstance(thing, h5py.Dataset):
            facts += [thing.shape, thing.maxshape, thing.chunks, thing.compression, thing.shuffle, thing.fletcher32]
            if thing.shape is not None and thing.nbytes < LARGEST_READ:
                values[name] = np.asarray(thing[()])
        outline[name] = facts

    with h5py.File(path) as file:
        take_all(file["/"], "", take, set())
    return outline, values


if __name__ == "__main__":
    main()
