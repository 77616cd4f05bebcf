#!/usr/bin/env python3
"""Compares what `imwa-dist` measures with NumPy in extended precision, and decodes its pictures.

Needs numpy, safetensors, h5py and torch. The last line is `N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zlib

import h5py
import numpy
import safetensors.numpy
import safetensors.torch
import torch

sys.dont_write_bytecode = True

from report import TIME_LIMIT, Report, run_tool  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
WIDE = numpy.longdouble
TOLERANCE = 1e-14
SHAPES = {"layers.0.w": (257, 1031), "layers.10.w": (3, 5, 7), "layers.2.b": (), "head": (70001,), "empty": (0, 4)}


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-dist")
    tool = parser.parse_args().tool.resolve()
    report = Report()
    for checks in (check_dtypes, check_formats, check_fixtures, check_pictures):
        with tempfile.TemporaryDirectory() as folder:
            checks(tool, pathlib.Path(folder), report)
    return report.finish()


# Values


def check_dtypes(tool, folder, report):
    """Models of every floating dtype and of mixed ones, with a base."""
    for dtypes in (["F64"] * 4, ["F32"] * 4, ["F16"] * 4, ["BF16"] * 4, ["F32", "BF16", "F64", "F16"]):
        models = [torch_model(seed, dtype) for seed, dtype in enumerate(dtypes)]
        paths = [folder / f"{'-'.join(dtypes)}-{index}.safetensors" for index in range(len(models))]
        for path, model in zip(paths, models, strict=True):
            safetensors.torch.save_file(model, path)
        arrays = [{name: tensor.double().numpy() for name, tensor in model.items()} for model in models]
        label = ", ".join(dict.fromkeys(dtypes))
        outputs = []
        for threads in (1, 2, 3):
            result, problem = measure(tool, [*paths[:3], "--base", paths[3], "--threads", threads])
            outputs.append(json.dumps(result))
            problem = problem or difference(result, arrays[:3], arrays[3])
            report.check(f"{label}: all metrics, --threads {threads}", problem)
        report.check(f"{label}: same bits with any number of threads", len(set(outputs)) > 1)
        result, problem = measure(tool, paths[:2])
        report.check(f"{label}: two models", problem or difference(result, arrays[:2]))


def torch_model(seed, dtype):
    """Random tensors, near to each other for every seed."""
    start = torch.Generator().manual_seed(99)
    own = torch.Generator().manual_seed(seed)
    kind = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    return {
        name: (
            torch.randn(shape, generator=start, dtype=torch.float64)
            + 0.01 * torch.randn(shape, generator=own, dtype=torch.float64)
        ).to(kind)
        for name, shape in SHAPES.items()
    }


def check_formats(tool, folder, report):
    """One model in HDF5 and another in safetensors."""
    arrays = [{name.replace(".", "_"): tensor.float().numpy() for name, tensor in torch_model(seed, "F32").items()}
              for seed in (1, 2)]
    with h5py.File(folder / "a.h5", "w") as file:
        for name, array in arrays[0].items():
            file[name] = array
    safetensors.numpy.save_file(arrays[1], folder / "b.safetensors")
    result, problem = measure(tool, [folder / "a.h5", folder / "b.safetensors"])
    report.check("HDF5 and safetensors", problem or difference(result, arrays))


def check_fixtures(tool, _, report):
    """All numbers of the files of real libraries."""
    families = {
        "h5py": "hdf5/h5py_dtypes_s{}.h5",
        "keras": "hdf5/keras3_cnn_bn_s{}.weights.h5",
        "tf_keras": "hdf5/keras2_cnn_bn_full_s{}.h5",
        "safetensors": "safetensors/cnn_bn_s{}.safetensors",
    }
    for label, pattern in families.items():
        paths = [FIXTURES / pattern.format(number) for number in (1, 2, 3)]
        result, problem = measure(tool, [*paths, "--all-tensors"])
        report.check(f"fixtures of {label}", problem or difference(result, [read(path) for path in paths]))


def read(path):
    """All arrays of a file."""
    if path.suffix == ".safetensors":
        return safetensors.numpy.load_file(path)
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return {name: numpy.asarray(array) for name, array in arrays.items() if numpy.asarray(array).dtype.kind in "biufc"}


def measure(tool, arguments):
    """What the tool tells as JSON, and what is wrong with how it ended."""
    command = [str(tool), *map(str, arguments), "--metric", "all", "--per-tensor", "--json", "-q"]
    ended = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)
    if ended.returncode != 0:
        return None, f"exit code {ended.returncode}: {ended.stderr.decode('utf-8', 'replace')}"
    return json.loads(ended.stdout), None


# The reference


def vector(model, names):
    """The tensors as one vector of real numbers; complex ones are two."""
    parts = []
    for name in names:
        array = numpy.asarray(model[name])
        if array.dtype.kind == "c":
            array = numpy.stack([array.real, array.imag], axis=-1)
        parts.append(array.astype(numpy.float64).astype(WIDE).ravel())
    return numpy.concatenate(parts)


def norm(values):
    """The Euclidean norm."""
    return numpy.sqrt(numpy.sum(values * values))


def expected_pair(a, b, base=None):
    """What a pair must have."""
    difference_of_both = a - b
    with numpy.errstate(invalid="ignore", divide="ignore"):
        values = {
            "l2": norm(difference_of_both),
            "relative_l2": norm(difference_of_both) / ((norm(a) + norm(b)) / 2),
            "rms": numpy.sqrt(numpy.mean(difference_of_both * difference_of_both)),
            "cosine": numpy.sum(a * b) / (norm(a) * norm(b)),
            "l1": numpy.sum(numpy.abs(difference_of_both)),
            "max": numpy.max(numpy.abs(difference_of_both)),
            "sign_agreement": numpy.mean(numpy.sign(a) == numpy.sign(b)),
        }
        if base is not None:
            sizes = sorted([norm(a - base), norm(b - base)])
            values["task_cosine"] = numpy.sum((a - base) * (b - base)) / (sizes[0] * sizes[1])
            values["task_size"] = sizes[0] / sizes[1]
    return values


def difference(result, models, base=None):
    """What is wrong with a result, None if nothing is."""
    names = [tensor["name"] for tensor in result["tensors"]]
    if set(names) != set(models[0]):
        return f"other tensors: {set(names) ^ set(models[0])}"
    groups = [("all", result, names)] + [
        (tensor["name"], tensor, [tensor["name"]]) for tensor in result["tensors"] if tensor["parameters"] > 0
    ]
    for label, group, members in groups:
        vectors = [vector(model, members) for model in models]
        start = None if base is None else vector(base, members)
        if group["parameters"] != vectors[0].size:
            return f"{label}: {group['parameters']} parameters, expected {vectors[0].size}"
        for pair in group["pairs"]:
            problem = pair_problem(pair, expected_pair(vectors[pair["a"]], vectors[pair["b"]], start))
            if problem:
                return f"{label}: {pair['a']}-{pair['b']}: {problem}"
        for entry in group.get("from_base", []):
            problem = pair_problem(entry, expected_pair(vectors[entry["model"]], start))
            if problem:
                return f"{label}: {entry['model']}-base: {problem}"
    return place_problem(result, models) or spread_problem(result, [vector(model, names) for model in models])


def pair_problem(found, expected):
    """What is wrong with the values of a pair."""
    for key, value in expected.items():
        if not numpy.isfinite(value):
            if found[key] is not None and value == value:
                return f"{key} is {found[key]}, expected null"
        elif abs(WIDE(found[key]) - value) > TOLERANCE * max(abs(value), 1 if "cosine" in key else 0):
            return f"{key} is {found[key]!r}, expected {value!r}"
    return None


def place_problem(result, models):
    """What is wrong with the places of the largest differences."""
    for pair in result["pairs"]:
        place = pair["max_at"]
        a, b = (models[pair[side]][place["tensor"]] for side in "ab")
        index = tuple(place["index"])
        left, right = (numpy.asarray(array).astype(complex)[index] for array in (a, b))
        parts = [abs(left.real - right.real), abs(left.imag - right.imag)]
        if abs(max(parts) - pair["max"]) > 1e-15 * pair["max"]:
            return f"the largest difference is not at {place}"
    return None


def spread_problem(result, vectors):
    """What is wrong with the spread."""
    mean = sum(vectors) / len(vectors)
    norms = [norm(values) for values in vectors]
    pairs = list(zip(result["spread"], (norm(values - mean) for values in vectors), strict=True))
    pairs += [(result["norm_of_mean"], norm(mean)), (result["mean_norm"], sum(norms) / len(norms))]
    pairs.append((result["mean_norm_ratio"], norm(mean) / (sum(norms) / len(norms))))
    for found, expected in pairs:
        # The tool rounds the mean to float64.
        if abs(WIDE(found) - expected) > TOLERANCE * abs(expected):
            return f"in the spread {found!r}, expected {expected!r}"
    return None


# Pictures


def check_pictures(tool, folder, report):
    """Pictures of the fixtures, read by other programs."""
    models = sorted((FIXTURES / "safetensors").glob("cnn_bn_s?.safetensors"))
    for label, options in {"heat map": [], "layers": ["--per-layer"], "map": ["--map"]}.items():
        sizes = []
        for ending, read_picture in {"svg": svg_size, "png": png_size}.items():
            path = folder / f"{label}.{ending}"
            problem = run_tool(tool, [*models, "-q", *options, "--plot", path])
            try:
                sizes.append(None if problem else read_picture(path))
            except (ValueError, zlib.error, xml.etree.ElementTree.ParseError) as error:
                problem = str(error)
            report.check(f"{label}: {ending.upper()}", problem)
        if None not in sizes and len(sizes) == 2:
            doubled = [round(side * 2 + 0.4999) for side in sizes[0]]
            same = all(abs(a - b) <= 1 for a, b in zip(doubled, sizes[1], strict=True))
            report.check(f"{label}: same size", None if same else f"{sizes}")


def svg_size(path):
    """The size of an SVG picture with a title and texts."""
    root = xml.etree.ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    if not root.findtext(f"{space}title") or not root.findall(f"{space}text"):
        raise ValueError("no title or no text")
    return [float(root.get(key)) for key in ("width", "height")]


def png_size(path):
    """The size of a PNG picture whose checksums are right and that is not empty."""
    data = path.read_bytes()
    place, chunks = 8, {}
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if struct.unpack_from(">I", data, place + 8 + length)[0] != zlib.crc32(kind + content):
            raise ValueError(f"wrong checksum of {kind}")
        chunks[kind] = content
        place += length + 12
    width, height, depth, color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    rows = zlib.decompress(chunks[b"IDAT"])
    if (depth, color) != (8, 2) or len(rows) != height * (1 + 3 * width):
        raise ValueError("other pixels than the header says")
    filtered = numpy.frombuffer(rows, numpy.uint8).reshape(height, 1 + 3 * width)
    if set(filtered[:, 0]) != {2}:
        raise ValueError("an unknown filter")
    pixels = numpy.cumsum(filtered[:, 1:], axis=0, dtype=numpy.uint8)
    if (pixels == 255).all() or not (pixels < 100).any():
        raise ValueError("nothing is drawn")
    return [width, height]


if __name__ == "__main__":
    sys.exit(main())
