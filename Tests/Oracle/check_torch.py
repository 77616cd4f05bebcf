"""Merges PyTorch files with the tool and compares with PyTorch: values, ties, structure, what is refused.

Every output is opened by torch.load(weights_only=True). Usage: check_torch.py --tool PATH (needs torch and numpy)
"""

import argparse
import pathlib
import sys
import tempfile
import warnings
import zipfile

import numpy as np
import torch

import exact
import torch_cases as cases
from report import Report, run_tool

warnings.filterwarnings("ignore")
EXACT_NAMES = {torch.bfloat16: "BF16", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2"}


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    tool = pathlib.Path(parser.parse_args().tool).resolve()
    report = Report()
    for group in (check_values, check_wrappers, check_containers, check_structure, check_refusals, check_conversions):
        with tempfile.TemporaryDirectory() as name:
            group(tool, pathlib.Path(name), report)
    return report.finish()


# The reference


def flat(value, path=""):
    """All tensors of an object by their dotted path."""
    if isinstance(value, torch.Tensor):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    found = {}
    for key, item in items:
        found.update(flat(item, f"{path}.{key}" if path else str(key)))
    return found


def mean(tensors):
    """The mean in float64, rounded once; integers are those of the first."""
    dtype = tensors[0].dtype
    if not (dtype.is_floating_point or dtype.is_complex) or dtype == torch.float8_e8m0fnu or "fnuz" in str(dtype) or "float4" in str(dtype):
        return tensors[0]
    tensors = [tensor.detach().resolve_conj().resolve_neg().contiguous() for tensor in tensors]
    wide = torch.complex128 if dtype.is_complex else torch.float64
    total = tensors[0].to(wide)
    for tensor in tensors[1:]:
        total = total + tensor.to(wide)
    # Parts of complex numbers are multiplied by themselves.
    total = torch.view_as_complex(torch.view_as_real(total) * (1.0 / len(tensors))) if dtype.is_complex else total * (1.0 / len(tensors))
    if dtype in EXACT_NAMES and total.numel():
        data = exact.encode(total.flatten().tolist(), EXACT_NAMES[dtype])
        return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(total.shape)
    if dtype == torch.float16:
        return torch.from_numpy(total.numpy().astype(np.float16))
    return total.to(dtype)


def same(left, right):
    """Whether two tensors have the same dtype, shape and bits."""
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    return bits(left) == bits(right)


def bits(tensor):
    """The bytes of the values in C order."""
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def value_problem(members, output, prefix=""):
    """What of the output is not the mean of the members, under a prefix, or else as in the first."""
    found = flat(output)
    parts = [flat(member) for member in members]
    if list(found) != list(parts[0]):
        return f"other names: {sorted(set(found) ^ set(parts[0]))[:5]}"
    for name, tensor in found.items():
        expected = mean([part[name] for part in parts]) if name.startswith(prefix) else parts[0][name]
        if not same(tensor, expected):
            return f"'{name}' is not what it should be"
    return None


def merged(tool, folder, members, *options, output="out.pt", save=torch.save):
    """Saves members, merges them, and loads the output; returns it, or what went wrong."""
    paths = []
    for number, member in enumerate(members):
        paths.append(folder / f"member{number}.pt")
        save(member, paths[-1])
    target = folder / output
    target.unlink(missing_ok=True)
    problem = run_tool(tool, ["merge", *paths, "-o", target, *options])
    if problem:
        return None, problem
    return torch.load(target, weights_only=True), None


def check_merge(report, label, tool, folder, members, *options, prefix="", save=torch.save):
    """One merge, all of whose values are compared."""
    output, problem = merged(tool, folder, members, *options, save=save)
    report.check(label, problem or value_problem(members, output, prefix))
    return output


# The groups


def check_values(tool, folder, report):
    """Dtypes, views and ties."""
    for label, make in cases.VALUES.items():
        check_merge(report, label, tool, folder, [make(1), make(2), make(3)])
    for label, make in cases.TIES.items():
        output = check_merge(report, label, tool, folder, [make(1), make(2)])
        tied = output is not None and output["a"].data_ptr() == output["b"].data_ptr()
        report.check(f"{label}: still tied", None if tied else "the two have memory of their own")
        output, problem = merged(tool, folder, [make(1), make(2)], "--out-dtype", "F64")
        tied = output is not None and output["a"].data_ptr() == output["b"].data_ptr()
        report.check(f"{label}: tied in another dtype", problem or (None if tied else "not tied"))
    loose = cases.TIES["tied by storage"](2)
    loose["b"] = loose["b"].clone() + 1
    output, problem = merged(tool, folder, [cases.TIES["tied by storage"](1), loose])
    report.check("a tie that does not hold everywhere", problem or value_problem([cases.TIES["tied by storage"](1), loose], output))
    members = [cases.view_of_large(1), cases.view_of_large(2)]
    output, problem = merged(tool, folder, members)
    rest = None if problem or same(output["a"].as_strided((100,), (1,), 0)[50:], members[0]["a"].as_strided((100,), (1,), 0)[50:]) else "the rest of its storage is not the first's"
    report.check("a view of a larger storage", problem or value_problem(members, output) or rest)


def check_wrappers(tool, folder, report):
    """Training checkpoints: what is averaged, and what is as in the first."""
    for label, (make, prefix, options) in cases.WRAPPERS.items():
        check_merge(report, label, tool, folder, [make(1), make(2)], *options, prefix=prefix)
    members = [cases.training(1), cases.training(2)]
    output, problem = merged(tool, folder, members, "--optimizer", "average")
    states = [member["optimizer"] for member in members]
    report.check("optimizer averaged", problem or value_problem(states, output["optimizer"]))
    output, problem = merged(tool, folder, members, "--optimizer", "drop")
    report.check("optimizer dropped", problem or (None if "optimizer" not in output and "scheduler" in output else "not dropped"))
    output, problem = merged(tool, folder, members, "--out-dtype", "F64")
    kept = output is not None and (output["epoch"], output["scheduler"], output["optimizer"]["param_groups"]) == (
        members[0]["epoch"], members[0]["scheduler"], members[0]["optimizer"]["param_groups"])
    report.check("the rest of a tree that is written anew", problem or (None if kept else "not kept"))
    output, problem = merged(tool, folder, members, "--exclude", "layer.bias")
    report.check("a tensor left out", problem or (None if list(output["model"]) == ["layer.weight", "steps"] else list(output["model"])))


def check_containers(tool, folder, report):
    """Ways to store the same: protocols, archives of others, old files, big-endian numbers."""
    for protocol in (2, 3, 4, 5):
        for modern in (True, False):
            save = lambda value, path, p=protocol, m=modern: torch.save(value, path, pickle_protocol=p, _use_new_zipfile_serialization=m)  # noqa: E731
            label = f"protocol {protocol}, {'archive' if modern else 'pickles'}"
            check_merge(report, label, tool, folder, [cases.training(1), cases.training(2)], prefix="model.", save=save)
    for label, repack in cases.REPACKINGS.items():
        save = lambda value, path, change=repack: (torch.save(value, path), change(path))  # noqa: E731
        check_merge(report, label, tool, folder, [cases.training(1), cases.training(2)], prefix="model.", save=save)
    members = [cases.VALUES["dtypes"](1), cases.VALUES["dtypes"](2)]
    outputs = []
    for name in ("a.pt", "b.pt"):
        merged(tool, folder, members, output=name)
        outputs.append((folder / name).read_bytes())
    report.check("the same inputs, the same bytes", None if outputs[0] == outputs[1] else "they differ")
    with zipfile.ZipFile(folder / "a.pt") as archive:
        report.check("checksums by zipfile", archive.testzip() and "wrong")


def check_structure(tool, folder, report):
    """Objects of unknown classes; files that are written again and again."""
    members = [cases.with_namespace(1), cases.with_namespace(2)]
    output, problem = merged(tool, folder, members)
    report.check("an unknown class is left out", problem or (None if "args" not in output and output["epoch"] == 1 else "not left out"))
    _, problem = merged(tool, folder, members, "--strict")
    report.check("--strict", None if problem and "argparse.Namespace" in problem else problem or "accepted")
    first, problem = merged(tool, folder, [cases.training(1), cases.training(2)], output="once.pt")
    state, again = None, None
    if not problem:
        problem = run_tool(tool, ["ema", folder / "once.pt", folder / "member1.pt", "--decay", "0.5", "-o", folder / "twice.pt"])
        problem = problem or run_tool(tool, ["ema", folder / "twice.pt", folder / "member1.pt", "--decay", "0.5", "-o", folder / "twice.pt", "--force"])
    if not problem:
        state = torch.load(folder / "twice.pt", weights_only=True)
        again = 0.5 * (0.5 * first["model"]["layer.bias"].double() + 0.5 * cases.training(2)["model"]["layer.bias"].double()).float().double()
        again = (again + 0.5 * cases.training(2)["model"]["layer.bias"].double()).float()
        problem = None if same(state["model"]["layer.bias"], again) else "not the moving average"
    report.check("a moving average in place", problem)
    single = folder / "single.pt"
    torch.save(torch.arange(6.0).reshape(2, 3), single)
    problem = run_tool(tool, ["merge", single, "-o", folder / "single-out.pt"])
    report.check("one tensor alone", problem or (None if same(torch.load(folder / "single-out.pt"), torch.arange(6.0).reshape(2, 3)) else "not it"))


def check_refusals(tool, folder, report):
    """What must be refused, and what must be said."""
    for label, (make, words) in cases.REFUSED.items():
        path = folder / "refused.pt"
        make(path)
        problem = run_tool(tool, ["merge", path, "-o", folder / "out.pt", "--allow-nan"])
        told = problem is not None and problem.startswith("exit code 65") and all(word in problem for word in words)
        report.check(label, None if told else problem or "accepted")
    report.check("nothing was run", "the marker is there" if cases.MARKER.exists() else None)


def check_conversions(tool, folder, report):
    """From each format to each, and mixed."""
    state = cases.VALUES["plain"](1)
    torch.save(state, folder / "a.pt")
    names = ["b.safetensors", "c.npz", "d.pth", "e.h5", "f.pt"]
    source = "a.pt"
    for name in names:
        problem = run_tool(tool, ["merge", folder / source, "-o", folder / name])
        report.check(f"{source} to {name}", problem)
        source = name
    found = torch.load(folder / "f.pt", weights_only=True)
    wrong = [name for name, tensor in state.items() if name not in found or not same(found[name], tensor)]
    report.check("all the way around", f"{wrong} differ" if wrong or len(found) != len(state) else None)
    arrays = np.load(folder / "c.npz")
    wrong = [name for name, tensor in state.items() if not np.array_equal(arrays[name], tensor.numpy())]
    report.check("by numpy.load", f"{wrong} differ" if wrong else None)
    problem = run_tool(tool, ["merge", *(folder / name for name in ["a.pt", *names]), "-o", folder / "mixed.pt"])
    report.check("all formats in one merge", problem or value_problem([state] * 6, torch.load(folder / "mixed.pt", weights_only=True)))
    for label, write in cases.ARRAYS.items():
        array = write(folder / "in.npz")
        (folder / "out.npz").unlink(missing_ok=True)
        problem = run_tool(tool, ["merge", folder / "in.npz", "-o", folder / "out.npz"])
        if not problem:
            with np.load(folder / "out.npz") as found:
                problem = None if found["x"].tobytes() == np.ascontiguousarray(array).tobytes() and found["x"].shape == array.shape else "not the array"
        report.check(f"array: {label}", problem)
    np.save(folder / "single.npy", np.asfortranarray(np.arange(12.0).reshape(3, 4)))
    problem = run_tool(tool, ["merge", folder / "single.npy", "-o", folder / "out.npy"])
    report.check("one array alone", problem or (None if np.array_equal(np.load(folder / "out.npy"), np.arange(12.0).reshape(3, 4)) else "not it"))


if __name__ == "__main__":
    sys.exit(main())
