"""Prints the L2 distance of two safetensors files with PyTorch as scripts usually do: torch_distance.py A B"""

import sys

from safetensors.torch import load_file

first, second = (load_file(path) for path in sys.argv[1:])
total = sum(float(((first[name].float() - second[name].float()) ** 2).sum()) for name in first)
print(total**0.5)
