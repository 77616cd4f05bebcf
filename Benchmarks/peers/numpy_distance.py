"""Prints the L2 distance of two safetensors files with NumPy as scripts usually do: numpy_distance.py A B"""

import sys

import numpy as np
from safetensors.numpy import load_file

first, second = (load_file(path) for path in sys.argv[1:])
total = sum(float(np.sum((first[name] - second[name]) ** 2, dtype=np.float64)) for name in first)
print(total**0.5)
