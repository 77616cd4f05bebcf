#!/usr/bin/env python3
"""Trains the same networks with `imwa-train` in float32 and with PyTorch in float64, and compares what comes out.

Every step takes all samples, so that their order does not matter. Needs numpy, safetensors and torch. The last line is
`N passed, M failed`; the exit code is 1 if a check failed.
"""

import argparse
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import safetensors.numpy
import safetensors.torch
import torch

sys.dont_write_bytecode = True

from report import Report, run_tool  # noqa: E402

SIZES = (17, 9, 4)
FEATURES = 6
STEPS = 25
LOSSES = (
    "cross-entropy",
    "class-weighted:0.5",
    "logit-adjusted:1",
    "balanced-softmax",
    "focal:2",
    "ldam:0.5,2",
)
OPTIMIZERS = {
    "sgd": ["--optimizer", "sgd", "--momentum", "0.9"],
    "nesterov": ["--optimizer", "sgd", "--momentum", "0.8", "--nesterov"],
    "adamw": ["--optimizer", "adamw", "--beta2", "0.99"],
}
SCHEDULES = ("constant", "cosine:0.1", "linear", "step:0.3,0.4,0.8")
RATE, DECAY, AVERAGE_DECAY, WARM_UP = 0.05, 1e-2, 0.9, 5


def main():
    """Runs all checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=pathlib.Path, help="path of imwa-train")
    tool = parser.parse_args().tool.resolve()
    torch.set_default_dtype(torch.float64)
    report = Report()
    cases = [(loss, "sgd", "constant", [8], False) for loss in LOSSES]
    cases += [("cross-entropy", rule, "constant", [8], False) for rule in OPTIMIZERS]
    cases += [("balanced-softmax", "adamw", schedule, [7], False) for schedule in SCHEDULES]
    cases += [("class-weighted:0.5", rule, "cosine:0", [8, 5], True) for rule in OPTIMIZERS]
    cases += [("cross-entropy", "sgd", "linear", [], False)]
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(pathlib.Path(folder))
        for case in cases:
            check_case(tool, pathlib.Path(folder), data, case, report)
    return report.finish()


def make_data(folder):
    """Writes random samples of three classes."""
    random = numpy.random.default_rng(5)
    labels = numpy.repeat(numpy.arange(3), SIZES).astype(numpy.int64)
    centres = random.normal(size=(3, FEATURES))
    samples = (centres[labels] + random.normal(size=(len(labels), FEATURES))).astype(numpy.float32)
    arrays = {"x_train": samples, "y_train": labels, "x_test": samples[::2].copy(), "y_test": labels[::2].copy()}
    safetensors.numpy.save_file(arrays, folder / "data.safetensors")
    return arrays


def check_case(tool, folder, data, case, report):
    """Trains one network twice and compares weights, averages, memory and judgements."""
    loss, rule, schedule, hidden, has_batch_norm = case
    name = f"{loss}, {rule}, {schedule}, {hidden}{', batch norm' if has_batch_norm else ''}"
    source = ["--data", f"arrays:{folder / 'data.safetensors'}"]
    paths = {part: folder / f"{part}.safetensors" for part in ("start", "model", "average", "state")}
    model = ["--model", ":".join(["mlp"] + [",".join(map(str, hidden))] * bool(hidden))]
    problem = run_tool(
        tool,
        ["init", *source, *model, *["--batch-norm"] * has_batch_norm, "--force", "-o", paths["start"], "--seed", 3],
    )
    settings = ["--loss", loss, *OPTIMIZERS[rule], "--schedule", schedule, "--warmup-iterations", WARM_UP]
    settings += ["--learning-rate", RATE, "--weight-decay", DECAY, "--batch-size", sum(SIZES)]
    settings += ["--ema-decay", AVERAGE_DECAY, "--to-iteration", STEPS, "--force"]
    places = ["--init", paths["start"], "--out", paths["model"], "--ema-out", paths["average"]]
    problem = problem or run_tool(tool, ["step", *source, *settings, *places, "--state-out", paths["state"]])
    if problem:
        report.check(name, problem)
        return
    network, average, memory = train(paths["start"], data, case)
    unclear = set()
    if has_batch_norm and rule == "adamw":
        # A bias in front of a normalisation has no gradient but rounding errors, which Adam turns into whole steps.
        unclear = {f"layers.{3 * index}.bias" for index in range(len(hidden))}
        unclear |= {f"layers.{3 * index + 1}.running_mean" for index in range(len(hidden))}
    report.check(f"{name}: weights", differences(paths["model"], network.state_dict(), unclear))
    report.check(f"{name}: moving average", differences(paths["average"], average, unclear))
    report.check(f"{name}: memory", differences(paths["state"], memory))
    report.check(f"{name}: predictions", judgement_problem(tool, source, paths["model"], data, hidden, has_batch_norm))


def make_network(hidden, has_batch_norm):
    """The network that the checkpoint's names are meant for."""
    layers = []
    widths = [FEATURES, *hidden, 3]
    for index, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        layers.append(torch.nn.Linear(inputs, outputs))
        if index < len(hidden):
            layers += [torch.nn.BatchNorm1d(outputs)] * has_batch_norm + [torch.nn.ReLU()]
    return torch.nn.ModuleDict({"layers": torch.nn.Sequential(*layers)})


def load(path, hidden, has_batch_norm):
    """A network of PyTorch with the values of a checkpoint."""
    network = make_network(hidden, has_batch_norm)
    network.load_state_dict(safetensors.torch.load_file(path))
    return network


def train(start, data, case):
    """Trains with PyTorch's own optimizers; returns the network, its moving average and the optimizer's memory."""
    loss, rule, schedule, hidden, has_batch_norm = case
    network = load(start, hidden, has_batch_norm)
    names = [name for name, _ in network.named_parameters()]
    values = list(network.parameters())
    if rule == "adamw":
        optimizer = torch.optim.AdamW(values, lr=RATE, betas=(0.9, 0.99), weight_decay=DECAY)
        memories = {"exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq"}
    else:
        momentum, nesterov = (0.9, False) if rule == "sgd" else (0.8, True)
        optimizer = torch.optim.SGD(values, lr=RATE, momentum=momentum, nesterov=nesterov, weight_decay=DECAY)
        memories = {"momentum_buffer": "momentum_buffer"}
    average = {name: value.clone() for name, value in network.state_dict().items()}
    samples = torch.tensor(data["x_train"]).double()
    labels = torch.tensor(data["y_train"])
    network.train()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * factor(schedule, step)
        optimizer.zero_grad()
        loss_of(loss, network["layers"](samples), labels).backward()
        optimizer.step()
        kept = min(AVERAGE_DECAY, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            average[name] = kept * average[name] + (1 - kept) * value if value.is_floating_point() else value.clone()
    memory = {
        f"optimizer.{ours}.{name}": optimizer.state[value][theirs]
        for name, value in zip(names, values, strict=True)
        for ours, theirs in memories.items()
    }
    return network, average, memory


def factor(schedule, step):
    """The learning rate's factor, as PyTorch's schedulers would have it behind a warm-up."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    name, _, numbers = schedule.partition(":")
    numbers = [float(number) for number in numbers.split(",") if number]
    progress = (step - WARM_UP) / (STEPS - WARM_UP)
    if name == "cosine":
        final = numbers[0] if numbers else 0
        return final + (1 - final) * (1 + numpy.cos(numpy.pi * progress)) / 2
    if name == "linear":
        return 1 - progress
    if name == "step":
        return numbers[0] ** sum(step >= at * STEPS for at in numbers[1:])
    return 1.0


def loss_of(name, logits, labels):
    """The losses as their papers define them, from PyTorch's functions."""
    sizes = torch.tensor(SIZES).double()
    kind, _, numbers = name.partition(":")
    numbers = [float(number) for number in numbers.split(",") if number]
    if kind == "class-weighted":
        return torch.nn.functional.cross_entropy(logits, labels, weight=sizes ** -numbers[0])
    if kind == "logit-adjusted":
        logits = logits + numbers[0] * torch.log(sizes / sizes.sum())
    if kind == "balanced-softmax":
        return -(torch.log(sizes) + logits - torch.logsumexp(torch.log(sizes) + logits, 1, True))[
            range(len(labels)), labels
        ].mean()
    if kind == "focal":
        errors = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        return ((1 - torch.exp(-errors)) ** numbers[0] * errors).mean()
    if kind == "ldam":
        margins = 1 / sizes**0.25
        margins = margins * numbers[0] / margins.max()
        logits = numbers[1] * (logits - torch.nn.functional.one_hot(labels, 3) * margins[labels][:, None])
    return torch.nn.functional.cross_entropy(logits, labels)


def differences(path, expected, unclear=frozenset()):
    """What differs between a checkpoint and tensors of PyTorch, some left aside; None when nothing does."""
    found = safetensors.torch.load_file(path)
    for name in sorted(expected.keys() - unclear):
        value = expected[name]
        if name not in found:
            return f"{name} is missing"
        if not torch.allclose(found[name].double(), value.double(), rtol=2e-4, atol=2e-5):
            return f"{name} differs by {(found[name].double() - value.double()).abs().max():.2g}"
    return None


def judgement_problem(tool, source, path, data, hidden, has_batch_norm):
    """Compares `predict` and `evaluate` with PyTorch's probabilities."""
    network = load(path, hidden, has_batch_norm).eval()
    with torch.no_grad():
        logits = network["layers"](torch.tensor(data["x_test"]).double())
    labels = torch.tensor(data["y_test"])
    text = subprocess.run([tool, "predict", path, *source], capture_output=True, check=True, text=True).stdout
    rows = list(csv.reader(io.StringIO(text)))[1:]
    found = torch.tensor([[float(number) for number in row[2:]] for row in rows])
    if not torch.allclose(found, torch.softmax(logits, 1), rtol=1e-4, atol=1e-6):
        return "the probabilities differ"
    if [int(row[1]) for row in rows] != logits.argmax(1).tolist() or [int(row[0]) for row in rows] != labels.tolist():
        return "the classes differ"
    text = subprocess.run([tool, "evaluate", path, *source], capture_output=True, check=True, text=True).stdout
    judged = json.loads(text)
    right = logits.argmax(1) == labels
    expected = {
        "accuracy": right.double().mean(),
        "balanced_accuracy": torch.stack([right[labels == label].double().mean() for label in range(3)]).mean(),
        "loss": torch.nn.functional.cross_entropy(logits, labels),
    }
    for name, value in expected.items():
        if abs(judged[name] - float(value)) > 1e-5:
            return f"{name} is {judged[name]}, not {value}"
    return None


if __name__ == "__main__":
    sys.exit(main())
