"""Averages safetensors files with NumPy as scripts usually do: numpy_mean.py INPUT… OUTPUT"""

import sys
from functools import reduce

import numpy as np
from safetensors.numpy import load_file, save_file

*inputs, output = sys.argv[1:]
models = [load_file(path) for path in inputs]
average = {name: reduce(np.add, [model[name] for model in models]) / np.float32(len(models)) for name in models[0]}
save_file(average, output)
