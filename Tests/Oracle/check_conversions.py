#!/usr/bin/env python3
"""Has `imwa-ckpt` convert, hash, compare and describe files that the real libraries wrote, and compares with them.

Needs numpy, h5py, safetensors and torch. The last line is `N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import hashlib
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy
import safetensors.numpy
import safetensors.torch
import torch

sys.dont_write_bytecode = True

import sharded  # noqa: E402
from report import TIME_LIMIT, Report, run_tool  # noqa: E402

PIECE = 4096
# The dtypes that NumPy, HDF5, PyTorch and safetensors all have.
DTYPES = {
    "F64": numpy.float64, "F32": numpy.float32, "F16": numpy.float16, "I64": numpy.int64, "I32": numpy.int32,
    "I16": numpy.int16, "I8": numpy.int8, "U8": numpy.uint8, "BOOL": numpy.bool_, "C64": numpy.complex64,
}  # fmt: skip
SUFFIXES = (".safetensors", ".h5", ".pt", ".npz")


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-ckpt")
    tool = parser.parse_args().tool.resolve()
    report = Report()
    for checks in (check_every_pair, check_hash, check_statistics, check_differences, check_ties, check_slices, check_untied, check_shards, check_members):
        with tempfile.TemporaryDirectory() as folder:
            checks(tool, pathlib.Path(folder), report)
    return report.finish()


def arrays(seed=1):
    """Arrays of all dtypes with random bits, NaN of all kinds among them."""
    generator = numpy.random.default_rng(seed)
    found = {}
    for index, (name, dtype) in enumerate(DTYPES.items()):
        shape = [(3, 5), (), (70, 129), (0, 4), (17,)][index % 5]
        count = math.prod(shape)
        if dtype is numpy.bool_:
            found[f"net/{name}"] = generator.integers(0, 2, count).astype(numpy.bool_).reshape(shape)
        else:
            raw = generator.integers(0, 256, count * numpy.dtype(dtype).itemsize, dtype=numpy.uint8)
            found[f"net/{name}"] = raw.view(dtype).reshape(shape)
    return found


def save(path, values):
    """Writes arrays as the library of the format does."""
    if path.suffix == ".safetensors":
        safetensors.numpy.save_file(values, path)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, value in values.items():
                file[name] = value
    elif path.suffix == ".pt":
        torch.save({name: torch.from_numpy(value.copy()) for name, value in values.items()}, path)
    else:
        numpy.savez(path, **values)


def load(path):
    """Reads arrays as the library of the format does."""
    if path.suffix == ".safetensors":
        return safetensors.numpy.load_file(path)
    if path.suffix == ".h5":
        found = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {}))
        return {name: numpy.asarray(value) for name, value in found.items()}
    if path.suffix == ".pt":
        return {name: value.numpy() for name, value in torch.load(path, weights_only=True).items()}
    with numpy.load(path) as file:
        return {name: file[name] for name in file.files}


def differing(found, expected):
    """The first name whose dtype, shape or bits differ, None when all are the same."""
    if set(found) != set(expected):
        return f"names {sorted(set(found) ^ set(expected))}"
    for name, value in expected.items():
        other = found[name]
        if other.dtype != value.dtype or other.shape != value.shape or other.tobytes() != value.tobytes():
            return f"{name}: {value.dtype} {value.shape} became {other.dtype} {other.shape}, or other bits"
    return None


def answer(tool, *arguments):
    """The output of the tool and its exit code."""
    ended = subprocess.run(
        [str(tool), *map(str, arguments)], capture_output=True, timeout=TIME_LIMIT, check=False, text=True
    )
    return ended.stdout, ended.returncode


def check_every_pair(tool, folder, report):
    """Every format into every other: the library of the other reads the same bits."""
    values = arrays()
    for source in SUFFIXES:
        save(folder / f"in{source}", values)
        for target in SUFFIXES:
            output = folder / f"from-{source[1:]}{target}"
            problem = run_tool(tool, ["convert", folder / f"in{source}", "-o", output])
            problem = problem or differing(load(output), values)
            if not problem and answer(tool, "diff", folder / f"in{source}", output, "--no-metadata")[1] != 0:
                problem = "imwa-ckpt diff says that they differ"
            report.check(f"{source} to {target}", problem)


def content_digest(values):
    """The digest as imwa-ckpt(1) defines it."""
    names = {numpy.dtype(dtype): name for name, dtype in DTYPES.items()}
    lines = ["imwa-ckpt hash 1\n"]
    for name in sorted(values, key=lambda text: text.encode()):
        raw = values[name].tobytes()
        pieces = [hashlib.sha256(raw[start : start + PIECE]).digest() for start in range(0, len(raw), PIECE)]
        shape = ",".join(map(str, values[name].shape))
        digest = hashlib.sha256(b"".join(pieces)).hexdigest()
        lines.append(f"{digest} {names[values[name].dtype]} [{shape}] {len(name.encode())}:{name}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_hash(tool, folder, report):
    """The digest of every format is that of Python's hashlib; that of files is sha256sum's."""
    values = arrays(2)
    expected = content_digest(values)
    for suffix in SUFFIXES:
        path = folder / f"in{suffix}"
        save(path, values)
        output, _ = answer(tool, "hash", path)
        report.check(f"hash of {suffix}", None if output == f"{expected}  {path}\n" else output)
        output, _ = answer(tool, "hash", "--files", path)
        plain = hashlib.sha256(path.read_bytes()).hexdigest()
        report.check(f"hash of the file {suffix}", None if output == f"{plain}  {path}\n" else output)


def check_statistics(tool, folder, report):
    """Statistics of values of all sizes against NumPy's in float64."""
    generator = numpy.random.default_rng(3)
    values = {
        "normal": generator.normal(3, 2, 300_001).astype(numpy.float32),
        "half": generator.normal(0, 1, 5_000).astype(numpy.float16),
        "holes": numpy.array([numpy.nan, -numpy.inf, 0, -0.0, 4, 8] * 1000),
        "integers": generator.integers(-1000, 1000, 100_000),
    }
    path = folder / "in.safetensors"
    safetensors.numpy.save_file(values, path)
    output, _ = answer(tool, "show", path, "--stats", "--json")
    for found in json.loads(output)["tensors"]:
        value = values[found["name"]].astype(numpy.float64)
        finite = value[numpy.isfinite(value)]
        expected = {
            "mean": finite.mean(), "std": finite.std(), "zeros": int((value == 0).sum()),
            "nan": int(numpy.isnan(value).sum()), "inf": int(numpy.isinf(value).sum()), "max": numpy.nanmax(value),
        }  # fmt: skip
        wrong = [key for key, number in expected.items() if not math.isclose(found[key], number, rel_tol=1e-12, abs_tol=1e-12)]
        report.check(f"statistics of {found['name']}", f"{wrong} {found}" if wrong else None)


def check_differences(tool, folder, report):
    """Counts, places and sizes of differences against NumPy's, and the limits against their definition."""
    generator = numpy.random.default_rng(4)
    for dtype in (numpy.float64, numpy.float32, numpy.float16):
        first = generator.normal(0, 1, (50, 333)).astype(dtype)
        second = (first * (1 + generator.normal(0, 1e-3, first.shape) * (generator.random(first.shape) < 0.2))).astype(dtype)
        paths = [folder / f"{name}.safetensors" for name in "ab"]
        for path, value in zip(paths, (first, second), strict=True):
            safetensors.numpy.save_file({"w": value}, path)
        wide = [value.astype(numpy.float64) for value in (first, second)]
        distance = numpy.abs(wide[0] - wide[1])
        relative = distance / numpy.maximum(*map(numpy.abs, wide))
        found = json.loads(answer(tool, "diff", *paths, "--json")[0])["tensors"][0]
        place = list(map(int, numpy.unravel_index(distance.argmax(), distance.shape)))
        expected = [int((distance > 0).sum()), float(distance.max()), place, float(relative.max())]
        got = [found[key] for key in ("differ", "largest", "largest_at", "largest_relative")]
        report.check(f"differences of {first.dtype}", None if got == expected else f"{got}, not {expected}")
        for options, count in (
            (["--abs", "1e-3"], (distance > 1e-3).sum()),
            (["--rel", "5e-4"], (relative > 5e-4).sum()),
            (["--abs", "1e-3", "--rel", "5e-4"], ((distance > 1e-3) & (relative > 5e-4)).sum()),
        ):
            tensors = json.loads(answer(tool, "diff", *paths, "--json", *options)[0])["tensors"]
            got = tensors[0]["differ"] if tensors else 0
            report.check(f"{first.dtype} within {options}", None if got == count else f"{got}, not {count}")


def check_ties(tool, folder, report):
    """Tied tensors stay tied in PyTorch's files; safetensors' own reader puts together what was left out."""
    embedding = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": embedding, "b": embedding, "c": torch.ones(2)}, folder / "tied.pt")
    _, code = answer(tool, "convert", folder / "tied.pt", "-o", folder / "no.safetensors")
    report.check("ties are refused", None if code == 65 else f"exit code {code}")
    problem = run_tool(tool, ["convert", folder / "tied.pt", "-o", folder / "again.pt", "--rename", "s/c/d/"])
    if not problem:
        loaded = torch.load(folder / "again.pt", weights_only=True)
        if loaded["a"].data_ptr() != loaded["b"].data_ptr() or "d" not in loaded:
            problem = "they are not tied, or not renamed"
    report.check("ties are kept", problem)
    skipped = folder / "skipped.safetensors"
    problem = run_tool(tool, ["convert", folder / "tied.pt", "-o", skipped, "--skip-unsupported"])
    if not problem:
        with safetensors.safe_open(skipped, "pt") as file:
            if set(file.keys()) != {"a", "c"} or file.metadata()["b"] != "a":
                problem = f"{file.keys()} {file.metadata()}"
    report.check("the tie that is left out is recorded", problem)
    problem = run_tool(tool, ["convert", folder / "tied.pt", "-o", folder / "untied.safetensors", "--untie"])
    if not problem and not torch.equal(safetensors.torch.load_file(folder / "untied.safetensors")["b"], embedding):
        problem = "other values"
    report.check("ties are written one by one", problem)
    torch.save({"a": embedding, "b": embedding.t()}, folder / "views.pt")
    ended = subprocess.run(
        [str(tool), "convert", str(folder / "views.pt"), "-o", str(folder / "apart.pt")],
        capture_output=True, timeout=TIME_LIMIT, check=False, text=True,
    )
    told = "tensors 'a' and 'b' are views of one storage" in ended.stderr
    loaded = torch.load(folder / "apart.pt", weights_only=True)
    report.check(
        "views that come apart are told",
        None if told and torch.equal(loaded["b"], embedding.t()) else ended.stderr or "nothing is said",
    )


def check_slices(tool, folder, report):
    """Slices against NumPy's."""
    value = numpy.random.default_rng(5).normal(size=(4, 5, 6)).astype(numpy.float32)
    safetensors.numpy.save_file({"w": value}, folder / "in.safetensors")
    for text in ("0", "-1,2", ":,1", "1:3,::2,-3:", "3,4,5", "9:", ":"):
        output, _ = answer(tool, "show", folder / "in.safetensors", "--values", f"w[{text}]", "--json")
        expected = eval(f"value[{text}]")  # noqa: S307
        found = numpy.array(json.loads(output)[0]["values"], dtype=numpy.float32)
        report.check(f"w[{text}]", None if numpy.array_equal(found.reshape(expected.shape), expected) else output)


def pointers(path):
    """The places of the storages of a PyTorch file, and its tensors."""
    state = torch.load(path, weights_only=True)
    state = state.get("model", state)
    return {name: value.untyped_storage().data_ptr() for name, value in state.items()}, state


def check_untied(tool, folder, report):
    """With --untie every tensor of a PyTorch file has a storage of its own; without it ties stay."""
    base = torch.arange(24.0).reshape(4, 6)
    tied = {
        "one object": {"a": base, "b": base, "c": torch.ones(2)},
        "one storage": {"a": base, "b": base.detach(), "c": torch.ones(2)},
        "a parameter": {"a": torch.nn.Parameter(base), "b": torch.nn.Parameter(base), "c": torch.ones(2)},
        "transposed": {"a": base.t(), "b": base.t(), "c": torch.ones(2)},
        "within other things": {"epoch": 3, "model": {"a": base, "b": base}, "best": 0.5},
    }
    parts = {"a": base[:2], "b": base[2:], "c": torch.ones(2)}
    for label, state in (tied | {"parts of a storage": parts}).items():
        source, target = folder / "in.pt", folder / "out.pt"
        torch.save(state, source)
        expected = pointers(source)[1]
        for options, wanted in (([], label in tied), (["--untie"], False), (["--untie", "--out-dtype", "F64"], False)):
            problem = run_tool(tool, ["convert", source, "-o", target, "--force", "--verify", *options])
            if not problem:
                places, found = pointers(target)
                same = places["a"] == places["b"]
                equal = all(torch.equal(found[name].double(), expected[name].double()) for name in expected)
                rest = "model" not in state or torch.load(target, weights_only=True)["epoch"] == 3
                if label == "parts of a storage" and not options:
                    same = False
                if same != wanted or not equal or not rest or set(found) != set(expected):
                    problem = f"tied: {same}, equal: {equal}, all: {list(found)}"
            report.check(f"{label} {options}", problem)


def check_shards(tool, folder, report):
    """Shards of safetensors and of PyTorch become each other; sidecar files follow, ties are told."""
    generator = torch.Generator().manual_seed(1)
    state = {name: torch.randn(7, 5, generator=generator) for name in ("embed", "x", "y", "z")}
    state["y"][0, 0] = math.nan
    partition = [["embed"], ["x", "y"], ["z"]]
    sharded.save(folder / "bin", state, partition)
    (folder / "bin" / "config.json").write_text("{}")
    (folder / "bin" / "README.md").write_text("of the input")
    for source, target, suffix in (("bin", "st", ".safetensors"), ("st", "back", ".bin"), ("bin", "bin2", ".bin")):
        format = {".bin": "pytorch", ".safetensors": "safetensors"}[suffix]
        problem = run_tool(tool, ["convert", folder / source, "-o", f"{folder / target}/", "--format", format, "--verify"])
        found, shards, problem = ({}, [], problem) if problem else sharded.load(folder / target, suffix)
        if not problem and ([sorted(names) for names in shards] != partition or any(found[name].numpy().tobytes() != state[name].numpy().tobytes() for name in state)):
            problem = f"other values or shards: {shards}"
        others = sorted(path.name for path in (folder / target).iterdir() if path.suffix not in (".bin", ".safetensors"))
        report.check(f"shards {source} to {target}", problem or (None if others == sorted(["config.json", sharded.index_name(suffix)]) else others))
        report.check(f"shards {source} as {target}", None if answer(tool, "diff", folder / source, folder / target, "--no-metadata")[1] == 0 else "imwa-ckpt diff says that they differ")
    problem = run_tool(tool, ["convert", folder / "bin", "-o", folder / "cut/", "--max-shard-size", "280"])
    _, shards, problem = ([], [], problem) if problem else sharded.load(folder / "cut")
    report.check("shards of another size", problem or (None if shards == [["embed", "x"], ["y", "z"]] else shards))
    for suffix in (".bin", ".safetensors"):
        source, target = folder / suffix[1:].replace("safetensors", "st"), folder / f"renamed-{suffix[1:]}"
        problem = run_tool(tool, ["convert", source, "-o", target, "--rename", "s/^/net./", "--out-dtype", "F64"])
        found, shards, problem = ({}, [], problem) if problem else sharded.load(target, suffix)
        expected = [[f"net.{name}" for name in names] for names in partition]
        report.check(f"renamed {suffix} shards", problem or (None if [sorted(names) for names in shards] == expected else shards))
    state["head"] = state["embed"]
    sharded.save(folder / "tied", state, [["embed", "head"], ["x", "y", "z"]])
    _, code = answer(tool, "convert", folder / "tied", "-o", f"{folder / 'no'}/", "--format", "safetensors")
    report.check("tied shards are refused", None if code == 65 else f"exit code {code}")
    for name, suffix, format, option, count in (
        ("skipped", ".safetensors", "safetensors", "--skip-unsupported", 4), ("untied", ".safetensors", "safetensors", "--untie", 5),
        ("untied-bin", ".bin", "pytorch", "--untie", 5), ("still", ".bin", "pytorch", "--verify", 5),
    ):  # fmt: skip
        problem = run_tool(tool, ["convert", folder / "tied", "-o", f"{folder / name}/", "--format", format, option])
        found, _, problem = ({}, [], problem) if problem else sharded.load(folder / name, suffix)
        if not problem and suffix == ".bin" and (found["embed"].data_ptr() == found["head"].data_ptr()) != (name == "still"):
            problem = "tied" if name != "still" else "not tied"
        report.check(f"tied shards: {name}", problem or (None if len(found) == count else list(found)))
    problem = run_tool(tool, ["verify", folder / "bin", folder / "st", folder / "back"])
    report.check("shards are sound", problem)
    shard = folder / "back" / sharded.shard_names(".bin", 3)[1]
    flip(shard, "pytorch_model-00002-of-00003/data/0", shard)
    output, code = answer(tool, "verify", folder / "back")
    report.check("a flipped bit in a shard", None if code == 1 and shard.name in output and "data/0" in output else output)


def flip(path, name, target):
    """Changes one stored bit of a member of an archive."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        names = [member for member in archive.namelist() if member.split("/", 1)[-1] == name.split("/", 1)[-1]]
        info = archive.getinfo(names[0])
    start = info.header_offset
    start += 30 + int.from_bytes(data[start + 26 : start + 28], "little") + int.from_bytes(data[start + 28 : start + 30], "little")
    data[start + info.compress_size // 2] ^= 4
    target.write_bytes(data)


def check_members(tool, folder, report):
    """One flipped bit in any member of an archive is found, and the member is named."""
    values = {"a": numpy.arange(50.0), "b": numpy.ones(3)}
    with h5py.File(folder / "model.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = values["a"]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(folder / "in.keras", "w", method) as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": "3.0", "date_saved": "x" * 50}))
            archive.writestr("config.json", json.dumps({"module": "keras", "config": {"name": "x" * 50}}))
            archive.write(folder / "model.weights.h5", "model.weights.h5")
            archive.writestr("assets/vocabulary.txt", "the words " * 20)
        numpy.savez(folder / "in.npz", **values)
        with zipfile.ZipFile(folder / "in.npz", "a", method) as archive:
            archive.writestr("notes.txt", "some notes " * 20)
        torch.save({name: torch.from_numpy(value) for name, value in values.items()}, folder / "in.pt")
        with zipfile.ZipFile(folder / "in.pt", "a", method) as archive:
            archive.writestr("in/notes.txt", "some notes " * 20)
            archive.writestr("in/data/of_no_tensor", "some values " * 20)
        for name in ("in.keras", "in.npz", "in.pt"):
            path, damaged = folder / name, folder / f"damaged{pathlib.Path(name).suffix}"
            shutil.copyfile(path, damaged)
            report.check(f"{name} is sound", run_tool(tool, ["verify", damaged]))
            with zipfile.ZipFile(path) as archive:
                members = [info.filename for info in archive.infolist() if info.file_size]
            for member in members:
                flip(path, member, damaged)
                output, code = answer(tool, "verify", damaged)
                told = code == 1 and f"'{member.removesuffix('.npy')}" in output
                report.check(f"{name}, {member}, method {method}", None if told else f"exit code {code}: {output}")


if __name__ == "__main__":
    sys.exit(main())
