#!/bin/sh
# The examples that hand tensors to large libraries, with those that can be installed from PyPI: several hundred megabytes.
# What cannot be installed is skipped, in a sentence.
#     peers.sh RELEASE_DIRECTORY [PYTHON]
set -eu
cd "$(dirname "$0")/.."
library=$1/libastensor.so
python=${2:-python3}
work=target/peers
sh tests/need.sh python3-venv "$python" -c 'import venv, ensurepip'
[ -x "$work/bin/python" ] || "$python" -m venv "$work"
for packages in "numpy==2.4.6" "pyarrow" "onnxruntime onnx" "jax" "ray" ${PEERS:-}; do
    "$work/bin/python" -m pip --disable-pip-version-check install --quiet $packages >"$work/pip.log" 2>&1 \
        || echo "$packages cannot be installed"
done
for example in examples/hand_over/*.py examples/ray_objects.py; do "$work/bin/python" "$example" "$library"; done
