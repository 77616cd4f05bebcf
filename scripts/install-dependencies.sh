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
command -v pkg-config >/dev/null || missing+=(pkg-config)
for archive in hdf5/serial/libhdf5.a:libhdf5-dev libsz.a:libaec-dev libz.a:zlib1g-dev \
  libdeflate.a:libdeflate-dev libyaml.a:libyaml-dev \
  openblas-serial/libopenblas.a:libopenblas-serial-dev; do
  ls /usr/lib/*/"${archive%%:*}" >/dev/null 2>&1 || missing+=("${archive##*:}")
done

install() {
  if ! command -v apt-get >/dev/null; then
    echo "Please install: $*" >&2
    exit 1
  fi
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "installing $*"
  "${as_root[@]}" apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends \
    "$@" >/dev/null
}
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"

# Libraries as archives, with what they need, ahead of the shared ones: tools then stand alone.
libraries=$(dirname "$(dirname "$(dirname "$(ls /usr/lib/*/hdf5/serial/libhdf5.a | head -n 1)")")")
mkdir -p .build/pkgconfig
describe() {
  printf 'Name: %s\nDescription: %s, linked statically\nVersion: %s\nCflags: %s\nLibs: %s\n' \
    "$2" "$2" "$3" "$4" "-L$libraries $5" >".build/pkgconfig/$1.pc"
}
describe hdf5-serial libhdf5 1.10 -I/usr/include/hdf5/serial \
  "-L$libraries/hdf5/serial -l:libhdf5.a -l:libsz.a -l:libaec.a -l:libz.a -ldl -lm"
describe libdeflate libdeflate 1.14 "" -l:libdeflate.a
describe zlib zlib 1.2 "" -l:libz.a
describe openblas-serial OpenBLAS 0.3 "-I$(dirname /usr/include/*/openblas-serial/cblas.h)" \
  "-L$libraries/openblas-serial -l:libopenblas.a -lm"
describe yaml-0.1 libyaml 0.2 "" -l:libyaml.a
