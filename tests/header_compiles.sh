#!/bin/sh
# The headers compile alone, twice, and beside the official dlpack.h in either order, in every standard, without a warning.
set -eu
cd "$(dirname "$0")/.."
work=target/header-tests
mkdir -p "$work"

# The official header, in the oldest and the newest version that packages carry. Fetched, never kept in the repository.
fetch() {
    old=$work/debian/usr/include
    if ! [ -f "$old/dlpack/dlpack.h" ]; then
        if ! command -v apt-get >/dev/null; then
            echo "skipped: the dlpack.h of Debian's libdlpack-dev (there is no apt-get here)"
            old=
        else
            (cd "$work" && { apt-get download libdlpack-dev || { apt-get update && apt-get download libdlpack-dev; }; } \
                && dpkg -x libdlpack-dev_*.deb debian) >"$work/apt.log" 2>&1 \
                || { cat "$work/apt.log"; echo "cannot fetch the package libdlpack-dev"; exit 1; }
        fi
    fi
    new=$work/wheel/tvm_ffi/include
    if ! [ -f "$new/dlpack/dlpack.h" ]; then
        python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: \
            --dest "$work" apache-tvm-ffi >"$work/pip.log" 2>&1 \
            || { cat "$work/pip.log"; echo "cannot fetch the package apache-tvm-ffi"; exit 1; }
        python3 -m zipfile -e "$work"/apache_tvm_ffi-*.whl "$work/wheel"
    fi
}
fetch

use='int main(void) {
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    DLManagedTensorVersioned managed;
    DLDataType fp4 = {kDLFloat4_e2m1fn, 4, 2}, truth = {kDLBool, 8, 1};
    managed.flags = DLPACK_FLAG_BITMASK_READ_ONLY | DLPACK_FLAG_BITMASK_IS_COPIED
                    | DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
    return (int)(options.flags + plan.reasons + managed.flags + fp4.bits + truth.bits) + (int)kDLTrn - 37
           + TENSOR_ALL_DIMS * 0;
}'
layout='#ifdef __cplusplus
#define SAME(what, value) static_assert(what == value, #what)
#else
#define SAME(what, value) typedef char same[(what) == (value) ? 1 : -1]
#endif
void layout(void);
void layout(void) {
#define SIZE(type, value) { SAME(sizeof(type), value); }
#define AT(type, field, value) { SAME(offsetof(type, field), value); }
'
layout_body='SIZE(DLPackVersion, 8) SIZE(DLDevice, 8) SIZE(DLDataType, 4) SIZE(DLTensor, 48) SIZE(DLManagedTensor, 64)
SIZE(DLManagedTensorVersioned, 80) AT(DLTensor, data, 0) AT(DLTensor, device, 8) AT(DLTensor, ndim, 16)
AT(DLTensor, dtype, 20) AT(DLTensor, shape, 24) AT(DLTensor, strides, 32) AT(DLTensor, byte_offset, 40)
AT(DLManagedTensor, manager_ctx, 48) AT(DLManagedTensor, deleter, 56) AT(DLManagedTensorVersioned, manager_ctx, 8)
AT(DLManagedTensorVersioned, deleter, 16) AT(DLManagedTensorVersioned, flags, 24)
AT(DLManagedTensorVersioned, dl_tensor, 32) AT(DLDataType, bits, 1) AT(DLDataType, lanes, 2) AT(DLDevice, device_id, 4)
}'

ours='#include "astensor/astensor.h"'
official='#include <dlpack/dlpack.h>'
program() { # name, includes
    printf '%s\n%s\n' "$2" "$use" >"$work/$1.c"
    cp "$work/$1.c" "$work/$1.cpp"
}
program alone "$ours"
program twice "$ours
$ours"
program official_first "$official
$ours"
program official_last "$ours
$official"
for header in include/astensor/*.h; do
    printf '#include "astensor/%s"\ntypedef int nothing;\n' "$(basename "$header")" >"$work/only_$(basename "$header" .h).c"
    cp "$work/only_$(basename "$header" .h).c" "$work/only_$(basename "$header" .h).cpp"
done
for order in alone official_first; do
    { sed '/^int main/,$d' "$work/$order.c"; printf '%s' "$layout"; printf '%s\n' "$layout_body" | sed 's/$//'; } \
        >"$work/layout_$order.c"
    sed 's/typedef char same/typedef char same/' "$work/layout_$order.c" >"$work/layout_$order.cpp"
done

count=0
compile() { # compiler, standard, file, include directory of the official header
    $1 -std="$2" -Wall -Wextra -pedantic -Werror -Wno-unused-local-typedefs -Iinclude ${4:+-isystem "$4"} \
        -fsyntax-only "$3" || { echo "failed: $1 -std=$2 $3 ${4:-}"; exit 1; }
    count=$((count + 1))
}
each() { # name of the program, include directory, standards of C++
    for standard in c99 c11 c17; do compile "${CC:-gcc}" $standard "$work/$1.c" "$2"; done
    for standard in c++11 c++17 c++20; do compile "${CXX:-g++}" $standard "$work/$1.cpp" "$2"; done
}
for name in alone twice layout_alone; do each $name ""; done
for header in include/astensor/*.h; do each "only_$(basename "$header" .h)" ""; done
for directory in $old $new; do
    for name in official_first official_last layout_official_first; do each $name "$directory"; done
done
echo "headers: $count compilations without a warning"
