#!/usr/bin/env bash
# Checks that tools need nothing but the C and C++ run-time libraries, so that one file can be copied to
# another machine.
set -euo pipefail

allowed='linux-vdso|ld-linux|libc\.so|libm\.so|libdl\.so|libpthread\.so|librt\.so|libstdc\+\+\.so|libgcc_s\.so'
for tool in "$@"; do
  if others=$(ldd "$tool" | grep -vE "$allowed"); then
    echo "$tool needs libraries that other machines may lack:" >&2
    echo "$others" >&2
    exit 1
  fi
done
