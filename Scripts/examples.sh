#!/bin/sh
# Builds each example package and runs its tests, or the example itself where it has none.
set -eu
cd "$(dirname "$0")/.."

for manifest in Examples/*/Package.swift; do
  [ -e "$manifest" ] || continue
  folder=${manifest%/Package.swift}
  printf '%s:\n' "$folder" >&2
  if [ -d "$folder/Tests" ]; then
    swift test --package-path "$folder"
  else
    swift run --package-path "$folder"
  fi
done
