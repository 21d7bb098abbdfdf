#!/bin/sh
# need.sh PACKAGE COMMAND...: if the command fails, install Debian's package, or say in one sentence what is missing.
package=$1
shift
"$@" >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # One at a time, when several tests run side by side.
    flock "${TMPDIR:-/tmp}/astensor-need.lock" sh -c 'apt-get install -y -qq "$1" || { apt-get update -qq && apt-get install -y -qq "$1"; }' \
        need "$package" </dev/null >/dev/null 2>&1
    "$@" >/dev/null 2>&1 && exit 0
fi
echo "$package is missing: please install it (\"$*\" does not work)."
exit 1
