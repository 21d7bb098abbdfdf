#!/bin/sh
# The examples in other languages: each borrows an array of its language, and must end well. A language that is not here
# and cannot be installed is skipped, in a sentence.
#     ffi.sh RELEASE_DIRECTORY
set -eu
cd "$(dirname "$0")/.."
release=$(cd "$1" && pwd)
library=$release/libastensor.so
work=$PWD/target/ffi
koffi=3.3.4
mkdir -p "$work/node"

have() { # package, command...: as need.sh, and what comes of it
    sh tests/need.sh "$@" && return 0
    echo "$1: skipped"
    return 1
}

if have golang-go go version; then
    (cd examples/ffi/go \
        && CGO_ENABLED=1 CGO_CFLAGS="-I$PWD/../../../include" CGO_LDFLAGS="-L$release -lastensor -Wl,-rpath,$release" \
            GOCACHE="$work/go-cache" GOFLAGS=-mod=mod GOPROXY=off go build -o "$work/lend" .)
    GODEBUG=cgocheck=1 "$work/lend"
fi
if have luajit luajit -v; then luajit examples/ffi/lua/lend.lua "$library"; fi
if have nodejs node --version && have npm npm --version; then
    export NODE_PATH="$work/node/node_modules"
    if node -e "require('koffi')" 2>/dev/null \
        || npm install --prefix "$work/node" --silent --no-audit --no-fund --no-save "koffi@$koffi" >/dev/null 2>&1; then
        node --expose-gc examples/ffi/node/lend.js "$library"
    else
        echo "koffi cannot be installed with npm: Node.js is skipped"
    fi
fi
if have mono-mcs mcs --version && have mono-runtime mono --version; then
    mcs -warnaserror examples/ffi/csharp/Lend.cs "-out:$work/Lend.exe"
    LD_LIBRARY_PATH=$release mono "$work/Lend.exe"
fi
# Where it is at hand: it is large. A program of one file needs the compiler, and Java 11.
if ! command -v javac >/dev/null; then
    echo "there is no development kit for Java (javac): skipped"
elif have libjna-java test -e /usr/share/java/jna.jar; then
    java -cp /usr/share/java/jna.jar examples/ffi/java/Lend.java "$library"
fi
