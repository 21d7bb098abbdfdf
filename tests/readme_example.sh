#!/bin/sh
# The program in the README compiles, and prints what the README says, linked either way.
set -eu
cd "$(dirname "$0")/.."
release=$1
work=target/readme
mkdir -p "$work"
block() { awk -v fence="\`\`\`$1" '$0 == fence && !done { inside = 1; next } /^```/ { if (inside) done = 1; inside = 0 } inside' README.md; }
block c >"$work/example.c"
block text >"$work/expected.txt"
[ -s "$work/example.c" ] && [ -s "$work/expected.txt" ] || { echo "the README has no example"; exit 1; }
compile() { "${CC:-gcc}" -std=c11 -Wall -Wextra -pedantic -Werror -Iinclude "$work/example.c" "$@"; }
compile -o "$work/shared" -L"$release" -lastensor -Wl,-rpath,"$PWD/$release"
compile -o "$work/static" "$release/libastensor.a" -lpthread -ldl -lm
for program in shared static; do
    "$work/$program" >"$work/found.txt"
    diff -u "$work/expected.txt" "$work/found.txt" || { echo "the README's example prints something else"; exit 1; }
done
echo "README: the example prints what it says"
