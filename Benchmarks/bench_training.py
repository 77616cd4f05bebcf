#!/usr/bin/env python3
"""Times a training step of `imwa-train` and of the same network in PyTorch, on one thread.

The network is 32-128-20 with rectifiers, batches of 32, class-weighted cross-entropy, SGD with momentum, weight decay and
input noise. Needs torch.
"""

import argparse
import pathlib
import resource
import subprocess
import tempfile
import time

import torch

OPTIONS = ["--data", "gaussian-mixture", "--imbalance", "50"]
SETTINGS = ["--loss", "class-weighted:0.5", "--learning-rate", "0.05", "--input-noise", "0.7"]
SETTINGS += ["--weight-decay", "5e-4", "--progress-every", "0", "--durability", "none", "--force"]
ROUNDS = 5


def main():
    """Prints the best of some rounds of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-train")
    tool = parser.parse_args().tool.resolve()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        ours = min(tool_seconds(tool, pathlib.Path(folder)) for _ in range(ROUNDS))
    theirs = min(torch_seconds() for _ in range(ROUNDS))
    kernels = subprocess.run([tool, "kernels"], capture_output=True, check=True, text=True).stdout.strip()
    print(f"imwa-train ({kernels}): {ours * 1e6:.1f} us a step; PyTorch: {theirs * 1e6:.1f} us; ratio {theirs / ours:.1f}")


def tool_seconds(tool, folder, steps=20000):
    """The seconds of a step: a long run less a short one."""
    start = folder / "start.safetensors"
    subprocess.run([tool, "init", *OPTIONS, "--force", "-o", start], check=True)

    def run(count):
        command = [tool, "step", *OPTIONS, *SETTINGS, "--init", start, "--out", folder / "end.safetensors"]
        before = children_seconds()
        subprocess.run([*command, "--to-iteration", str(count)], check=True)
        return children_seconds() - before

    return (run(steps) - run(0)) / steps


def children_seconds():
    """The processor time of all processes that ended: on a busy machine it is steadier than the clock."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def torch_seconds(steps=3000):
    """The seconds of a step of PyTorch, without the choice of samples from a loader."""
    network = torch.nn.Sequential(torch.nn.Linear(32, 128), torch.nn.ReLU(), torch.nn.Linear(128, 20))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    samples = torch.randn(1586, 32)
    labels = torch.randint(0, 20, (1586,))
    loss = torch.nn.CrossEntropyLoss(weight=torch.rand(20) + 0.5)
    order = torch.randperm(1586)
    begin = time.process_time()
    for step in range(steps):
        chosen = order[step * 32 % 1500 : step * 32 % 1500 + 32]
        batch = samples[chosen] + 0.7 * torch.randn(len(chosen), 32)
        optimizer.zero_grad()
        loss(network(batch), labels[chosen]).backward()
        optimizer.step()
    return (time.process_time() - begin) / steps


if __name__ == "__main__":
    main()
