#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing.
set -euo pipefail

if ! command -v swift >/dev/null; then
  echo "The Swift toolchain (6.2 or later) is missing: see https://www.swift.org/install" >&2
  exit 1
fi

missing=()
command -v python3 >/dev/null || missing+=(python3)
command -v mandoc >/dev/null || missing+=(mandoc)
command -v make >/dev/null || missing+=(make)
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Please install: ${missing[*]}" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends \
  "${missing[@]}" >/dev/null
