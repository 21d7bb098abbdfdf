#!/bin/sh
# The C++ wrapper: its tests pass with g++ and clang++, in each standard, with and without sanitizers; what must not
# compile does not, and says why; and the header brings no macros.
#     cpp.sh RELEASE_DIRECTORY SANITIZED_LIBRARY
set -eu
cd "$(dirname "$0")/.."
release=$1
sanitized=$2
work=target/cpp
mkdir -p "$work"
gcc=${CXX:-g++}
clang=${CLANGXX:-clang++}
warnings="-Wall -Wextra -pedantic -Werror -Wconversion -Wshadow -Wcast-qual"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

flags_of() { case $1 in no_exceptions) echo -fno-exceptions ;; esac; }
build() { # compiler, standard, name, kind
    output=$work/$3-$(basename "$1")-$2-$4
    case $4 in
    plain) set -- "$@" "-L$release" -lastensor "-Wl,-rpath,$PWD/$release" ;;
    sanitized) set -- "$@" -g $sanitize "$sanitized" -ldl -lm ;;
    esac
    compiler=$1 standard=$2 name=$3
    shift 4
    $compiler -std="$standard" $warnings $(flags_of "$name") -Iinclude "c_tests/cpp/$name.cpp" -o "$output" "$@" -lpthread
}
# Two at a time.
pair() { # compiler, standard, kind, programs
    programs=$4
    waiting=
    for name in $programs; do
        build "$1" "$2" "$name" "$3" &
        if [ -n "$waiting" ]; then
            wait "$waiting" && wait $! || exit 1
            waiting=
        else
            waiting=$!
        fi
    done
    [ -z "$waiting" ] || wait "$waiting" || exit 1
    for name in $programs; do
        program=$work/$name-$(basename "$1")-$2-$3
        UBSAN_OPTIONS=print_stacktrace=1 "$program" >"$program.log" 2>&1 || { cat "$program.log"; echo "$program failed"; exit 1; }
    done
    echo "$(basename "$1") -std=$2, $3"
}
pair "$gcc" c++17 sanitized "create views access print loan no_exceptions"
pair "$gcc" c++23 plain "create views print loan"
pair "$clang" c++17 plain "create loan no_exceptions"
pair "$clang" c++20 sanitized "create views access print loan no_exceptions"

# std::mdspan, where a compiler is at hand that has a library with it.
newest=
for compiler in "$clang -stdlib=libc++" "clang++-19 -stdlib=libc++" "$gcc"; do
    if echo '#include <mdspan>
std::mdspan<int, std::dextents<int, 1>> nothing;' | $compiler -std=c++23 -x c++ -fsyntax-only - 2>/dev/null; then
        newest=$compiler
        break
    fi
done
if [ -n "$newest" ]; then
    for name in create print; do
        $newest -std=c++23 $warnings -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_DEBUG -Iinclude "c_tests/cpp/$name.cpp" \
            -o "$work/$name-mdspan" "-L$release" -lastensor "-Wl,-rpath,$PWD/$release" -lpthread
        "$work/$name-mdspan" >"$work/$name-mdspan.log" 2>&1 || { cat "$work/$name-mdspan.log"; exit 1; }
    done
    grep -q '^with std::mdspan$' "$work/create-mdspan.log" || { echo "$newest: std::mdspan was not tried"; exit 1; }
    echo "$newest -std=c++23, with std::mdspan"
else
    echo "no compiler here has std::mdspan: skipped (clang-19 with libc++-19-dev has)"
fi

# The standards that are left.
syntax() { $1 -std="$2" $warnings $(flags_of "$3") -Iinclude -fsyntax-only "c_tests/cpp/$3.cpp"; }
syntax "$gcc" c++20 create
syntax "$clang" c++2b create

# What must not compile, two cases at a time.
cases=$(grep -c '^#e\?l\?if CASE == ' c_tests/cpp/must_not_compile.cpp)
"$clang" -std=c++17 -Wall -Iinclude -x c++-header include/astensor/astensor.hpp -o "$work/astensor.pch"
seq 0 "$cases" | xargs -P 2 -I '{}' sh -c '"$1" -std=c++17 -Wall -Werror -Iinclude -include-pch "$3/astensor.pch" -DCASE="$2" \
    -fsyntax-only c_tests/cpp/must_not_compile.cpp >"$3/refused.$2" 2>&1 && echo compiles >>"$3/refused.$2" || true' \
    compile "$clang" '{}' "$work"
grep -q '^compiles$' "$work/refused.0" || { cat "$work/refused.0"; echo "case 0 of must_not_compile.cpp must compile"; exit 1; }
number=1
while [ "$number" -le "$cases" ]; do
    words=$(sed -n "s|^#.*CASE == $number  // ||p" c_tests/cpp/must_not_compile.cpp)
    if grep -q '^compiles$' "$work/refused.$number"; then echo "case $number of must_not_compile.cpp compiles"; exit 1; fi
    grep -q "$words" "$work/refused.$number" \
        || { cat "$work/refused.$number"; echo "case $number does not say: $words"; exit 1; }
    number=$((number + 1))
done

# No macros but guards, beyond those of astensor.h and the standard library.
macros() { echo "$1" | $gcc -std=c++20 -Iinclude -x c++ -dM -E - | awk '{ print $2 }' | sort; }
standard='#include <array>
#include <chrono>
#include <complex>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <ios>
#include <iterator>
#include <memory>
#include <new>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include "astensor/astensor.h"'
macros "$standard" >"$work/macros.before"
macros "$standard
#include \"astensor/astensor.hpp\"" >"$work/macros.after"
if comm -13 "$work/macros.before" "$work/macros.after" | grep -v '^ASTENSOR_[A-Z_]*HPP$'; then
    echo "astensor.hpp leaves these macros behind"
    exit 1
fi
echo "C++: $cases cases are refused; no macro is left behind"
