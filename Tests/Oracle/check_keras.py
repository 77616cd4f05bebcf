"""Averages models that Keras trained and saved: Keras loads the result and predicts what a NumPy average predicts.

Usage: check_keras.py --tool PATH [--only TEXT] (needs keras, jax, h5py and numpy)
"""

import argparse
import functools
import os
import pathlib
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import absl.logging  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

import exact  # noqa: E402
from report import Report, run_tool  # noqa: E402

SEEDS = (1, 2, 3)
WEIGHTS = (0.2, 0.5, 0.3)
STEPS = 3
SUFFIXES = (".weights.h5", ".h5", ".keras")


# Models: each gives the model and the shape of one input


def dense():
    """A perceptron."""
    return keras.Sequential([layers.Input((8,)), layers.Dense(16, "relu"), layers.Dropout(0.1), layers.Dense(4)]), (8,)


def convolutional():
    """Convolutions with batch normalisation."""
    steps = [layers.Input((8, 8, 2)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    steps += [layers.Conv2D(5, 3, use_bias=False), layers.BatchNormalization(scale=False), layers.Flatten(), layers.Dense(4)]
    return keras.Sequential(steps), (8, 8, 2)


def nested():
    """Models within a model, many layers of one kind, and a layer that is used twice."""
    inner = keras.Sequential([layers.Dense(6, "tanh", name="first"), layers.Dense(6, name="second")], name="inner")
    start = layers.Input((6,))
    shared = layers.Dense(6, name="shared")
    path = shared(inner(shared(start)))
    for _ in range(11):
        path = layers.Dense(6, "relu")(path)
    return keras.Model(start, layers.Dense(4)(layers.LayerNormalization()(path))), (6,)


def recurrent():
    """An embedding and recurrent layers."""
    start = layers.Input((5,))
    path = layers.Embedding(20, 6)(layers.Rescaling(5.0)(start))
    path = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(path)
    return keras.Model(start, layers.Dense(4)(layers.GRU(4)(path))), (5,)


def mixed():
    """Weights in float32, sums in bfloat16."""
    return under_policy("mixed_bfloat16", dense)


def narrow():
    """Weights in bfloat16."""
    return under_policy("bfloat16", dense)


def half():
    """Weights in float16."""
    return under_policy("float16", dense)


def under_policy(policy, make):
    """A model that is made under a policy of dtypes."""
    keras.config.set_dtype_policy(policy)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy("float32")


MODELS = (dense, convolutional, nested, recurrent, mixed, narrow, half)


def main():
    """Checks every model in every format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--only", default="", help="models with this text in their names")
    options = parser.parse_args()
    tool = pathlib.Path(options.tool).resolve()
    # Keras advises against its legacy format, and tells of an optimizer that starts anew.
    absl.logging.set_verbosity("error")
    warnings.simplefilter("ignore")
    report = Report()
    for make in MODELS:
        if options.only in make.__name__:
            with tempfile.TemporaryDirectory() as name:
                Check(tool, report, make, pathlib.Path(name)).run()
    return report.finish()


class Check:
    """Three trained models of one kind."""

    def __init__(self, tool, report, make, folder):
        """Trains and saves them."""
        self.tool, self.report, self.make, self.folder = tool, report, make, folder
        self.suffixes = [suffix for suffix in SUFFIXES if make is not narrow or suffix != ".h5"]
        self.models = [self.trained(seed) for seed in SEEDS]
        self.inputs = {suffix: [folder / f"{seed}{suffix}" for seed in SEEDS] for suffix in SUFFIXES}
        for suffix, paths in self.inputs.items():
            for model, path in zip(self.models, paths, strict=True):
                save(model, path)

    def fresh(self):
        """An untrained model with the names that all have."""
        keras.backend.clear_session()
        model, self.shape = self.make()
        # A name instead of the loss cannot be loaded from a legacy file; half precision has no epsilon of 1e-7.
        model.compile(keras.optimizers.Adam(0.01, epsilon=1e-3), keras.losses.MeanSquaredError())
        return model

    def trained(self, seed):
        """A model after some steps from a seed of its own."""
        keras.utils.set_random_seed(seed)
        model = self.fresh()
        random = np.random.default_rng(seed)
        for _ in range(STEPS):
            model.train_on_batch(random.random((16, *self.shape), "f4") * 3, random.normal(size=(16, 4)))
        return model

    def run(self):
        """Merges in every format."""
        weights = ["--weights", ",".join(map(str, WEIGHTS))]
        if self.make is narrow:
            # A legacy file does not tell that its pairs of bytes are bfloat16, so Keras cannot load it; they are read as
            # those of NumPy are.
            problem = run_tool(self.tool, ["merge", *self.inputs[".h5"], "-o", self.folder / "out.h5"])
            self.report.check("narrow .h5: averaged", problem)
        for suffix in self.suffixes:
            self.check(suffix, "mean", [], mean)
            self.check(suffix, "weighted", weights, weighted)
            self.check(suffix, "without optimizer", ["--optimizer", "drop"], mean)
            self.check(suffix, "verified, with float64", ["--verify", "--out-dtype", "F64"], mean)
        if self.make is convolutional:
            for suffix in self.suffixes:
                self.check(suffix, "pooled statistics", ["--batch-norm", "pooled"], mean, pool)
        if self.make is not narrow:
            self.check_positions()

    def check(self, suffix, label, options, method, change=None):
        """One merge: the weights that Keras loads, and what they predict."""
        output = self.folder / f"out{suffix}"
        output.unlink(missing_ok=True)
        problem = run_tool(self.tool, ["merge", *self.inputs[suffix], "-o", output, *options])
        problem = problem or guarded(self.problem_of, output, self.models, method, change, "float64" in label)
        self.report.check(f"{self.make.__name__} {suffix}: {label}", problem)

    def problem_of(self, output, models, method, change, is_wide):
        """What is wrong with the model that Keras makes of an output."""
        loaded = self.loaded(output)
        expected = averaged(models, method)
        if change:
            change(models, expected)
        for variable, values in zip(loaded.weights, expected, strict=True):
            found = np.asarray(variable.value)
            if found.tobytes() != rounded(values, found.dtype) and not (is_wide and np.allclose(found, values, 1e-6)):
                return f"{variable.path}: {found.ravel()[:3]}, expected {values.ravel()[:3]}"
        reference = self.fresh()
        for variable, values in zip(reference.weights, expected, strict=True):
            variable.assign(np.frombuffer(rounded(values, np.asarray(variable.value).dtype), np.asarray(variable.value).dtype).reshape(values.shape))
        batch = np.random.default_rng(0).random((32, *self.shape), "f4") * 3
        found, wanted = (np.asarray(model.predict(batch, verbose=0), "f4") for model in (loaded, reference))
        if found.tobytes() != wanted.tobytes():
            return f"other predictions: {np.abs(found - wanted).max()} apart"
        # Training goes on; Keras cannot do that with its own legacy files when they have the optimizer's state.
        if output.suffixes != [".h5"]:
            loaded.train_on_batch(batch, np.zeros((32, 4)))
        return None

    def loaded(self, output):
        """What Keras loads: a whole model, or weights into a new one."""
        if output.name.endswith(".weights.h5"):
            model = self.fresh()
            model.load_weights(output)
            return model
        return keras.models.load_model(output)

    def check_positions(self):
        """Models that were made one after the other have other automatic names."""
        keras.backend.clear_session()
        models = [self.make()[0] for _ in SEEDS]
        paths = [self.folder / f"position-{seed}.h5" for seed in SEEDS]
        for model, trained, path in zip(models, self.models, paths, strict=True):
            model.set_weights(trained.get_weights())
            save(model, path)
        output = self.folder / "position.h5"
        if models[0].layers[-1].name != models[1].layers[-1].name:
            refused = run_tool(self.tool, ["merge", *paths, "-o", output])
            told = "no refusal" if not refused else None if refused.startswith("exit code 65: ") else refused
            self.report.check(f"{self.make.__name__} .h5: other names are refused", told)
        output.unlink(missing_ok=True)
        problem = run_tool(self.tool, ["merge", *paths, "-o", output, "--match", "position"])
        problem = problem or guarded(self.weights_problem, output)
        self.report.check(f"{self.make.__name__} .h5: --match position", problem)

    def weights_problem(self, output):
        """What is wrong with weights that are loaded without their names."""
        loaded = keras.models.load_model(output, compile=False)
        for variable, values in zip(loaded.weights, averaged(self.models, mean), strict=True):
            if np.asarray(variable.value).tobytes() != rounded(values, np.asarray(variable.value).dtype):
                return f"{variable.path}: other values"
        return None


def save(model, path):
    """Saves in the format of the suffix."""
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)


def mean(columns):
    """The mean as the tool defines it."""
    return functools.reduce(np.add, columns) * (1.0 / len(columns))


def weighted(columns):
    """The weighted mean as the tool defines it."""
    total = functools.reduce(lambda left, right: left + right, WEIGHTS)
    return functools.reduce(np.add, [column * (weight / total) for weight, column in zip(WEIGHTS, columns, strict=True)])


def averaged(models, method):
    """Each variable's average in float64; integers, as counters and seeds are, are those of the first model."""
    found = []
    for variables in zip(*(model.weights for model in models), strict=True):
        arrays = [np.asarray(variable.value) for variable in variables]
        is_whole = arrays[0].dtype.kind in "iub"
        found.append(arrays[0] if is_whole else method([array.astype("f8") for array in arrays]))
    return found


def pool(models, expected):
    """Replaces averaged variances by pooled ones."""
    names = [variable.path.rsplit("/", 1) for variable in models[0].weights]
    for index, (layer, name) in enumerate(names):
        if name == "moving_variance":
            mean_index = names.index([layer, "moving_mean"])
            variances, means = (
                [np.asarray(model.weights[place].value).astype("f8") for model in models] for place in (index, mean_index)
            )
            share = 1.0 / len(models)
            second = functools.reduce(np.add, [share * (v + m * m) for v, m in zip(variances, means, strict=True)])
            first = functools.reduce(np.add, [share * m for m in means])
            expected[index] = second - first * first


def rounded(values, dtype):
    """The bytes of float64 values, rounded once; others as they are."""
    if dtype.name == "bfloat16":
        return exact.encode(np.asarray(values, "f8").ravel().tolist(), "BF16")
    return np.asarray(values).astype(dtype).tobytes()


def guarded(comparison, *arguments):
    """The comparison's answer, or the error that kept it from giving one."""
    try:
        return comparison(*arguments)
    except Exception as error:  # noqa: BLE001: whatever Keras raises is a finding
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
