#!/bin/sh
# The headers compile alone, twice, and beside the official dlpack.h in either order, in every standard, without a warning.
set -eu
cd "$(dirname "$0")/.."
work=target/header-tests
mkdir -p "$work"

# The official header, in the oldest and the newest version that packages carry. Fetched, never kept in the repository.
old=$work/debian/usr/include
if ! [ -f "$old/dlpack/dlpack.h" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "skipped: the dlpack.h of Debian's libdlpack-dev (there is no apt-get here)"
        old=
    else
        # Where the system's lists of packages are missing, lists of our own need no special rights.
        apt=$PWD/$work/apt
        mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
        own="-o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache -o APT::Sandbox::User="
        (cd "$work" && { apt-get download libdlpack-dev \
            || { apt-get $own update && apt-get $own download libdlpack-dev; }; } \
            && dpkg -x libdlpack-dev_*.deb debian) >"$work/apt.log" 2>&1 \
            || { cat "$work/apt.log"; echo "cannot fetch the package libdlpack-dev"; exit 1; }
    fi
fi
package=$(grep '^apache-tvm-ffi==' tests/python/requirements.txt)
wheel=$work/$package
new=$wheel/tvm_ffi/include
if ! [ -f "$new/dlpack/dlpack.h" ]; then
    mkdir -p "$wheel"
    "${PYTHON:-python3}" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: \
        --dest "$wheel" "$package" >"$work/pip.log" 2>&1 \
        || { cat "$work/pip.log"; echo "cannot fetch the package $package"; exit 1; }
    "${PYTHON:-python3}" -m zipfile -e "$wheel"/*.whl "$wheel"
fi

# The versions between them, as far as names go: what a version lacks is taken out of the newest, or put into the oldest.
between() { # version, header, expression for sed, lines that it must change
    mkdir -p "$work/$1/dlpack"
    sed -E "$3" "$2/dlpack/dlpack.h" >"$work/$1/dlpack/dlpack.h"
    changed=$(diff "$2/dlpack/dlpack.h" "$work/$1/dlpack/dlpack.h" | grep -c '^<') || true
    [ "$changed" = "$4" ] || { echo "dlpack.h $1: $changed lines changed, not $4"; exit 1; }
    directories="$directories $work/$1"
}
directories="$old $new"
if [ -n "$old" ]; then
    devices='s/(kDLCUDAManaged = 13,)/\1 kDLOneAPI = 14, kDLWebGPU = 15, kDLHexagon = 16,/'
    between 0.7 "$old" "s/(DLPACK_VERSION) 60/\\1 70/; $devices" 2
    between 0.8 "$old" "s/(DLPACK_VERSION) 60/\\1 80/; $devices; s/(kDLComplex = 5U,)/\\1 kDLBool = 6U,/" 3
fi
minor() { printf '%s' "s/(DLPACK_MINOR_VERSION) [0-9]+\$/\\1 $1/"; }
between 1.0 "$new" "$(minor 0); /kDLTrn = /d; /kDLFloat[864]_[a-z0-9]+ = /d; /define .*SUBBYTE/d" 14
between 1.1 "$new" "$(minor 1); /kDLTrn = /d" 2
between 1.2 "$new" "$(minor 2)" 1

use='int main(void) {
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    DLManagedTensorVersioned managed;
    DLDataType fp4 = {kDLFloat4_e2m1fn, 4, 2}, truth = {kDLBool, 8, 1};
    managed.flags = DLPACK_FLAG_BITMASK_READ_ONLY | DLPACK_FLAG_BITMASK_IS_COPIED
                    | DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
    tensor_format_options_t format = TENSOR_FORMAT_OPTIONS_INIT;
    tensor_value_t items[2] = {tensor_value_real(1.5), tensor_value_bool(true)};
    tensor_value_t list = tensor_value_list(items, 2);
    double numbers[2] = {1, 2}, matrix[2][1] = {{1}, {2}};
    (void)numbers;
    (void)matrix;
#ifdef TENSOR_VALUE
    list = TENSOR_VALUE_LIST(TENSOR_VALUE(1), TENSOR_VALUE_ARRAY(numbers), TENSOR_VALUE_MATRIX(matrix));
    list.as.list.count--;
#endif
    return (int)list.as.list.count - 2 + (int)format.sci_mode + (int)(options.flags + plan.reasons + managed.flags + fp4.bits + truth.bits) + (int)kDLTrn - 37
           + TENSOR_ALL_DIMS * 0;
}'
# The numbers are those of the standard, so both headers that keep them are the same to a compiled program.
layout='#include <stddef.h>
#ifdef __cplusplus
#define SAME(what, value) static_assert((what) == (value), #what)
#else
#define SAME(what, value) { typedef char same[(what) == (value) ? 1 : -1]; }
#endif
#define SIZE(type, value) SAME(sizeof(type), value);
#define AT(type, field, value) SAME(offsetof(type, field), value);
#define IS(name, value) SAME((unsigned long)(name), value);
void layout(void);
void layout(void) {
SIZE(DLPackVersion, 8) SIZE(DLDeviceType, 4) SIZE(DLDevice, 8) SIZE(DLDataTypeCode, 4) SIZE(DLDataType, 4)
SIZE(DLTensor, 48) SIZE(DLManagedTensor, 64) SIZE(DLManagedTensorVersioned, 80)
AT(DLPackVersion, minor, 4) AT(DLDevice, device_type, 0) AT(DLDevice, device_id, 4)
AT(DLDataType, code, 0) AT(DLDataType, bits, 1) AT(DLDataType, lanes, 2)
AT(DLTensor, data, 0) AT(DLTensor, device, 8) AT(DLTensor, ndim, 16) AT(DLTensor, dtype, 20) AT(DLTensor, shape, 24)
AT(DLTensor, strides, 32) AT(DLTensor, byte_offset, 40)
AT(DLManagedTensor, dl_tensor, 0) AT(DLManagedTensor, manager_ctx, 48) AT(DLManagedTensor, deleter, 56)
AT(DLManagedTensorVersioned, version, 0) AT(DLManagedTensorVersioned, manager_ctx, 8)
AT(DLManagedTensorVersioned, deleter, 16) AT(DLManagedTensorVersioned, flags, 24)
AT(DLManagedTensorVersioned, dl_tensor, 32)
IS(kDLCPU, 1) IS(kDLCUDA, 2) IS(kDLCUDAHost, 3) IS(kDLOpenCL, 4) IS(kDLVulkan, 7) IS(kDLMetal, 8) IS(kDLVPI, 9)
IS(kDLROCM, 10) IS(kDLROCMHost, 11) IS(kDLExtDev, 12) IS(kDLCUDAManaged, 13) IS(kDLOneAPI, 14) IS(kDLWebGPU, 15)
IS(kDLHexagon, 16) IS(kDLMAIA, 17) IS(kDLTrn, 18)
IS(kDLInt, 0) IS(kDLUInt, 1) IS(kDLFloat, 2) IS(kDLOpaqueHandle, 3) IS(kDLBfloat, 4) IS(kDLComplex, 5) IS(kDLBool, 6)
IS(kDLFloat8_e3m4, 7) IS(kDLFloat8_e4m3, 8) IS(kDLFloat8_e4m3b11fnuz, 9) IS(kDLFloat8_e4m3fn, 10)
IS(kDLFloat8_e4m3fnuz, 11) IS(kDLFloat8_e5m2, 12) IS(kDLFloat8_e5m2fnuz, 13) IS(kDLFloat8_e8m0fnu, 14)
IS(kDLFloat6_e2m3fn, 15) IS(kDLFloat6_e3m2fn, 16) IS(kDLFloat4_e2m1fn, 17)
IS(DLPACK_FLAG_BITMASK_READ_ONLY, 1) IS(DLPACK_FLAG_BITMASK_IS_COPIED, 2)
IS(DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED, 4)
}
DLPACK_EXTERN_C DLPACK_DLL int exported(void);'
exchange='
int allocate(DLTensor *, DLManagedTensorVersioned **, void *, void (*)(void *, const char *, const char *));
int take(void *, DLManagedTensorVersioned **);
int give(DLManagedTensorVersioned *, void **);
int describe(void *, DLTensor *);
int stream(DLDeviceType, int32_t, void **);
void exchange(DLPackExchangeAPI *api);
void exchange(DLPackExchangeAPI *api) {
SIZE(DLPackExchangeAPIHeader, 16) SIZE(DLPackExchangeAPI, 56) AT(DLPackExchangeAPIHeader, prev_api, 8)
AT(DLPackExchangeAPI, managed_tensor_allocator, 16) AT(DLPackExchangeAPI, managed_tensor_from_py_object_no_sync, 24)
AT(DLPackExchangeAPI, managed_tensor_to_py_object_no_sync, 32) AT(DLPackExchangeAPI, dltensor_from_py_object_no_sync, 40)
AT(DLPackExchangeAPI, current_work_stream, 48)
IS(DLPACK_MAJOR_VERSION, 1) IS(DLPACK_MINOR_VERSION, 3)
api->managed_tensor_allocator = allocate;
api->managed_tensor_from_py_object_no_sync = take;
api->managed_tensor_to_py_object_no_sync = give;
api->dltensor_from_py_object_no_sync = describe;
api->current_work_stream = stream;
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
    program_of=layout_$order
    printf '%s\n%s\n' "$(grep '^#include' "$work/$order.c")" "$layout" >"$work/$program_of.c"
    { cat "$work/$program_of.c"; echo "$exchange"; } >"$work/exchange_$order.c"
    for name in $program_of exchange_$order; do cp "$work/$name.c" "$work/$name.cpp"; done
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
for name in alone twice layout_alone exchange_alone; do each $name ""; done
for header in include/astensor/*.h; do each "only_$(basename "$header" .h)" ""; done
for directory in $directories; do
    for name in official_first official_last layout_official_first; do each $name "$directory"; done
done
each exchange_official_first "$new"

# The headers in C++: each alone and twice, and with the oldest and the newest official header on either side.
wrapper='#include "astensor/astensor.hpp"'
for header in include/astensor/*.hpp include/astensor/cpp/*.hpp; do
    name=$work/$(basename "$header")_twice.cpp
    printf '#include "%s"\n#include "%s"\n' "${header#include/}" "${header#include/}" >"$name"
    compile "${CXX:-g++}" c++17 "$name" ""
done
printf '%s\n%s\n' "$official" "$wrapper" >"$work/wrapper_first.cpp"
printf '%s\n%s\n' "$wrapper" "$official" >"$work/wrapper_last.cpp"
for directory in $old $new; do
    for order in first last; do compile "${CXX:-g++}" c++17 "$work/wrapper_$order.cpp" "$directory"; done
done
echo "headers: $count compilations without a warning"
