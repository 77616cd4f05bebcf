"""Trains a small network on a long-tailed problem with PyTorch, as imwa-run asks: see imwa-trainer(7)."""
import argparse
import json
import math

import numpy as np
import torch
from safetensors.torch import load_file, save_file

BATCH, LEARNING_RATE = 32, 0.1
CLASSES, SIZE = 10, 64


def data(is_test):
    """Put your own data here. Classes lie around random centres; the first has 400 samples to train on, the last 13."""
    random, centres = np.random.default_rng(int(is_test)), np.random.default_rng(2).normal(size=(CLASSES, SIZE))
    counts = [100 if is_test else int(400 * 30 ** (-c / (CLASSES - 1))) for c in range(CLASSES)]
    labels = np.repeat(np.arange(CLASSES), counts)
    images = centres[labels] + 1.7 * random.normal(size=(len(labels), SIZE))
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


def network():
    return torch.nn.Sequential(
        torch.nn.Linear(SIZE, 64), torch.nn.BatchNorm1d(64), torch.nn.ReLU(), torch.nn.Linear(64, CLASSES))


def batches(size, count, seed):
    """An order of the data that no other member and no other episode has."""
    random, order = np.random.default_rng(seed), []
    for _ in range(count):
        order = order if len(order) >= BATCH else random.permutation(size)
        yield order[:BATCH]
        order = order[BATCH:]


def train(options):
    model, (images, labels) = network(), data(is_test=False)
    model.load_state_dict(load_file(options.init))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    if options.state_in:
        optimizer.load_state_dict(torch.load(options.state_in, weights_only=True))
    count = options.to_iteration - options.from_iteration
    for step, batch in enumerate(batches(len(labels), count, options.seed)):
        # One schedule over the whole training; a warm start, before iteration 0, is held at its start.
        part = max(options.from_iteration + step, 0) / options.total
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * part)) / 2
        loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(json.dumps({"iteration": options.from_iteration + step + 1, "loss": loss.item()}), flush=True)
    save_file(model.state_dict(), options.out)
    torch.save(optimizer.state_dict(), options.state_out)


def report(found, labels):
    recall = [float((found[labels == c] == c).mean()) for c in range(CLASSES)]
    print(json.dumps({"accuracy": float((found == labels).mean()), "balanced_accuracy": float(np.mean(recall)),
                      "recall": recall}))


def evaluate(options):
    model, (images, labels) = network().eval(), data(is_test=True)
    model.load_state_dict(load_file(options.init))
    report(model(images).argmax(1).numpy(), labels.numpy())


def initialize(options):
    torch.manual_seed(options.seed)
    save_file(network().state_dict(), options.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", type={"init": initialize, "train": train, "evaluate": evaluate}.get)
    for name in ["init", "out", "state-in", "state-out", "seed", "from-iteration", "to-iteration", "total"]:
        parser.add_argument(f"--{name}", type=str if name in ["init", "out", "state-in", "state-out"] else int)
    options = parser.parse_args()
    options.what(options)
