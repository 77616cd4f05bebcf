#!/usr/bin/env bash
# Checks the manual pages and renders them as text into dist/man.
set -euo pipefail

mkdir -p dist/man
for page in man/*.[1-9]; do
  mandoc -T lint -W warning "$page"
  mandoc -T utf8 "$page" | sed 's/.\x08//g' > "dist/man/$(basename "$page").txt"
done
echo "the manual pages are sound; as text they are in dist/man"
