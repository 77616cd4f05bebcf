"""Merges HDF5 files with the tool and compares with h5py, NumPy and libhdf5's own programs.

Usage: check_hdf5.py --tool PATH [--only TEXT] (needs h5py, numpy, Keras, and h5dump, h5ls and h5repack)
"""

import argparse
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import h5py
import numpy as np

sys.dont_write_bytecode = True

import hdf5_samples  # noqa: E402
import hdf5_values as values  # noqa: E402
from hdf5_structure import difference, dump_of, is_tensor, structure_of, times_of, without_storage  # noqa: E402
from report import Report, run_tool  # noqa: E402

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "hdf5"
MERGES_IN_A_ROW = 10
LARGEST_GROWTH = 1.05
EXCLUDED = {
    "keras": "layers/dense/*",
    "contiguous": "types/*",
    "structured": "group again/dense/vars/1",
    "chunked": "filters/lzf/*",
}
IN_PLACE = ("contiguous", "compact", "wide earliest", "user block")


def main():
    """Checks every sample and every family of fixtures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--only", default="", help="samples with this text in their labels")
    options = parser.parse_args()
    tool = pathlib.Path(options.tool).resolve()
    report = Report()
    for first in sorted(FIXTURES.glob("*_s1.*")):
        if options.only in first.name:
            with tempfile.TemporaryDirectory() as name:
                members = [first.with_name(first.name.replace("_s1", f"_s{number}")) for number in (1, 2, 3)]
                Check(tool, report, first.name, members, pathlib.Path(name)).run()
    for sample in hdf5_samples.all_samples():
        if options.only in sample.label:
            with tempfile.TemporaryDirectory() as name:
                members = [pathlib.Path(name) / f"{letter}.h5" for letter in "abc"]
                for seed, path in enumerate(members):
                    sample.write(path, seed)
                Check(tool, report, sample.label, members, pathlib.Path(name)).run()
    if options.only in "files of Keras":
        with tempfile.TemporaryDirectory() as name:
            check_keras_files(tool, report, pathlib.Path(name))
    return report.finish()


def check_keras_files(tool, report, folder):
    """How large outputs are of what Keras itself writes, with and without the variables of an optimizer."""
    # Keras on JAX, without words about the machine.
    os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for label, depth in (("shallow", 3), ("deep", 40)):
        for is_trained in (False, True):
            for suffix in (".h5", ".weights.h5"):
                members = [folder / f"{label}-{is_trained}-{seed}{suffix}" for seed in (1, 2)]
                for seed, path in enumerate(members):
                    save_keras_model(path, depth, is_trained, seed)
                check = Check(tool, report, f"{label} {suffix} of Keras, trained: {is_trained}", members, folder)
                output = check.output("mean")
                problem = run_tool(tool, ["merge", *members, "-o", output, "--force", "--optimizer", "average"])
                check.note("size", problem or check.growth_problem(output))
                check.check_growth(["--optimizer", "average"])


def save_keras_model(path, depth, is_trained, seed):
    """A chain of small layers, saved by Keras in the layout that the name asks for."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(8, activation="relu", name=f"dense_{number}") for number in range(depth)]
    model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.BatchNormalization(name="norm")], name="chain")
    if is_trained:
        model.compile(keras.optimizers.Adam(name="adam"), "mse")
        model.fit(np.ones((2, 8)), np.ones((2, 8)), verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)


class Check:
    """All that is checked with three checkpoints of one kind."""

    def __init__(self, tool, report, label, members, folder):
        """Reads the members."""
        self.tool, self.report, self.label, self.members, self.folder = tool, report, label, members, folder
        self.tensors = [values.tensors_of(path) for path in members]

    def run(self):
        """Does all checks."""
        one, two, three = self.members
        average = ["--optimizer", "average"]
        start = time.time()
        self.merge("mean", ["merge", one, two, three, *average], values.mean, self.tensors)
        self.merge("weighted", ["merge", one, two, "--weights", "0.2,0.8", *average], values.weighted, self.tensors[:2])
        self.merge("ema", ["ema", one, two, three, "--decay", "0.99", *average], values.ema, self.tensors)
        self.merge("verified", ["merge", one, two, "--verify", *average], values.mean, self.tensors[:2])
        for dtype in ("F64", "F32", "F16", "BF16"):
            self.check_dtype(dtype, average)
        self.check_bytes(average)
        self.check_selection()
        self.check_layouts(average)
        self.check_conversions(average)
        self.check_growth(average)
        # The first of these outputs was written at least a second ago, so that a stored time would show.
        time.sleep(max(0.0, 1.1 - (time.time() - start)))
        self.check_repetition(average)

    def note(self, label, problem):
        """Counts a check."""
        self.report.check(f"{self.label}: {label}", problem)

    def output(self, label, suffix=".h5"):
        """Where a run writes to."""
        return self.folder / f"{label.replace(' ', '-')}{suffix}"

    def merge(self, label, arguments, method, members):
        """One merge: values, structure, times."""
        output = self.output(label)
        problem = run_tool(self.tool, [*arguments, "-o", output])
        problem = problem or guarded(self.merge_problem, output, values.combined(members, method))
        self.note(label, problem or self.growth_problem(output))

    def merge_problem(self, output, expected, first=None, is_alike=True):
        """What of an output is not as in the first input or has other values.

        What is stored at all may differ when the other inputs are not stored alike.
        """
        first = first or self.members[0]
        if times_of(first) != times_of(output):
            return "other times"
        structures = [structure_of(first), structure_of(output)]
        if not is_alike:
            structures = map(without_storage, structures)
        problem = difference(*structures)
        return problem or values.value_problem(values.described(values.tensors_of(output)), expected)

    def check_dtype(self, dtype, average):
        """Values in another type."""
        one, two, _ = self.members
        output = self.output(dtype)
        problem = run_tool(self.tool, ["merge", one, two, "-o", output, "--out-dtype", dtype, *average])
        expected = values.combined(self.tensors[:2], values.mean, dtype)
        problem = problem or guarded(
            lambda: values.value_problem(values.described(values.tensors_of(output)), expected)
            or difference(forms_of(one), forms_of(output))
        )
        self.note(f"--out-dtype {dtype}", problem)

    def check_bytes(self, average):
        """Without provenance: what libhdf5's own program shows is the same, and in place every other byte."""
        one, two, _ = self.members
        outputs = [self.output(f"threads {count}") for count in (1, 2, 3)]
        problem = None
        for count, output in enumerate(outputs, 1):
            arguments = ["merge", one, two, "-o", output, "--no-provenance", "--threads", count, *average]
            problem = problem or run_tool(self.tool, arguments)
        if not problem and len({output.read_bytes() for output in outputs}) > 1:
            problem = "other bytes with another number of threads"
        self.note("any number of threads", problem)
        if problem:
            return
        dumps = [dump_of(path) for path in (one, outputs[0])]
        self.note("h5dump", None if dumps[0] == dumps[1] else first_difference(*(dump[0] for dump in dumps)))
        if self.label.startswith(IN_PLACE) and "chunked" not in self.label:
            self.note("bytes outside of tensors", outside_problem(one, outputs[0]))

    def check_selection(self):
        """Tensors that are left out leave no trace."""
        one, two, _ = self.members
        if any(name.startswith(("optimizer/", "optimizer_weights/")) for name in self.tensors[0]):
            left_out = [name for name in self.tensors[0] if name.startswith(("optimizer/", "optimizer_weights/"))]
            self.check_left_out("--optimizer drop", ["--optimizer", "drop"], left_out)
        pattern = EXCLUDED.get(self.label.split()[0])
        if pattern:
            left_out = [name for name in self.tensors[0] if name.startswith(pattern.rstrip("*"))]
            self.check_left_out(f"--exclude {pattern}", ["--exclude", pattern, "--optimizer", "average"], left_out)

    def check_left_out(self, label, options, left_out):
        """What stays has its values, and the file is as small as one without the rest."""
        one, two, _ = self.members
        output = self.output("selected")
        problem = run_tool(self.tool, ["merge", one, two, "-o", output, "--force", *options])
        kept = [{name: tensor for name, tensor in member.items() if name not in left_out} for member in self.tensors[:2]]
        expected = values.combined(kept, values.mean)

        def compare():
            found = values.described(values.tensors_of(output))
            paths = [f"/{name}" for name in left_out]
            structures = [without_groups(structure_of(path, paths)) for path in (one, output)]
            return values.value_problem(found, expected) or difference(*structures) or self.growth_problem(output)

        self.note(label, problem or guarded(compare))

    def check_layouts(self, average):
        """Inputs whose tensors are stored in other ways."""
        one, two, _ = self.members
        expected = values.combined(self.tensors[:2], values.mean)
        for label, options in (("pieces", {}), ("chunks", {"chunks": True, "compression": "gzip"})):
            other = self.folder / f"other-{label}.h5"
            write_tensors(other, self.tensors[1], options)
            output = self.output(f"with {label}")
            problem = run_tool(self.tool, ["merge", one, other, "-o", output, *average])
            self.note(f"second input in {label}", problem or guarded(self.merge_problem, output, expected, one, False))
            output = self.output(f"{label} first")
            problem = run_tool(self.tool, ["merge", other, one, "-o", output, *average])
            swapped = values.combined([values.tensors_of(other), self.tensors[0]], values.mean)
            self.note(f"first input in {label}", problem or guarded(self.merge_problem, output, swapped, other, False))

    def check_conversions(self, average):
        """To safetensors, and from there to HDF5."""
        one, two, _ = self.members
        expected = values.in_little_endian(values.combined(self.tensors[:2], values.mean))
        output = self.output("converted", ".safetensors")
        wide = [name for name, tensor in expected.items() if tensor[0] == "C128"]
        if wide:
            problem = run_tool(self.tool, ["merge", one, two, "-o", output, *average]) or "C128 was written"
            self.note("to safetensors, C128", None if "exit code 65: " in problem and wide[0] in problem else problem)
            expected = {name: tensor for name, tensor in expected.items() if name not in wide}
            average = [*average, *(word for name in wide for word in ("--exclude", name))]
        problem = run_tool(self.tool, ["merge", one, two, "-o", output, *average])
        problem = problem or guarded(lambda: values.value_problem(values.in_safetensors(output), expected))
        self.note("to safetensors", problem)
        if problem:
            return
        for label, options in (("plain", []), ("compressed", ["--compress", "4"])):
            back = self.output(label)
            problem = run_tool(self.tool, ["merge", output, "-o", back, *options])
            self.note(f"from safetensors, {label}", problem or guarded(self.back_problem, back, expected, bool(options)))

    def back_problem(self, path, expected, is_compressed):
        """What is wrong with a file that was written from tensors alone."""
        found = values.in_little_endian(values.described(values.tensors_of(path)))
        with h5py.File(path) as file:
            for name, (_, _, data) in expected.items():
                wanted = ("gzip", 4) if is_compressed and len(data) >= 2048 else (None, None)
                if (file[name].compression, file[name].compression_opts) != wanted:
                    return f"'{name}': compression {file[name].compression} {file[name].compression_opts}"
                if (file[name].chunks is None) != (wanted[0] is None):
                    return f"'{name}': chunks {file[name].chunks}"
        return values.value_problem(found, expected)

    def check_growth(self, average):
        """Ten merges in a row do not make a file larger."""
        state = self.output("grown")
        state.write_bytes(self.members[0].read_bytes())
        problem = None
        for _ in range(MERGES_IN_A_ROW):
            problem = problem or run_tool(self.tool, ["merge", state, self.members[1], "-o", state, "--force", *average])
        self.note(f"{MERGES_IN_A_ROW} merges in a row", problem or self.growth_problem(state))

    def growth_problem(self, path):
        """Whether a file is much larger than `h5repack` makes it."""
        if self.label.startswith("track_order"):
            # h5repack forgets the order of attributes, and with it their indexes.
            return None
        size, repacked = path.stat().st_size, repacked_size(path, self.folder)
        return None if size <= LARGEST_GROWTH * repacked else f"{size} bytes, h5repack makes it {repacked}"

    def check_repetition(self, average):
        """The same bytes a second later."""
        one, two, three = self.members
        again = self.output("again")
        problem = run_tool(self.tool, ["merge", one, two, three, "-o", again, *average])
        if not problem and again.read_bytes() != self.output("mean").read_bytes():
            problem = "other bytes"
        self.note("a second later", problem)


def forms_of(path):
    """Shape, chunks and filters of each dataset, which do not depend on its type."""
    with h5py.File(path) as file:
        found = {}

        def take(name, thing):
            if isinstance(thing, h5py.Dataset):
                filters = (thing.compression, thing.compression_opts, thing.shuffle, thing.fletcher32)
                found[name] = (thing.shape, thing.maxshape, thing.chunks, *filters)
                if not is_tensor(thing):
                    found[name] += (thing.dtype,)

        file.visititems(take)
        return found


def without_groups(structure):
    """A structure without lists of names and groups: those that become empty go."""
    return {path: facts for path, facts in structure.items() if not path.endswith("/") and facts[0] != "Group"}


def write_tensors(path, tensors, options):
    """Writes arrays as datasets."""
    with h5py.File(path, "w", libver="earliest") as file:
        for name, array in tensors.items():
            fits = array.ndim > 0 and array.size > 0
            dataset = file.create_dataset(name, data=array, **(options if fits else {}))
            if array.dtype == hdf5_samples.BFLOAT16:
                dataset.attrs["dtype"] = "bfloat16"


def outside_problem(first, output):
    """Where two files differ outside of the values of tensors, and of the checksums of headers with values in them."""
    contents = [bytearray(path.read_bytes()) for path in (first, output)]
    if len(contents[0]) > LARGEST_GROWTH * len(contents[1]):
        # There was so much room to spare that the file was built anew.
        return None
    if len(contents[0]) != len(contents[1]):
        return f"{len(contents[1])} bytes instead of {len(contents[0])}"
    extents, compact_count = values.tensor_extents(first)
    for content in contents:
        for start, end in extents:
            content[start:end] = bytes(end - start)
    places = [place for place, (left, right) in enumerate(zip(*contents, strict=True)) if left != right]
    checksum_bytes = 4 * compact_count if contents[0][contents[0].index(b"HDF") + 7] > 0 else 0
    return f"{len(places)} other bytes, the first at {places[0]}" if len(places) > checksum_bytes else None


def repacked_size(path, folder):
    """How large `h5repack` makes a file."""
    repacked = folder / "repacked.h5"
    subprocess.run(["h5repack", path, repacked], check=True, capture_output=True)
    return repacked.stat().st_size


def first_difference(first, second):
    """The first line that differs."""
    for left, right in zip(first, second, strict=False):
        if left != right:
            return f"expected {left!r}, found {right!r}"
    return f"{len(second)} lines instead of {len(first)}"


def guarded(comparison, *arguments):
    """The comparison's answer, or the error that kept it from giving one."""
    try:
        return comparison(*arguments)
    except (OSError, KeyError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
