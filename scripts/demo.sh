#!/usr/bin/env bash
# Does the main job on the checkpoints in fixtures/ and says what it does.
set -euo pipefail

release=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
inputs=fixtures/safetensors

show() {
  printf '\n$ %s\n' "${*//$folder\//}" | sed "s#$release/##; s#$inputs/##g"
  "$@" | sed "s#$folder/##"
}

echo "Three checkpoints of one small network, trained with different data orders:"
ls -l $inputs/cnn_bn_s?.safetensors | awk '{print "  " $5 " bytes  " $9}'

echo
echo "Their mean, computed in float64 and rounded once:"
show "$release/imwa-avg" merge $inputs/cnn_bn_s1.safetensors $inputs/cnn_bn_s2.safetensors \
  $inputs/cnn_bn_s3.safetensors -o "$folder/mean.safetensors"

echo
echo "A weighted mean of two, checked by computing it twice:"
show "$release/imwa-avg" merge $inputs/cnn_bn_s1.safetensors $inputs/cnn_bn_s2.safetensors \
  --weights 0.7,0.3 --verify -o "$folder/weighted.safetensors"

echo
echo "A moving average that takes in a new checkpoint, in place:"
cp $inputs/cnn_bn_s1.safetensors "$folder/ema.safetensors"
show "$release/imwa-avg" ema "$folder/ema.safetensors" $inputs/cnn_bn_s2.safetensors \
  --decay 0.99 -o "$folder/ema.safetensors" --force

echo
echo "A sharded Hugging Face model, with its index and configuration:"
show "$release/imwa-avg" merge $inputs/hf/llama_sharded_s1 $inputs/hf/llama_sharded_s2 \
  -o "$folder/llama"
ls "$folder/llama" | sed 's/^/  /'

echo
echo "What happens when models do not fit together:"
show "$release/imwa-avg" merge $inputs/mlp_s1.safetensors $inputs/cnn_bn_s1.safetensors \
  -o "$folder/never.safetensors" 2>&1 | head -4 || true

echo
echo "The first values of the mean, and what exact integer arithmetic says:"
python3 Tests/Oracle/show_mean.py fc.weight "$folder/mean.safetensors" $inputs/cnn_bn_s?.safetensors
