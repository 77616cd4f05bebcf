"""Averages safetensors files with PyTorch as scripts usually do: torch_mean.py INPUT… OUTPUT"""

import sys

from safetensors.torch import load_file, save_file

*inputs, output = sys.argv[1:]
models = [load_file(path) for path in inputs]
average = {}
for name, first in models[0].items():
    total = first.float()
    for model in models[1:]:
        total = total + model[name].float()
    average[name] = (total / len(models)).to(first.dtype)
save_file(average, output)
