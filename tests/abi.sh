#!/bin/sh
# The interface beside that of the last tagged version: what is there stays as it is, or TENSOR_ABI_VERSION is raised.
#     abi.sh [COMMIT]
set -eu
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then
    tag=$1
elif ! tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
    echo "abi: no version is tagged yet (v0.1.0 and the like), so there is nothing to compare with"
    exit 0
fi
sh tests/need.sh abigail-tools abidiff --version

work=$PWD/target/abi
old=$work/sources
rm -rf "$old"
mkdir -p "$old"
git archive "$tag" | tar -x -C "$old"

# With the types of everything, and quick to build: the interface is the same however it is optimised.
library() { # sources, target directory
    (cd "$1" && CARGO_PROFILE_RELEASE_DEBUG=2 CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo build --release --quiet --lib --target-dir "$2")
}
library "$old" "$work/old"
library "$PWD" "$work/new"

number() { sed -n 's/^#define TENSOR_ABI_VERSION \([0-9]*\)$/\1/p' "$1/include/astensor/astensor.h"; }
before=$(number "$old")
now=$(number .)
ended=0
abidiff --no-added-syms --suppressions abi/abidiff.suppr "$work/old/release/libastensor.so" "$work/new/release/libastensor.so" >"$work/report.txt" 2>&1 || ended=$?
# Bits 1 and 2: it did not work. Bits 4 and 8: there is a difference.
if [ $((ended & 3)) -ne 0 ]; then
    cat "$work/report.txt"
    exit 1
fi
if [ "$ended" -ne 0 ] && [ "$before" = "$now" ]; then
    cat "$work/report.txt"
    echo "the interface differs from that of $tag, and TENSOR_ABI_VERSION is $now still"
    exit 1
fi
# The numbers that programs were compiled with.
for name in $(git show "$tag:include/astensor/astensor.h" | sed -n 's/^#define \(TENSOR_[A-Z_0-9]* -*[0-9][0-9]*\)$/\1/p' | tr ' ' '='); do
    grep -q "^#define ${name%=*} ${name#*=}$" include/astensor/astensor.h || [ "$before" != "$now" ] \
        || { echo "${name%=*} was ${name#*=} in $tag, and is not any more"; exit 1; }
done
echo "abi: as in $tag, but for what was added"
