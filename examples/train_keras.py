"""Trains a small network on a long-tailed problem with Keras, as imwa-run asks: see imwa-trainer(7)."""
import argparse
import json
import math

import keras
import numpy as np

BATCH, LEARNING_RATE = 32, 0.1
CLASSES, SIZE = 10, 64


def data(is_test):
    """Put your own data here. Classes lie around random centres; the first has 400 samples to train on, the last 13."""
    random, centres = np.random.default_rng(int(is_test)), np.random.default_rng(2).normal(size=(CLASSES, SIZE))
    counts = [100 if is_test else int(400 * 30 ** (-c / (CLASSES - 1))) for c in range(CLASSES)]
    labels = np.repeat(np.arange(CLASSES), counts)
    images = centres[labels] + 1.7 * random.normal(size=(len(labels), SIZE))
    return images.astype("float32"), labels.astype("int32")


def network():
    model = keras.Sequential([
        keras.Input((SIZE,)), keras.layers.Dense(64), keras.layers.BatchNormalization(), keras.layers.ReLU(),
        keras.layers.Dense(CLASSES)])
    model.compile(keras.optimizers.SGD(LEARNING_RATE, momentum=0.9),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def batches(size, count, seed):
    """An order of the data that no other member and no other episode has."""
    random, order = np.random.default_rng(seed), []
    for _ in range(count):
        order = order if len(order) >= BATCH else random.permutation(size)
        yield order[:BATCH]
        order = order[BATCH:]


def train(options):
    model, (images, labels) = network(), data(is_test=False)
    model.load_weights(options.init)
    model.optimizer.build(model.trainable_variables)
    if options.state_in:
        state = np.load(options.state_in)
        for variable, name in zip(model.optimizer.variables, state.files):
            variable.assign(state[name])
    count = options.to_iteration - options.from_iteration
    for step, batch in enumerate(batches(len(labels), count, options.seed)):
        # One schedule over the whole training; a warm start, before iteration 0, is held at its start.
        part = max(options.from_iteration + step, 0) / options.total
        model.optimizer.learning_rate = LEARNING_RATE * (1 + math.cos(math.pi * part)) / 2
        loss = model.train_on_batch(images[batch], labels[batch])
        print(json.dumps({"iteration": options.from_iteration + step + 1, "loss": float(loss)}), flush=True)
    # A path of the run ends in .weights.h5, as Keras wants it; the optimizer travels in a file of its own.
    model.save_weights(options.out)
    with open(options.state_out, "wb") as file:
        np.savez(file, *[keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables])


def report(found, labels):
    recall = [float((found[labels == c] == c).mean()) for c in range(CLASSES)]
    print(json.dumps({"accuracy": float((found == labels).mean()), "balanced_accuracy": float(np.mean(recall)),
                      "recall": recall}))


def evaluate(options):
    model = network()
    model.load_weights(options.init)
    images, labels = data(is_test=True)
    report(model.predict(images, verbose=0).argmax(1), labels)


def initialize(options):
    keras.utils.set_random_seed(options.seed)
    network().save_weights(options.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", type={"init": initialize, "train": train, "evaluate": evaluate}.get)
    for name in ["init", "out", "state-in", "state-out", "seed", "from-iteration", "to-iteration", "total"]:
        parser.add_argument(f"--{name}", type=str if name in ["init", "out", "state-in", "state-out"] else int)
    options = parser.parse_args()
    options.what(options)
