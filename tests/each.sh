#!/bin/sh
# Runs a command for each of some programs, as many at a time as there are processors, and names each when it has ended
# well. What the others printed comes last and whole; then this fails.
#     each.sh COMMAND PROGRAM...     COMMAND is for the shell: "$1" in it is the program
set -eu
command=$1
shift
[ $# -gt 0 ] || { echo "each.sh: there is nothing to run"; exit 1; }
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh -c '
    log=$2/$(printf %s "$3" | tr / _)
    if sh -c "$1" each "$3" >"$log" 2>&1 </dev/null; then rm "$log"; echo "$3"; else echo "$3: ended with $?" >>"$log"; exit 1; fi
' each "$command" "$logs" && exit 0
for log in "$logs"/*; do [ ! -f "$log" ] || cat "$log"; done
exit 1
