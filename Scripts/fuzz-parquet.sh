#!/bin/sh
# Feeds the Parquet reader mutated files for SECONDS (default 60), and each of its decoders mutated
# pages for as long.
#
#   Scripts/fuzz-parquet.sh [SECONDS] [files|decoders]
#
# The corpora and what crashed are kept in .build/fuzz-parquet. A file that crashed the reader becomes
# a regression test when it is copied to Tests/ParquetTests/Fixtures/finds.
set -eu
seconds=${1:-${CAIRN_FUZZ_SECONDS:-60}}
targets=${2:-files decoders}
cd "$(dirname "$0")/.."
folder=.build/fuzz-parquet
mkdir -p "$folder/seeds" "$folder/finds"

maps=
for library in CBrotli CISAL CLZ4 CSnappy CZlib CZstd; do
  maps="$maps -Xcc -fmodule-map-file=Sources/$library/module.modulemap"
done
# libFuzzer reports crashes itself.
export SWIFT_BACKTRACE=enable=no

for target in $targets; do
  case $target in
    files) source="Fuzz/ParquetFuzz.swift Tests/ParquetTests/EverythingReader.swift" ;;
    decoders) source=Fuzz/ParquetDecodersFuzz.swift ;;
    *)
      echo "fuzz-parquet: expected files or decoders, found $target" >&2
      exit 2
      ;;
  esac
  mkdir -p "$folder/corpus-$target"
  echo "building $folder/parquet-fuzz-$target" >&2
  # shellcheck disable=SC2086
  swiftc -O -g -sanitize=fuzzer,address -parse-as-library -swift-version 6 \
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
    -module-name ParquetFuzz $maps Sources/Parquet/*.swift $source \
    -o "$folder/parquet-fuzz-$target"
  set -- "$folder/corpus-$target"
  if [ "$target" = files ]; then
    PARQUET_FUZZ_SEEDS="$folder/seeds" "$folder/parquet-fuzz-files" -runs=0 >/dev/null 2>&1
    # Files of other writers: lists, pages of version 2 and the like.
    find Tests/ParquetTests/Fixtures "${CAIRN_SHARED:-../shared}/parquet-testing" \
      -name '*.parquet*' -size -8k -exec cp -f {} "$folder/seeds" \; 2>/dev/null || true
    set -- "$@" "$folder/seeds"
  fi
  "$folder/parquet-fuzz-$target" -max_total_time="$seconds" -max_len=8192 -timeout=60 \
    -rss_limit_mb=4096 -malloc_limit_mb=1024 -artifact_prefix="$folder/finds/$target-" -print_final_stats=1 "$@"
done
