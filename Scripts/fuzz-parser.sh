#!/bin/sh
# Feeds cutter and parser mutated texts for SECONDS (default: CAIRN_FUZZ_SECONDS, or 60), and
# compares with the tests' slow oracle.
#
#   Scripts/fuzz-parser.sh [SECONDS]
#
# The corpus and what broke the parser are kept in .build/fuzz-parser. Each find becomes a
# regression test in Tests/CairnTests/Source.
set -eu
seconds=${1:-${CAIRN_FUZZ_SECONDS:-60}}
cd "$(dirname "$0")/.."
folder=.build/fuzz-parser
mkdir -p "$folder/corpus" "$folder/seeds" "$folder/finds" "$folder/build"

# The parser with little else, so that building takes a minute. The digest is the fuzzer's own, to
# do without swift-crypto.
source=Sources/Cairn/Source
kernel="$source/ByteMatch.swift $source/ByteStream.swift $source/ChunkExtent.swift
  $source/ColumnBuilder.swift $source/ColumnBuilders.swift $source/CutChunk.swift
  $source/Delimiter.swift $source/DelimiterScan.swift $source/FieldHash.swift $source/FieldTable.swift
  $source/OversizedField.swift $source/QuotedFields.swift $source/QuotedRow.swift
  $source/RowCutter.swift $source/RowParser.swift $source/SampleRows.swift
  $source/SourceChunk.swift $source/SourceError.swift $source/SourceLayout.swift
  $source/TextBuffer.swift $source/TextBufferPool.swift $source/TextCheck.swift
  $source/WesternText.swift
  Sources/Cairn/Batch/Column.swift Sources/Cairn/Batch/ColumnType.swift
  Sources/Cairn/Batch/RecordBatch.swift Fuzz/ContentDigest.swift"
tests=Tests/CairnTests/Source
options="-O -g -swift-version 6 -enable-upcoming-feature ExistentialAny
  -enable-upcoming-feature InternalImportsByDefault -sanitize=fuzzer,address -parse-as-library
  -I $folder/build"

echo "building $folder/parser-fuzz" >&2
# shellcheck disable=SC2086
swiftc $options -wmo -c -emit-module -emit-module-path "$folder/build/Parquet.swiftmodule" \
  -module-name Parquet Sources/Parquet/ByteStorage.swift Sources/Parquet/ByteStrings.swift \
  -o "$folder/build/Parquet.o"
# shellcheck disable=SC2086
swiftc $options -wmo -c -enable-testing -emit-module \
  -emit-module-path "$folder/build/Cairn.swiftmodule" -module-name Cairn $kernel \
  -o "$folder/build/Cairn.o"
# shellcheck disable=SC2086
swiftc $options -module-name ParserFuzz Fuzz/RowParserFuzz.swift "$tests/SlowRows.swift" \
  "$tests/RandomText.swift" "$tests/RowReading.swift" \
  "$folder/build/Cairn.o" "$folder/build/Parquet.o" -o "$folder/parser-fuzz"

# libFuzzer reports crashes itself.
export SWIFT_BACKTRACE=enable=no
PARSER_FUZZ_SEEDS="$folder/seeds" "$folder/parser-fuzz" -runs=0 >/dev/null 2>&1
exec "$folder/parser-fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
  -rss_limit_mb=4096 -artifact_prefix="$folder/finds/" -print_final_stats=1 \
  "$folder/corpus" "$folder/seeds"
