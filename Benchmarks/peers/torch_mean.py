"""Averages safetensors files with PyTorch as scripts usually do: torch_mean.py INPUT… OUTPUT"""

import sys

from safetensors.torch import load_file, save_file

from torch_average import average_of

*inputs, output = sys.argv[1:]
models = [load_file(path) for path in inputs]
save_file(average_of(models), output)
