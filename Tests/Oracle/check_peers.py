#!/usr/bin/env python3
"""Opens what `imwa-avg` writes with safetensors, NumPy and PyTorch and compares it with their evaluation.

Needs numpy, safetensors and torch. The last line is `N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

sys.dont_write_bytecode = True

import exact  # noqa: E402
from report import Report, run_tool  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
METADATA = {"format": "pt", "ünïcode": "🙂", "note": 'line\nbreak "quoted"'}
WEIGHTS = (0.7, 0.2, 0.1)
DECAY = 0.99
DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-avg")
    tool = parser.parse_args().tool.resolve()
    report = Report()
    for checks in (check_numpy, check_torch, check_sharded):
        with tempfile.TemporaryDirectory() as folder:
            checks(tool, pathlib.Path(folder), report)
    return report.finish()


# NumPy


def check_numpy(tool, folder, report):
    """Averages of files that safetensors.numpy wrote, against NumPy's float64 evaluation."""
    members = [numpy_member(seed) for seed in (1, 2, 3)]
    inputs = [folder / f"{name}.safetensors" for name in "abc"]
    for path, member in zip(inputs, members, strict=True):
        safetensors.numpy.save_file(member, path, METADATA if path == inputs[0] else None)
    runs = {
        "mean": (["merge", *inputs], numpy_mean),
        "weighted": (["merge", *inputs, "--weights", ",".join(map(str, WEIGHTS))], numpy_weighted),
        "ema": (["ema", *inputs, "--decay", DECAY], numpy_ema),
    }
    for label, (arguments, method) in runs.items():
        output = folder / f"{label}.safetensors"
        problem = run_tool(tool, [*arguments, "-o", output])
        report.check(f"numpy: {label}", problem or guarded(numpy_problem, output, members, method))
        report.check(f"numpy: {label}: metadata", problem or guarded(metadata_problem, output))


def numpy_member(seed):
    """Random arrays of every dtype that NumPy and safetensors share, integers equal in all members."""
    random = numpy.random.default_rng(seed)
    member = {
        f"{dtype}/{shape}": numpy.asarray(random.standard_normal(shape) * 10.0 ** random.integers(-3, 3)).astype(dtype)
        for dtype in ("float64", "float32", "float16")
        for shape in ((), (0, 4), (5,), (33, 7), (3, 5, 7), (1001, 101))
    }
    integers = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
    return member | {name: numpy.arange(7).astype(name) for name in integers}


def numpy_mean(columns):
    """The mean as the tool defines it."""
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total * (1.0 / len(columns))


def numpy_weighted(columns):
    """The weighted mean as the tool defines it."""
    sum_of_weights = 0.0
    for weight in WEIGHTS:
        sum_of_weights += weight
    products = [column * (weight / sum_of_weights) for weight, column in zip(WEIGHTS, columns, strict=True)]
    total = products[0]
    for product in products[1:]:
        total = total + product
    return total


def numpy_ema(columns):
    """The exponential moving average as the tool defines it."""
    state = columns[0]
    for column in columns[1:]:
        state = DECAY * state + (1 - DECAY) * column
    return state


def numpy_problem(output, members, method):
    """What is different between an output and NumPy's evaluation, None if nothing is."""
    found = safetensors.numpy.load_file(output)
    if found.keys() != members[0].keys():
        return f"other tensors: {sorted(found.keys() ^ members[0].keys())}"
    for name, first in members[0].items():
        expected = first
        if first.dtype.kind == "f":
            columns = [numpy.float64(member[name]) for member in members]
            expected = numpy.asarray(method(columns)).astype(first.dtype)
        if found[name].dtype != expected.dtype or found[name].shape != expected.shape:
            return f"tensor {name!r} is {found[name].dtype} {found[name].shape}"
        if found[name].tobytes() != expected.tobytes():
            return f"tensor {name!r} has other bytes than NumPy's evaluation"
    return None


# PyTorch


def check_torch(tool, folder, report):
    """A mean of files that safetensors.torch wrote, among them dtypes that NumPy does not have."""
    members, inputs = [], []
    for seed in (1, 2):
        generator = torch.Generator().manual_seed(seed)
        values = {dtype: torch.randn((37, 5), generator=generator, dtype=torch.float64) for dtype in DTYPE_NAMES}
        members.append({str(dtype): tensor.to(dtype) for dtype, tensor in values.items()})
        inputs.append(folder / f"{seed}.safetensors")
        safetensors.torch.save_file(members[-1], inputs[-1], METADATA if seed == 1 else None)
    output = folder / "out.safetensors"
    problem = run_tool(tool, ["merge", *inputs, "-o", output])
    report.check("torch: mean", problem or guarded(torch_problem, output, members))
    report.check("torch: mean: metadata", problem or guarded(metadata_problem, output))
    # PyTorch rounds twice on its way from float64 to the narrow dtypes, so only their number of values is known here.
    for dtype, name in DTYPE_NAMES.items():
        output = folder / f"{name}.safetensors"
        problem = run_tool(tool, ["merge", *inputs, "-o", output, "--out-dtype", name])
        report.check(f"torch: --out-dtype {name}", problem or guarded(dtype_problem, output, dtype))


def torch_problem(output, members):
    """What is different between an output and the exact mean, None if nothing is."""
    found = safetensors.torch.load_file(output)
    for dtype, dtype_name in DTYPE_NAMES.items():
        columns = [member[str(dtype)].to(torch.float64).flatten().tolist() for member in members]
        expected = exact.encode(exact.mean(columns), dtype_name)
        tensor = found[str(dtype)]
        if tensor.dtype != dtype or tensor.shape != members[0][str(dtype)].shape:
            return f"tensor {dtype} is {tensor.dtype} {tuple(tensor.shape)}"
        if tensor.view(torch.uint8).numpy().tobytes() != expected:
            return f"tensor {dtype} has other bytes than the exact mean"
    return None


def dtype_problem(output, dtype):
    """Which tensor of an output has not the given dtype, None if all have."""
    found = safetensors.torch.load_file(output)
    return next((f"tensor {name} is {tensor.dtype}" for name, tensor in found.items() if tensor.dtype != dtype), None)


# Sharded models


def check_sharded(tool, folder, report):
    """The mean of a sharded model's folders: every shard opens, and the index fits."""
    inputs = [FIXTURES / "safetensors" / "hf" / f"llama_sharded_s{number}" for number in (1, 2, 3)]
    output = folder / "merged"
    problem = run_tool(tool, ["merge", *inputs, "-o", output])
    report.check("sharded: index fits the shards", problem or guarded(index_problem, output))
    report.check("sharded: mean", problem or guarded(sharded_problem, output))


def index_problem(folder):
    """What is wrong with the index of a folder, None if nothing is."""
    index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    weight_map, total_size = index["weight_map"], 0
    for shard in sorted(set(weight_map.values())):
        with safetensors.safe_open(folder / shard, framework="numpy") as opened:
            names = set(opened.keys())
            total_size += sum(opened.get_tensor(name).nbytes for name in names)
        if names != {name for name, place in weight_map.items() if place == shard}:
            return f"{shard} holds other tensors than the index says"
    strays = {path.name for path in folder.glob("*.safetensors")} - set(weight_map.values())
    if strays:
        return f"files that the index does not name: {sorted(strays)}"
    if index["metadata"]["total_size"] != total_size:
        return f"total_size is {index['metadata']['total_size']}, the tensors have {total_size} bytes"
    return None


def sharded_problem(folder):
    """What is different between the shards' tensors and the expected mean, None if nothing is."""
    expected = safetensors.numpy.load_file(FIXTURES / "expected" / "st_hf_llama_sharded.mean.safetensors")
    found = {}
    for shard in sorted(folder.glob("*.safetensors")):
        found |= safetensors.numpy.load_file(shard)
    if found.keys() != expected.keys():
        return f"other tensors: {sorted(found.keys() ^ expected.keys())}"
    wrong = [name for name, array in expected.items() if found[name].tobytes() != array.tobytes()]
    return f"wrong tensors: {wrong}" if wrong else None


# Both


def metadata_problem(output):
    """What of the first input's metadata is lost, None if nothing is."""
    with safetensors.safe_open(output, framework="numpy") as opened:
        found = opened.metadata() or {}
    lost = {key: value for key, value in METADATA.items() if found.get(key) != value}
    return f"metadata lost or changed: {lost}" if lost else None


def guarded(comparison, *arguments):
    """The comparison's answer, or the error that kept it from giving one."""
    try:
        return comparison(*arguments)
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
