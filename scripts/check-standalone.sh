#!/usr/bin/env bash
# Checks that the tools of a folder are single files that run on any Linux with the same processor: nothing is loaded when
# they start, and they do their work where there is nothing but them, /proc and /dev/null.
set -euo pipefail

release=$1
tools=(imwa-avg imwa-ckpt imwa-dist imwa-train imwa-run)

fail() {
  echo "$*" >&2
  exit 1
}

for tool in "${tools[@]}"; do
  if readelf --program-headers --dynamic "$release/$tool" | grep -E 'INTERP|NEEDED'; then
    fail "$tool needs libraries, which other machines may lack"
  fi
done

# Mounting needs root, or a system that lets everyone be root of a namespace.
alone=(unshare --mount)
[ "$(id -u)" -eq 0 ] || alone+=(--map-root-user)
if ! "${alone[@]}" true 2>/dev/null; then
  echo "the tools need no libraries; trying them in an empty root takes the right to mount, which is not there"
  exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/proc" "$root/dev"
touch "$root/dev/null"
cp "${tools[@]/#/$release/}" fixtures/hdf5/keras3_mlp_s?.weights.h5 "$root"
models=(/keras3_mlp_s1.weights.h5 /keras3_mlp_s2.weights.h5)

# Runs a tool where it, /proc and /dev/null are all there is.
run() {
  "${alone[@]}" sh -c 'mount --rbind /proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && exec chroot "$0" "$@"' \
    "$root" "$@" >/dev/null || fail "in an empty root, this fails: $*"
}
run /imwa-avg merge "${models[@]}" -o /mean.weights.h5 --quiet
run /imwa-ckpt verify /mean.weights.h5 --values
run /imwa-dist "${models[@]}" --quiet
run /imwa-train kernels
run /imwa-run demo --dir /demo --quiet

# Without those two, an error is said in a sentence.
rm "$root/dev/null"
for prepare in true 'mount --rbind /proc "$0/proc"'; do
  status=0
  message=$("${alone[@]}" sh -c "$prepare"' && exec chroot "$0" "$@"' "$root" \
    /imwa-avg merge "${models[@]}" -o /other.weights.h5 2>&1) || status=$?
  [[ $status -eq 74 && $message == "imwa-avg: "* ]] || fail "without /proc or /dev/null: exit code $status, $message"
done
