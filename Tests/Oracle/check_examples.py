#!/usr/bin/env python3
"""Runs the examples for Keras and PyTorch: three episodes of two members, whose results the frameworks load.

Run with the Python of an environment that has both.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"train_{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_orders(run, module):
    """No two episodes of a member, and no two members, see the same batches."""
    seeds = []
    for spec in sorted(run.glob("episode-*/member-*/attempt-1/spec.json")):
        environment = dict(entry.split("=", 1) for entry in json.loads(spec.read_text())["environment"])
        seeds.append(int(environment["IMWA_EPISODE_SEED"]))
    assert len(seeds) == 6
    orders = {tuple(tuple(batch) for batch in module.batches(1347, 20, seed)) for seed in seeds}
    assert len(orders) == 6, "two episodes replay the same batches"


def check_template(tool, folder, name):
    """The plan that the tool writes for a framework runs with the example that it names."""
    shutil.copytree(EXAMPLES, folder)
    if not (folder.parent / "fixtures").exists():
        (folder.parent / "fixtures").symlink_to(EXAMPLES.parent / "fixtures")
    plan = subprocess.run([tool, "init", "--for", name], check=True, capture_output=True).stdout
    (folder / "plan.yaml").write_bytes(plan)
    words = ["--set", "episodes=2", "--set", "iterations=40"]
    subprocess.run([tool, "start", folder / "plan.yaml", "--dir", folder / "run", "-q", *words], check=True)


def mean_of_members(run, suffix, read):
    average = read(run / f"episode-003/average{suffix}")
    members = [read(run / f"episode-003/member-{number}/attempt-1/model{suffix}") for number in (1, 2)]
    for name, values in average.items():
        if values.dtype.kind == "f":
            expected = ((members[0][name].astype("f8") + members[1][name].astype("f8")) / 2).astype(values.dtype)
            assert (values == expected).all(), f"{name} is not the mean"


def read_safetensors(path):
    from safetensors.numpy import load_file
    return load_file(path)


def read_hdf5(path):
    import h5py
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {name: values for name, values in found.items() if not name.startswith("optimizer/")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    tool = str(pathlib.Path(parser.parse_args().tool).resolve())
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["PATH"] = str(pathlib.Path(sys.executable).parent) + ":" + os.environ["PATH"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imwa-examples-"))
    try:
        for name, suffix, read in [("pytorch", ".safetensors", read_safetensors), ("keras", ".weights.h5", read_hdf5)]:
            run = folder / name
            words = ["--set", "episodes=3", "--set", "iterations=300", "--set", "tensorboard=true"]
            subprocess.run([tool, "start", EXAMPLES / f"{name}.yaml", "--dir", run, "-q", *words], check=True)
            status = json.loads(subprocess.run([tool, "status", run, "--json"], check=True, capture_output=True).stdout)
            accuracy = status["last_metric"]["value"]
            assert status["state"] == "completed" and accuracy > 0.9, status
            mean_of_members(run, suffix, read)
            check_orders(run, load(name))
            check_template(tool, folder / f"{name}-template", name)
            print(f"{name}: three episodes of two members, accuracy {accuracy:.3f}")
    finally:
        shutil.rmtree(folder)


main()
