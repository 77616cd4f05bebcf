"""Merges of HDF5 files that meet a limit: whose fault it is, the source's, the user's or the disk's, shows in how they end.

Usage: check_hdf5_limits.py --tool PATH (needs h5py and numpy; a full disk also the right to mount one, as `unshare` gives it)
"""

import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

sys.dont_write_bytecode = True

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from hdf5_anatomy import checksum  # noqa: E402
from report import Report  # noqa: E402

SHAPE = (256, 1024)
GZIP = {"chunks": (64, 256), "compression": "gzip"}
PAGE = 4096
BOMB_TEXT, BOMB_COUNT = 60_000, 1700
WRITE_ERRORS = ("writing failed", "no space", "not enough space", "needs ")
IN_A_SMALL_DISK = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


def main():
    """Checks all kinds of outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    options = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="imwa-limits-") as name:
        limits = Limits(pathlib.Path(options.tool).resolve(), pathlib.Path(name), report)
        limits.check_sources()
        limits.check_many()
        limits.check_own_limits()
        limits.check_full_disks()
    return report.finish()


def write_model(path, seed, storage, texts=0):
    """One large tensor, and texts that all are the first one when there are any."""
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(seed).normal(size=SHAPE).astype("f4")
        file.create_dataset("layers/dense/vars/0", data=values, **storage)
        if not texts:
            return
        dataset = file.create_dataset("names", shape=(texts,), dtype=h5py.string_dtype())
        dataset[0] = "x" * BOMB_TEXT
        dataset[1:] = ""
        place = dataset.id.get_offset()
    with open(path, "r+b") as file:
        file.seek(place)
        first = file.read(16)
        file.seek(place)
        file.write(first * texts)


def write_paged(path, seed, page):
    """A file in pages of 4 KiB whose header says that they are as large as `page`."""
    with h5py.File(path, "w", libver="latest", fs_strategy="page", fs_page_size=PAGE) as file:
        file.create_dataset("w", data=np.random.default_rng(seed).normal(size=SHAPE).astype("f4"))
    content = bytearray(path.read_bytes())
    start = struct.unpack_from("<Q", content, 20)[0]
    place = content.index(struct.pack("<Q", PAGE), start)
    content[place : place + 8] = struct.pack("<Q", page)
    flags = content[start + 5]
    sizes_at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    end = sizes_at + width + int.from_bytes(content[sizes_at : sizes_at + width], "little")
    content[end : end + 4] = struct.pack("<I", checksum(bytes(content[start:end])))
    path.write_bytes(content)


def write_archive(path, weights, method=zipfile.ZIP_STORED):
    """What Keras makes of a file of weights."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.write(weights, "model.weights.h5")


def write_datasets(file, seed, count=60_000, **storage):
    """Datasets beside each other."""
    for number in range(count):
        file.create_dataset(f"d{number}", data=np.full(4, seed, "f4"), **storage)


def write_layers(file, seed):
    """Layers as Keras stores them."""
    for number in range(15_000):
        group = file.create_group(f"layers/dense_{number}/vars")
        group["0"], group["1"] = np.full(16, seed, "f4"), np.full(4, seed, "f4")


def write_groups(file, seed):
    """Groups, of which few have something in them."""
    for number in range(60_000):
        group = file.create_group(f"b{number // 1000}/g{number}")
        if number % 100 == 0:
            group["v"] = np.full(4, seed, "f4")


MANY = {
    "datasets": write_datasets,
    "compressed datasets": lambda file, seed: write_datasets(file, seed, 20_000, chunks=(4,), compression="gzip"),
    "layers": write_layers,
    "groups": write_groups,
    "new datasets": write_datasets,
    "new layers": write_layers,
    "new groups": write_groups,
}


class Limits:
    """The tool, and a folder with inputs of all kinds."""

    def __init__(self, tool, folder, report):
        """Writes the inputs that are sound."""
        self.tool, self.folder, self.report = tool, folder, report
        self.kinds = {}
        for label, storage in (("in place", {}), ("rebuilt", GZIP)):
            self.add(label, lambda path, seed, storage=storage: write_model(path, seed, storage))
            self.add_archives(label)

    def add(self, label, write):
        """Two inputs of a kind."""
        self.kinds[label] = [self.folder / f"{label} {seed}.h5" for seed in (1, 2)]
        for seed, path in enumerate(self.kinds[label]):
            write(path, seed)

    def add_archives(self, label):
        """The same in archives."""
        for word, method in (("", zipfile.ZIP_STORED), ("deflated ", zipfile.ZIP_DEFLATED)):
            paths = [path.with_name(f"{word}{path.stem}.keras") for path in self.kinds[label]]
            for weights, path in zip(self.kinds[label], paths, strict=True):
                write_archive(path, weights, method)
            self.kinds[f"{label}, {word}.keras"] = paths

    def run(self, inputs, output, before=()):
        """The exit code of a merge, what it said, and what it left behind."""
        words = [*before, self.tool, "merge", *inputs, "-o", output, "--quiet"]
        ended = subprocess.run(list(map(str, words)), capture_output=True, timeout=120, check=False)
        left = [path.name for path in self.folder.iterdir() if "merged" in path.name]
        for name in left:
            (self.folder / name).unlink()
        return ended.returncode, ended.stderr.decode(), left

    def check_sources(self):
        """Sources whose contents unfold to far more than the files have."""
        sound = list(self.kinds)
        self.add("texts", lambda path, seed: write_model(path, seed, GZIP, BOMB_COUNT))
        self.add_archives("texts")
        self.add("pages", lambda path, seed: write_paged(path, seed, 1 << 30))
        self.add_archives("pages")
        for label in [kind for kind in self.kinds if kind not in sound]:
            inputs = self.kinds.pop(label)
            code, talk, left = self.run(inputs, self.folder / f"merged{inputs[0].suffix}")
            is_told = f"imwa-avg: {inputs[0]}: " in talk and "file size" in talk
            is_right = code == 65 and is_told and len(talk.splitlines()) == 2 and not left
            self.report.check(f"a source that unfolds: {label}", None if is_right else f"exit {code}, left {left}: {talk}")

    def check_many(self):
        """Sound files with far more in them than models have: no limit is met."""
        for label, write in MANY.items():
            inputs = [self.folder / f"many-{seed}.h5" for seed in (0, 1)]
            for seed, path in enumerate(inputs):
                with h5py.File(path, "w", libver=("v110", "v110") if label.startswith("new") else None) as file:
                    write(file, seed)
                    # What is in chunks has the file rebuilt.
                    file.create_dataset("zz", data=np.full(30, seed, "f4"), chunks=(10,))
            code, talk, left = self.run(inputs, self.folder / "merged.h5")
            self.report.check(f"many: {label}", None if code == 0 and left == ["merged.h5"] else f"exit {code}, left {left}: {talk}")
            for path in inputs:
                path.unlink()

    def check_own_limits(self):
        """Limits on the size of files that the user has set."""
        for label, inputs in self.kinds.items():
            output = self.folder / f"merged{inputs[0].suffix}"
            size = -(-inputs[0].stat().st_size >> 10)
            # A mean can be compressed better than its inputs.
            limits = {f"-f {size // 2}": [74], f"-S -f {size // 2}": [74], f"-f {size}": [0, 74], f"-f {3 * size}": [0]}
            for words, codes in limits.items():
                before = ("bash", "-c", f'ulimit {words}; exec "$@"', "bash")
                problem = self.write_problem(self.run(inputs, output, before), codes, "ulimit")
                self.report.check(f"ulimit {words}: {label}", problem)

    def check_full_disks(self):
        """Disks of all sizes around what is needed."""
        if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", self.folder], check=False).returncode != 0:
            print("skipped: full disks cannot be made here")
            return
        disk = self.folder / "disk"
        disk.mkdir()
        for label, inputs in self.kinds.items():
            pages = -(-inputs[0].stat().st_size // PAGE)
            codes, problem = set(), None
            for more in (-pages // 2, *range(-6, 7), pages, 4 * pages):
                before = ("unshare", "-rm", "sh", "-c", IN_A_SMALL_DISK, "sh", (pages + more) * PAGE, disk)
                ended = self.run(inputs, disk / f"merged{inputs[0].suffix}", before)
                codes.add(ended[0])
                problem = problem or self.write_problem(ended, [0, 74], "")
            missing = None if codes == {0, 74} else f"exit codes {codes}"
            self.report.check(f"full disks: {label}", problem or missing)

    def write_problem(self, ended, codes, word):
        """Whether a merge ended otherwise than with one of these codes, 74 in a sentence about writing."""
        code, talk, left = ended
        if code == 0 and 0 in codes:
            return None
        is_told = any(words in talk for words in WRITE_ERRORS) and word in talk and len(talk.splitlines()) <= 2
        return None if code in codes and is_told and not left else f"exit {code}, left {left}: {talk}"


if __name__ == "__main__":
    sys.exit(main())
