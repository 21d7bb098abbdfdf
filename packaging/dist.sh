#!/bin/sh
# Packs the files that git tracks, as they are in the working tree, into DIRECTORY/astensor-VERSION.tar.gz.
#     dist.sh DIRECTORY
set -eu
cd "$(dirname "$0")/.."
git rev-parse --git-dir >/dev/null 2>&1 || { echo "make dist packs the files that git tracks: this is no git checkout."; exit 1; }
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=astensor-$version
mkdir -p "$1"
# The same files give the same bytes: sorted, of nobody's, at the time of the last commit.
git ls-files -z | LC_ALL=C sort -z >"$1/$name.list"
tar --no-recursion --null --files-from="$1/$name.list" --transform="s,^,$name/," --mtime="@$(git log -1 --format=%ct)" \
    --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' --format=gnu -cf "$1/$name.tar"
gzip -n -9 -f "$1/$name.tar"
rm -f "$1/$name.list"
echo "$1/$name.tar.gz"
