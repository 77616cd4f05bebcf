"""Averages PyTorch files as scripts usually do: torch_load_mean.py INPUT… OUTPUT"""

import sys

import torch

from torch_average import average_of

*inputs, output = sys.argv[1:]
models = [torch.load(path, map_location="cpu") for path in inputs]
torch.save(average_of(models), output)
