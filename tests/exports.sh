#!/bin/sh
# What the shared library shows: its symbols are abi/symbols.txt, documented in the header; soname, nodelete, size.
set -eu
cd "$(dirname "$0")/.."
library=$1
work=target/exports
mkdir -p "$work"

nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort >"$work/symbols.txt"
diff -u abi/symbols.txt "$work/symbols.txt" || { echo "the exported symbols are not those of abi/symbols.txt"; exit 1; }

if grep -v '^tensor_' abi/symbols.txt; then echo "only names with tensor_ are exported"; exit 1; fi

for symbol in $(cat abi/symbols.txt); do
    # The declaration follows the end of a comment.
    awk -v name="$symbol" '
        /^ \*\/$/ { commented = NR }
        $0 ~ "(^|[ *])" name "\\(" && $0 !~ /^ *\/?\*/ { found = 1; if (commented != NR - 1) exit 1; exit 0 }
        END { if (!found) exit 1 }' include/astensor/astensor.h \
        || { echo "$symbol is not documented in astensor.h"; exit 1; }
done

readelf -d "$library" | grep -q 'soname: \[libastensor\.so\.[0-9]*\]' || { echo "there is no versioned soname"; exit 1; }
readelf -d "$library" | grep -q NODELETE || { echo "the library can be unloaded"; exit 1; }
if readelf -d "$library" | grep NEEDED | grep -vE 'libc\.so|libgcc_s\.so|ld-linux|libm\.so|libpthread\.so|libdl\.so'; then
    echo "the library needs another one"
    exit 1
fi

# Where the C library tells whether there is one thread, it is asked; older ones, which do not, are no reason not to link.
if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    nm -D "$library" | grep -qE ' [vVwW] __libc_single_threaded(@|$)' || { echo "one thread is counted for like several"; exit 1; }
fi

# Borrows without options, views and releases have no guard: nothing that they come to panics, but behind a guard. (What stops an
# unwinding callee is no panic of its own.)
if [ "$(uname -m)" = x86_64 ]; then
    nm "$library" >"$work/names.txt"
    readelf -rW "$library" >"$work/slots.txt"
    objdump -d --no-show-raw-insn "$library" >"$work/code.txt"
    awk '
        function address(hex) { sub(/^0+/, "", hex); return hex }
        FILENAME ~ /names/ { if ($2 ~ /[tT]/) name[address($1)] = $3; next }
        FILENAME ~ /slots/ { if ($3 == "R_X86_64_RELATIVE") slot[address($1)] = address($4); next }
        /^[0-9a-f]+ <.*>:$/ { from = substr($2, 2, length($2) - 3); there[from] = 1; next }
        /[ \t](call|j[a-z]+) / {
            where = /#/ ? slot[$(NF - 1)] : $(NF - 1)
            to = name[where]
            if (to != "" && to != from) callees[from] = callees[from] " " to
        }
        END {
            split("tensor_as_tensor tensor_release tensor_select tensor_slice tensor_permute tensor_transpose tensor_squeeze " \
                  "tensor_unsqueeze tensor_flip tensor_expand", open)
            for (i in open) reached[open[i]] = open[i]
            while (1) {
                next_one = ""
                for (i in open) { next_one = open[i]; delete open[i]; break }
                if (next_one == "") break
                if (!(next_one in there)) { print "there is no code of " next_one; exit 1 }
                count = split(callees[next_one], list, " ")
                for (k = 1; k <= count; k++) {
                    callee = list[k]
                    if (callee in reached || callee ~ /4capi.*_(care|asked)|4capi5share5leave|guard..Reported/) continue
                    if (callee ~ /cannot_unwind|nounwind/) continue
                    reached[callee] = reached[next_one] ": " callee
                    if (callee ~ /panic|unwrap_failed|expect_failed|index.*fail|begin_unwind/) { print reached[callee]; bad = 1; continue }
                    open[callee] = callee
                }
            }
            exit bad
        }' "$work/names.txt" "$work/slots.txt" "$work/code.txt" || { echo "this may panic where nothing catches it"; exit 1; }
fi

cp "$library" "$work/stripped.so"
strip "$work/stripped.so"
size=$(wc -c <"$work/stripped.so")
[ "$size" -le 1500000 ] || { echo "the stripped library has $size bytes, more than 1500000"; exit 1; }
echo "exports: $(wc -l <abi/symbols.txt) symbols, $size bytes"
