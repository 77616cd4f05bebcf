#!/usr/bin/env bash
# A whole run on long-tailed handwritten digits with its report, and what averaging is worth over several seeds.
set -euo pipefail

release=$1
folder=${DEMO_FOLDER:-.build/demo}
rm -rf "$folder"

echo "1. A run of iterative averaging, as a user starts it"
echo
"$release/imwa-run" demo --dir "$folder"
echo
"$release/imwa-run" status "$folder/run"

echo
echo "2. What it is worth: eight seeds of a long-tailed problem and of a balanced one, in process"
echo
"$release/imwa-train" experiment
