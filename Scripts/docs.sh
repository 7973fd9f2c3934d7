#!/bin/sh
# Builds the documentation of Parquet with the toolchain's DocC; any warning is an error.
#
#   Scripts/docs.sh [FOLDER]
#
# FOLDER (default .build/docs/Parquet) is then a static site, for example for
# `python3 -m http.server`.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-.build/docs/Parquet}

docc=$(command -v docc || xcrun --find docc 2>/dev/null) || {
  printf 'docs: no docc in the Swift toolchain\n' >&2
  exit 1
}
graphs=.build/docs/graphs
rm -rf "$graphs" "$folder"
mkdir -p "$graphs" "$(dirname "$folder")"

maps=
for map in Sources/C*/module.modulemap; do maps="$maps -Xcc -fmodule-map-file=$map"; done
# shellcheck disable=SC2086
swiftc -emit-module -emit-module-path "$graphs/Parquet.swiftmodule" -module-name Parquet \
  -parse-as-library -swift-version 6 -enable-upcoming-feature ExistentialAny \
  -enable-upcoming-feature InternalImportsByDefault $maps -emit-symbol-graph \
  -emit-symbol-graph-dir "$graphs" -symbol-graph-minimum-access-level public \
  Sources/Parquet/*.swift
# Extensions of the standard library's types are no part of the documentation.
rm -f "$graphs"/*@*.symbols.json

"$docc" convert Sources/Parquet/Parquet.docc --additional-symbol-graph-dir "$graphs" \
  --fallback-display-name Parquet --fallback-bundle-identifier cairn.Parquet \
  --fallback-default-module-kind Library --transform-for-static-hosting \
  --warnings-as-errors --output-path "$folder"
printf 'docs: %s\n' "$folder" >&2
