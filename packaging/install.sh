#!/bin/sh
# Installs the library, or removes what it installs. `make install` and `make uninstall` give the directories.
#     install.sh install RELEASE_DIRECTORY | uninstall | list
set -eu
cd "$(dirname "$0")/.."
umask 022

# Absolute, without slashes at the end.
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s' "$PWD/$1" ;; esac | sed 's,//*$,,'; }
PREFIX=$(absolute "$PREFIX")
LIBDIR=$(absolute "$LIBDIR")
INCLUDEDIR=$(absolute "$INCLUDEDIR")
PKGCONFIGDIR=$(absolute "$PKGCONFIGDIR")
CMAKEDIR=$(absolute "$CMAKEDIR")
MANDIR=$(absolute "$MANDIR")
DOCDIR=$(absolute "$DOCDIR")
[ -z "$DESTDIR" ] || DESTDIR=$(absolute "$DESTDIR")

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
soname=$(sed -n 's/.*-soname,\(libastensor\.so\.[0-9]*\).*/\1/p' build.rs)
real=libastensor.so.${version%%[-+]*}

# Everything that is installed, a line each.
list() {
    for name in "$real" "$soname" libastensor.so libastensor.a; do echo "$LIBDIR/$name"; done
    (cd include/astensor && find . -name '*.h' -o -name '*.hpp') | sed "s,^\.,," | while read -r name; do
        echo "$INCLUDEDIR/astensor$name"
    done
    echo "$PKGCONFIGDIR/astensor.pc"
    echo "$CMAKEDIR/astensor-config.cmake"
    echo "$CMAKEDIR/astensor-config-version.cmake"
    echo "$MANDIR/man3/astensor.3"
    while read -r name; do echo "$MANDIR/man3/$name.3"; done <abi/symbols.txt
    for name in README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE; do echo "$DOCDIR/$name"; done
}

# The way from a directory up to the prefix, or nothing if it is elsewhere.
up_from() { case $1 in "$PREFIX"/*) printf '%s' "${1#"$PREFIX"/}" | sed 's,[^/][^/]*,..,g' ;; esac; }
# A directory, told from the prefix if it is below it: $2 stands for the prefix.
below() { case $1 in "$PREFIX"/*) printf '%s' "$2/${1#"$PREFIX"/}" ;; *) printf '%s' "$1" ;; esac; }
# Text that sed puts in as it is.
literal() { printf '%s' "$1" | sed 's/[&|\\]/\\&/g'; }
fill_in() { # template, what stands for the prefix, value of @PREFIX@
    sed -e "s|@VERSION@|$(literal "$version")|g" -e "s|@NUMBER@|$(literal "${version%%[-+]*}")|g" \
        -e "s|@POINTER_BYTES@|$(($(getconf LONG_BIT) / 8))|g" -e "s|@SONAME@|$(literal "$soname")|g" -e "s|@REAL@|$(literal "$real")|g" \
        -e "s|@SYSTEM_LIBRARIES@|$(literal "$SYSTEM_LIBRARIES")|g" \
        -e "s|@SYSTEM_LIBRARIES_LIST@|$(literal "$(echo $SYSTEM_LIBRARIES | tr ' ' ';')")|g" \
        -e "s|@LIBDIR@|$(literal "$(below "$LIBDIR" "$2")")|g" \
        -e "s|@INCLUDEDIR@|$(literal "$(below "$INCLUDEDIR" "$2")")|g" -e "s|@PREFIX@|$(literal "$3")|g" "$1"
}

into() { # mode, file, where
    install -d "$DESTDIR$(dirname "$3")"
    install -m "$1" "$2" "$DESTDIR$3"
}

install_all() {
    release=$1
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT

    into 755 "$release/libastensor.so" "$LIBDIR/$real"
    ln -sf "$real" "$DESTDIR$LIBDIR/$soname"
    ln -sf "$soname" "$DESTDIR$LIBDIR/libastensor.so"
    into 644 "$release/libastensor.a" "$LIBDIR/libastensor.a"

    (cd include/astensor && find . -name '*.h' -o -name '*.hpp') | sed 's,^\./,,' >"$made/headers"
    while read -r name; do into 644 "include/astensor/$name" "$INCLUDEDIR/astensor/$name"; done <"$made/headers"

    # Told from where they lie, so that the whole prefix can be moved.
    up=$(up_from "$PKGCONFIGDIR")
    prefix=$PREFIX
    [ -z "$up" ] || prefix='${pcfiledir}'/$up
    fill_in packaging/astensor.pc.in '${prefix}' "$prefix" | sed '/^[a-z]*=/s/ /\\ /g' >"$made/astensor.pc"
    into 644 "$made/astensor.pc" "$PKGCONFIGDIR/astensor.pc"
    up=$(up_from "$CMAKEDIR")
    prefix=$PREFIX
    [ -z "$up" ] || prefix='${_astensor_here}'/$up
    for name in astensor-config.cmake astensor-config-version.cmake; do
        fill_in packaging/$name.in '${_astensor_prefix}' "$prefix" >"$made/$name"
        into 644 "$made/$name" "$CMAKEDIR/$name"
    done

    mkdir "$made/man"
    awk -v version="$version" -v directory="$made/man" -f packaging/man.awk packaging/astensor.3.in include/astensor/astensor.h
    for page in "$made"/man/*.3; do into 644 "$page" "$MANDIR/man3/$(basename "$page")"; done
    for name in README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE; do into 644 "$name" "$DOCDIR/$name"; done

    # Where the system's loader looks, it has to be told.
    if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null \
        && cat /etc/ld.so.conf /etc/ld.so.conf.d/*.conf 2>/dev/null | grep -qxF "$LIBDIR"; then
        ldconfig
    fi
    echo "installed astensor $version in $DESTDIR$PREFIX"
}

remove_all() {
    list | while read -r file; do rm -f "$DESTDIR$file"; done
    # Directories are left to whom they belong: ours go, those with anything in them stay, and so do the system's.
    for directory in "$INCLUDEDIR/astensor/cpp" "$INCLUDEDIR/astensor" "$CMAKEDIR" "$DOCDIR"; do
        rmdir "$DESTDIR$directory" 2>/dev/null || true
    done
    case $PREFIX in
    "" | /usr | /usr/local) ;;
    *)
        for directory in "$PKGCONFIGDIR" "$(dirname "$CMAKEDIR")" "$MANDIR/man3" "$MANDIR" "$(dirname "$DOCDIR")" \
            "$PREFIX/share" "$LIBDIR" "$INCLUDEDIR"; do
            rmdir "$DESTDIR$directory" 2>/dev/null || true
        done
        ;;
    esac
    echo "removed astensor $version from $DESTDIR$PREFIX"
}

case $1 in
install) install_all "$2" ;;
uninstall) remove_all ;;
list) list ;;
esac
