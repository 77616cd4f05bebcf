"""Exchanges ZIP archives with Python's zipfile, and with PyTorch when it is there.

Usage: check_zip.py --probe PATH
"""

import argparse
import io
import pathlib
import random
import subprocess
import sys
import tempfile
import zipfile

from report import TIME_LIMIT, Report

LARGE = 5 << 30


class Unseekable(io.RawIOBase):
    """Makes zipfile write sizes behind the data."""

    def __init__(self, file):
        """Writes to another file."""
        self.file = file

    def writable(self):
        """It is."""
        return True

    def write(self, data):
        """Writes at the end."""
        return self.file.write(data)


def main():
    """Checks reading, copies and new archives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probe", required=True)
    probe = pathlib.Path(parser.parse_args().probe).resolve()
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for label, path in archives(folder).items():
            report.check(f"{label}: read", reading_problem(probe, path))
            for alignment in (1, 64):
                report.check(f"{label}: copied at {alignment}", copy_problem(probe, path, folder, alignment))
        report.check("a new archive", new_problem(probe, folder))
        report.check("a new archive of more than 4 GiB", large_problem(probe, folder))
        report.check("PyTorch's archives", torch_problem(probe, folder))
    return report.finish()


def archives(folder):
    """Archives of every kind that zipfile writes, by what is special."""
    kinds = {
        "stored": {},
        "deflated": {"compression": zipfile.ZIP_DEFLATED},
        "zip64": {"zip64": True},
        "zip64 deflated": {"zip64": True, "compression": zipfile.ZIP_DEFLATED},
        "descriptors": {"stream": True},
        "descriptors deflated": {"stream": True, "compression": zipfile.ZIP_DEFLATED},
        "descriptors zip64": {"stream": True, "zip64": True},
        "comment": {"comment": b"a comment"},
        "longest comment": {"comment": b"c" * 65535},
        "prefix": {"prefix": b"#!/bin/sh\n" * 100},
        "shifted": {"shift": b"#!/bin/sh\n" * 100},
        "shifted zip64": {"shift": b"x" * 77, "zip64": True, "members": 70000},
        "prefix zip64": {"prefix": b"x" * 77, "zip64": True, "members": 70000},
        "empty": {"members": 0},
        "many": {"members": 70000},
    }
    return {label: make_archive(folder / f"{label}.zip", **kind) for label, kind in kinds.items()}


def make_archive(path, compression=zipfile.ZIP_STORED, zip64=False, stream=False, comment=b"", prefix=b"", shift=b"", members=6):
    """Writes an archive; what it is shifted by, its offsets do not count."""
    numbers = random.Random(path.name)
    with open(path, "wb") as file:
        file.write(prefix)
        with zipfile.ZipFile(Unseekable(file) if stream else file, "w" if stream else "a", compression) as archive:
            for index in range(members):
                info = zipfile.ZipInfo(f"folder/é {index}.json" if index % 2 else f"m{index}", (2001, 2, 3, 4, 5, 6))
                info.compress_type = compression
                info.external_attr = 0o600 << 16
                info.comment = b"of a member" if index == 3 else b""
                info.extra = b"UT\x05\x00\x03abcd" if index == 2 else b""
                size = 0 if index == 4 else numbers.randrange(400_000) if members < 10 else 3
                data = numbers.randbytes(size // 2) + b"text " * (size // 10)
                with archive.open(info, "w", force_zip64=zip64) as member:
                    member.write(data)
            archive.comment = comment
    if shift:
        path.write_bytes(shift + path.read_bytes())
    return path


def ask(probe, *arguments):
    """The probe's answer; an error when it refuses."""
    ended = subprocess.run([probe, *map(str, arguments)], capture_output=True, timeout=TIME_LIMIT, check=False)
    if ended.returncode:
        raise RuntimeError(f"{arguments}: exit code {ended.returncode}: {ended.stderr.decode()}")
    return ended.stdout


def listing(probe, path):
    """Size, stored size, checksum, name of each member."""
    lines = [line.split(" ", 4) for line in ask(probe, "zip-list", path).decode().splitlines()]
    return [(int(line[0]), int(line[1]), int(line[2]), line[4]) for line in lines]


def expected_listing(archive):
    """The same by zipfile."""
    return [(info.file_size, info.compress_size, info.CRC, info.filename) for info in archive.infolist()]


def reading_problem(probe, path):
    """What is read otherwise than by zipfile."""
    with zipfile.ZipFile(path) as archive:
        if listing(probe, path) != expected_listing(archive):
            return "another listing"
        for info in archive.infolist()[:6]:
            if ask(probe, "zip-read", path, info.filename) != archive.read(info):
                return f"{info.filename}: other data"
    return None


def copy_problem(probe, path, folder, alignment):
    """What zipfile finds wrong with a copy in which one member was replaced."""
    output, replacement = folder / "copy.zip", folder / "replacement"
    output.unlink(missing_ok=True)
    replacement.write_bytes(b"other weights" * 99)
    with zipfile.ZipFile(path) as before:
        names = before.namelist()
        name = names[1] if names else "none"
        ask(probe, "zip-copy", path, output, alignment, name, replacement)
        with zipfile.ZipFile(output) as after:
            if len(names) < 10 and after.testzip() is not None:
                return "a wrong checksum"
            if after.comment != before.comment or after.namelist() != names:
                return "another comment or order"
            for old, new in list(zip(before.infolist(), after.infolist()))[:6]:
                problem = member_problem(before, old, after, new, replacement if old.filename == name else None)
                if problem:
                    return f"{old.filename}: {problem}"
                if alignment > 1 and data_offset(output, new) % alignment:
                    return f"{old.filename}: not aligned"
    return None


def member_problem(before, old, after, new, replacement):
    """What was not kept of a member."""
    if after.read(new) != (replacement.read_bytes() if replacement else before.read(old)):
        return "other data"
    kept = ["date_time", "comment", "create_system", "create_version", "external_attr", "internal_attr", "extra"]
    if not replacement:
        kept += ["compress_type", "compress_size"]
    lost = [field for field in kept if getattr(old, field) != getattr(new, field)]
    # zipfile gives sizes in extra fields as they were; they are not needed any more.
    if lost == ["extra"] and old.extra.startswith(b"\x01\x00"):
        lost = []
    return f"other {lost}" if lost else None


def data_offset(path, info):
    """Where the data of a member begin."""
    with open(path, "rb") as file:
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
    return info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def new_problem(probe, folder):
    """What zipfile finds wrong with a new archive."""
    output, source = folder / "new.zip", folder / "source"
    source.write_bytes(bytes(range(256)) * 1000)
    ask(probe, "zip-new", output, 64, "x/data.pkl", source, "x/data/0", "0", "x/é", source)
    with zipfile.ZipFile(output) as archive:
        if archive.testzip() is not None:
            return "a wrong checksum"
        if archive.namelist() != ["x/data.pkl", "x/data/0", "x/é"]:
            return f"other names: {archive.namelist()}"
        if any(info.date_time != (1980, 1, 1, 0, 0, 0) for info in archive.infolist()):
            return "a time"
        if archive.read("x/é") != source.read_bytes():
            return "other data"
        if any(data_offset(output, info) % 64 for info in archive.infolist()):
            return "not aligned"
    return None


def large_problem(probe, folder):
    """Sizes and offsets beyond 32 bits, in a file with a hole."""
    output, source = folder / "large.zip", folder / "source"
    ask(probe, "zip-new", output, 1, "hole", LARGE, "behind", source)
    with zipfile.ZipFile(output) as archive:
        if [info.file_size for info in archive.infolist()] != [LARGE, source.stat().st_size]:
            return "other sizes"
        if archive.read("behind") != source.read_bytes():
            return "other data"
        return None if listing(probe, output) == expected_listing(archive) else "another listing"


def torch_problem(probe, folder):
    """Archives by torch.save, read and copied with replaced values."""
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        return "PyTorch is missing"
    path, output, replacement = folder / "a.pt", folder / "b.pt", folder / "replacement"
    torch.save({"w": torch.arange(1000.0), "empty": torch.zeros(0), "n": 3}, path)
    problem = reading_problem(probe, path)
    if problem:
        return problem
    replacement.write_bytes((torch.arange(1000.0) * 2).numpy().tobytes())
    ask(probe, "zip-copy", path, output, 64, "a/data/0", replacement)
    for mapped in (False, True):
        found = torch.load(output, weights_only=True, mmap=mapped)
        if not torch.equal(found["w"], torch.arange(1000.0) * 2) or found["n"] != 3 or found["empty"].numel():
            return f"torch.load(mmap={mapped}) finds something else"
    return None


if __name__ == "__main__":
    sys.exit(main())
