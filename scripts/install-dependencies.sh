#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing, and writes for SwiftPM how to link
# them: into the folder of the build, .build unless another one is named.
set -euo pipefail
scratch=${1:-.build}

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
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    if ! { command -v sudo && sudo -v; } >/dev/null; then
      echo "Packages are missing. Ask an administrator of this machine for" >&2
      echo "  sudo apt-get install --no-install-recommends $*" >&2
      exit 1
    fi
  fi
  echo "installing $*"
  "${as_root[@]}" apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends \
    "$@" >/dev/null
}
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"

# Libraries as archives, with what they need, ahead of the shared ones: tools then stand alone.
libraries=$(dirname "$(dirname "$(dirname "$(ls /usr/lib/*/hdf5/serial/libhdf5.a | head -n 1)")")")
descriptions=$PWD/$scratch/pkgconfig
mkdir -p "$descriptions"
describe() {
  printf 'Name: %s\nDescription: %s, linked statically\nVersion: %s\nCflags: %s\nLibs: %s\n' \
    "$2" "$2" "$3" "$4" "-L$libraries $5" >"$descriptions/$1.pc"
}

# libhdf5 1.14 has a driver for files on S3, which is never used here: the functions of libcurl and OpenSSL that it names
# are empty ones, so that neither is linked.
functions=$(nm --undefined-only "$libraries/hdf5/serial/libhdf5.a" 2>/dev/null |
  awk '$2 ~ /^(curl_|EVP_|HMAC|SHA)/ {print "int " $2 "(void) { return 0; }"}' | sort -u)
clang -c -x c -o "$descriptions/network.o" - <<<"$functions"
ar rcs "$descriptions/libnetwork.a" "$descriptions/network.o"

hdf5_version=$(awk '$2 ~ /^H5_VERS_(MAJOR|MINOR|RELEASE)$/ {printf "%s%s", dot, $3; dot = "."}' \
  /usr/include/hdf5/serial/H5public.h)
describe hdf5-serial libhdf5 "$hdf5_version" -I/usr/include/hdf5/serial \
  "-L$libraries/hdf5/serial -L$descriptions -l:libhdf5.a -l:libnetwork.a -l:libsz.a -l:libaec.a -l:libz.a -ldl -lm"
describe libdeflate libdeflate 1.14 "" -l:libdeflate.a
describe zlib zlib 1.2 "" -l:libz.a
describe openblas-serial OpenBLAS 0.3 "-I$(dirname /usr/include/*/openblas-serial/cblas.h)" \
  "-L$libraries/openblas-serial -l:libopenblas.a -lm"
describe yaml-0.1 libyaml 0.2 "" -l:libyaml.a
