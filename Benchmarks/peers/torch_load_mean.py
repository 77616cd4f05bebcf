"""Averages PyTorch files as scripts usually do: torch_load_mean.py INPUT… OUTPUT"""

import sys

import torch

*inputs, output = sys.argv[1:]
models = [torch.load(path, map_location="cpu") for path in inputs]
average = {}
for name, first in models[0].items():
    total = first.float()
    for model in models[1:]:
        total = total + model[name].float()
    average[name] = (total / len(models)).to(first.dtype)
torch.save(average, output)
