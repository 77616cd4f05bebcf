#!/usr/bin/env bash
# Builds the tools on a bare Debian release, as its users do, with the version of libhdf5 that it has, and compares what
# they write with what the tools in .build/release write. Needs root, and mmdebstrap, which is installed.
set -euo pipefail

release=$1
scratch=.build-$release
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
command -v mmdebstrap >/dev/null || apt-get install -y -q --no-install-recommends mmdebstrap >/dev/null

# What https://www.swift.org/install asks for, as far as a build needs it.
mkdir -p "$scratch"
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
  --include=ca-certificates,g++,git,libcurl4,libncurses6,libsqlite3-0,libxml2,make "$release" "$root"
cp /etc/resolv.conf "$root/etc/"

# The sources of dependencies are those that are here already.
cp -a .build/checkouts .build/repositories .build/workspace-state.json "$scratch"

toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
unshare --mount bash -euo pipefail -c '
  for folder in /proc /dev "$1" "$2"; do
    mkdir -p "$3$folder"
    mount --rbind "$folder" "$3$folder"
  done
  exec chroot "$3" env PATH="$2/bin:$PATH" make --directory "$1" build SCRATCH="$4"
' build "$PWD" "$toolchain" "$root" "$scratch"

scripts/check-standalone.sh "$scratch/release"
python3 Tests/Oracle/check_same_bytes.py --tool .build/release/imwa-avg --other "$scratch/release/imwa-avg"
