#!/bin/sh
# The source distribution of the Python package is enough: built from it, alone, in a directory of its own, the package works.
# Usage: python_sdist.sh PYTHON, which has the package `build`. The library is compiled without much optimisation, to be quick.
set -eu
python=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
root=$(pwd)

"$python" -m build --sdist --outdir "$directory" bindings/python >"$directory/log" 2>&1 || { cat "$directory/log"; exit 1; }
tar -xzf "$directory"/astensor-*.tar.gz -C "$directory"
for licence in LICENSE LICENSE-MIT LICENSE-APACHE; do
    [ -f "$(echo "$directory"/astensor-*/)$licence" ] || { echo "the source distribution has no $licence"; exit 1; }
done
cd "$directory"/astensor-*/
# The dependencies that cargo has compiled already are used again; the library itself is another one, by its path.
CARGO_TARGET_DIR=$root/target/sdist CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    "$python" -m pip --disable-pip-version-check install --quiet --no-deps --target "$directory/installed" .
cd "$directory"
PYTHONPATH=$directory/installed "$python" - "$directory/installed" <<'PROGRAM'
import sys

import astensor as at

assert at.__file__.startswith(sys.argv[1]), at.__file__
data = bytearray(3)
t = at.as_tensor(data)
t[1] = 7
assert data == b"\0\7\0" and repr(at.as_tensor([1, 2, 3])) == "tensor([1, 2, 3])"
try:
    data.extend(b"x")
except BufferError:
    pass
else:
    raise AssertionError("the buffer is not held")
PROGRAM
