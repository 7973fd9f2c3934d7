#!/bin/sh
# Feeds the Parquet reader mutated files for SECONDS (default 60).
#
#   Scripts/fuzz-parquet.sh [SECONDS]
#
# The corpus and what crashed the reader are kept in .build/fuzz-parquet. Each find becomes a
# regression test: copy its bytes to Tests/ParquetTests/FuzzFindsTests.swift.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/.."
folder=.build/fuzz-parquet
mkdir -p "$folder/corpus" "$folder/seeds" "$folder/finds"

maps=
for library in CISAL CLZ4 CSnappy CZlib CZstd; do
  maps="$maps -Xcc -fmodule-map-file=Sources/$library/module.modulemap"
done
echo "building $folder/parquet-fuzz" >&2
# shellcheck disable=SC2086
swiftc -O -g -sanitize=fuzzer,address -parse-as-library -swift-version 6 \
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
  -module-name ParquetFuzz $maps Sources/Parquet/*.swift Fuzz/ParquetFuzz.swift \
  -o "$folder/parquet-fuzz"

PARQUET_FUZZ_SEEDS="$folder/seeds" "$folder/parquet-fuzz" -runs=0 >/dev/null 2>&1
# Files of other writers, where they are at hand: pages of version 2 and the like.
samples=${CAIRN_SHARED:-../shared}/parquet-testing
if [ -d "$samples" ]; then
  find "$samples" -name '*.parquet' -size -8k -exec cp {} "$folder/seeds" \;
fi
exec "$folder/parquet-fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=10 \
  -rss_limit_mb=4096 -artifact_prefix="$folder/finds/" -print_final_stats=1 \
  "$folder/corpus" "$folder/seeds"
