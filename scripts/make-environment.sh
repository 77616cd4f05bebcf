#!/usr/bin/env bash
# Makes a virtual environment with the libraries that results are compared with.
#
# PyTorch for processors only is much smaller than the usual one: TORCH_WHEEL may name such a wheel, and
# pip's own settings (PIP_FIND_LINKS) may lead to one.
set -euo pipefail

folder=$1
# The name changes with the list of libraries.
marker=$folder/complete-with-folders
[ -e "$marker" ] && exit 0
python3 -m venv "$folder"
"$folder/bin/pip" install -q numpy safetensors h5py keras jax tensorboard
"$folder/bin/pip" install -q "${TORCH_WHEEL:-torch}" transformers
"$folder/bin/pip" install -q sentence-transformers diffusers peft
touch "$marker"
