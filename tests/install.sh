#!/bin/sh
# What `make install` puts somewhere works there: from the packed sources, below a prefix with a space in its name, below
# DESTDIR and moved away from it; with pkg-config and CMake, shared and static, C and C++. `make uninstall` takes all of it
# away again.
set -eu
cd "$(dirname "$0")/.."
sh tests/need.sh cmake cmake --version
sh tests/need.sh pkg-config pkg-config --version
sh tests/need.sh file file --version
work=$PWD/target/install
mkdir -p "$work"
rm -rf "$work/a prefix" "$work/stage" "$work/moved" "$work/build" "$work/out"
# Not the flags of the make that this may run under: its readers have none.
unset MAKEFLAGS MFLAGS MAKELEVEL
fail() { echo "$*"; exit 1; }
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }; }
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
minor=${version#*.}
minor=${minor%%.*}

# The packed sources build. What cargo made of the dependencies is kept between runs.
if git rev-parse --git-dir >/dev/null 2>&1; then
    sh packaging/dist.sh "$work" >/dev/null
    sources=$work/astensor-$version
    rm -rf "$sources"
    tar -xmzf "$sources.tar.gz" -C "$work"
    git ls-files | LC_ALL=C sort >"$work/tracked"
    (cd "$sources" && find . -type f -o -type l) | sed 's,^\./,,' | LC_ALL=C sort | diff "$work/tracked" - \
        || fail "the packed files are not those that git tracks"
    mkdir -p "$work/built"
    ln -s ../built "$sources/target"
    # Without whole-program optimisation, which takes long: what is installed, and where, is the same.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    quiet make -C "$sources" build
else
    sources=$PWD
fi

# From another directory, without Rust.
install_to() { (cd / && quiet make -C "$sources" install CARGO=false "$@"); }
uninstall_from() { (cd / && quiet make -C "$sources" uninstall CARGO=false "$@"); }
installed() { (cd "$1" && find . -type f -o -type l) | LC_ALL=C sort; }

check_library() { # directory, program's directory
    [ "$(readlink "$1/libastensor.so")" = libastensor.so.0 ] || fail "libastensor.so is no link to libastensor.so.0"
    [ "$(readlink "$1/libastensor.so.0")" = "libastensor.so.$version" ] || fail "libastensor.so.0 is no link to the library"
    readelf -d "$1/libastensor.so.$version" | grep -q 'soname: \[libastensor\.so\.0\]' || fail "the soname is another"
    file -b "$1/libastensor.so.$version" | grep -q '^ELF .* shared object' || fail "the library is no shared object"
    file -b "$1/libastensor.a" | grep -q 'ar archive' || fail "libastensor.a is no archive"
}
check_programs() { # directory
    for program in shared_c shared_cpp astensor_c astensor_cpp static_c static_cpp; do
        [ -x "$1/$program" ] || { case $program in astensor*) continue ;; *) fail "$1/$program was not made" ;; esac; }
        [ "$("$1/$program")" = "astensor $version: 30" ] || fail "$1/$program prints something else"
        if readelf -d "$1/$program" | grep -q 'NEEDED.*\[libastensor\.so\.0\]'; then linked=shared; else linked=static; fi
        case $program in
        static*) [ $linked = static ] || fail "$program needs the shared library" ;;
        *) [ $linked = shared ] || fail "$program does not use the shared library" ;;
        esac
    done
}
with_cmake() { # prefix, build directory
    quiet cmake -S c_tests/consumer -B "$2" -DCMAKE_PREFIX_PATH="$1" -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="${CXX:-c++}"
    quiet cmake --build "$2" --parallel 2
    check_programs "$2"
}

# A prefix with a space in its name, which the installing user owns.
prefix="$work/a prefix"
mkdir -p "$prefix/lib"
echo "not ours" >"$prefix/lib/neighbour"
install_to PREFIX="$prefix"
installed "$prefix" >"$work/first"
install_to PREFIX="$prefix"
installed "$prefix" | diff "$work/first" - || fail "installing twice makes other files"
while read -r symbol; do
    [ -f "$prefix/share/man/man3/$symbol.3" ] || fail "$symbol has no manual page"
done <abi/symbols.txt
check_library "$prefix/lib"
with_cmake "$prefix" "$work/build/a space"
mkdir -p "$work/out/a space"
# A flag with a space in it comes quoted for the shell.
flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs astensor)
eval "${CC:-cc} -std=c11 c_tests/consumer/consumer.c -o \"\$work/out/a space/program\" $flags"
[ "$(LD_LIBRARY_PATH="$prefix/lib" "$work/out/a space/program")" = "astensor $version: 30" ] || fail "pkg-config and a space"

# Manual pages are well-formed, as far as the tools are here that can tell.
for page in "$prefix"/share/man/man3/*.3; do
    if command -v man >/dev/null; then man --warnings -l "$page" 2>&1 >/dev/null || true; fi
    if command -v mandoc >/dev/null; then mandoc -Tlint -Wwarning "$page" | grep -v 'missing date' || true; fi
done >"$work/man.log"
[ ! -s "$work/man.log" ] || { cat "$work/man.log"; fail "the manual pages have faults"; }

# Versions that are met, and that are not.
asks() { # version, expected
    if cmake -S c_tests/consumer -B "$work/build/a space" -DWANTED="$1" >"$work/log" 2>&1; then found=yes; else found=no; fi
    [ $found = "$2" ] || { cat "$work/log"; fail "find_package(astensor $1): found is $found"; }
}
asks "0.$minor" yes
asks "0.$minor...0.$minor.99" yes
asks "0...<0.$minor" no
asks "$version;EXACT" yes
asks "0.$((minor + 1))" no
asks "0.$minor.999" no
asks 1 no
[ "$minor" = 0 ] || asks "0.$((minor - 1))" no

# Below DESTDIR, with directories of one's own, and then moved: nothing in it says where it was.
install_to DESTDIR="$work/stage" PREFIX=/opt/astensor LIBDIR=/opt/astensor/lib/any-triple
[ ! -e /opt/astensor/lib/any-triple ] || fail "DESTDIR was not honoured"
cp -R "$work/stage" "$work/moved"
! grep -rIl "$work" "$work/moved" || fail "an installed file names the directory that it was staged in"
uninstall_from DESTDIR="$work/stage" PREFIX=/opt/astensor LIBDIR=/opt/astensor/lib/any-triple
[ -z "$(installed "$work/stage")" ] || fail "uninstalling from DESTDIR leaves files"
prefix_moved=$work/moved/opt/astensor
check_library "$prefix_moved/lib/any-triple"
mkdir -p "$work/out/moved"
quiet env PKG_CONFIG_PATH="$prefix_moved/lib/any-triple/pkgconfig" make -C c_tests/consumer OUT="$work/out/moved" CC="${CC:-cc}" CXX="${CXX:-c++}"
check_programs "$work/out/moved"
quiet cmake -S c_tests/consumer -B "$work/build/moved" -Dastensor_DIR="$prefix_moved/lib/any-triple/cmake/astensor"

# What the pages tell a reader to write for CMake and for the compiler.
for page in README.md docs/c.md; do
    reader=$work/out/reader
    rm -rf "$reader"
    mkdir -p "$reader"
    cp c_tests/consumer/consumer.c "$reader/program.c"
    { printf 'cmake_minimum_required(VERSION 3.16)\nproject(reader C)\nadd_executable(program program.c)\n'
        sed -n '/^```cmake$/,/^```$/{/^```/d;p;}' "$page"; } >"$reader/CMakeLists.txt"
    grep -q '^find_package(astensor' "$reader/CMakeLists.txt" || fail "$page does not say how CMake finds the library"
    quiet cmake -S "$reader" -B "$reader/build" -Dastensor_DIR="$prefix_moved/lib/any-triple/cmake/astensor"
    quiet cmake --build "$reader/build"
    [ "$("$reader/build/program")" = "astensor $version: 30" ] || fail "the program of $page, by CMake, prints something else"
    line=$(grep '^cc program.c .*pkg-config' "$page") || fail "$page does not say how to compile"
    (cd "$reader" && PKG_CONFIG_PATH="$prefix_moved/lib/any-triple/pkgconfig" quiet sh -c "$line -o program")
    [ "$(LD_LIBRARY_PATH="$prefix_moved/lib/any-triple" "$reader/program")" = "astensor $version: 30" ] \
        || fail "the program of $page, by its line for the compiler, prints something else"
done

# What is there no more is found no more; what was not ours stays.
uninstall_from PREFIX="$prefix"
[ "$(cd "$prefix" && find . | LC_ALL=C sort | tr '\n' ' ')" = ". ./lib ./lib/neighbour " ] || fail "uninstalling leaves: $(find "$prefix")"
echo "install: C and C++, pkg-config and CMake, shared and static, from the packed sources"
