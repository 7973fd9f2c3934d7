#!/bin/sh
# Builds and runs the examples that are packages of their own, as a user's is. Those that take no
# traits must resolve no other package than Cairn.
set -eu
cd "$(dirname "$0")/.."

for manifest in Examples/*/Package.swift; do
  [ -e "$manifest" ] || continue
  folder=${manifest%/Package.swift}
  printf '%s:\n' "$folder" >&2
  # Those with the same traits share what they build of other packages.
  scratch=.build-examples
  if grep -q 'traits: \[\]' "$manifest"; then scratch=.build-examples-alone; fi
  swift run --package-path "$folder" --scratch-path "$scratch"
  if grep -q 'traits: \[\]' "$manifest"; then
    resolved=$(swift package --package-path "$folder" --scratch-path "$scratch" \
      show-dependencies --format flatlist)
    if [ "$(printf '%s\n' "$resolved" | wc -l)" -ne 1 ]; then
      printf '%s takes no traits; expected Cairn alone to be resolved, found:\n%s\n' \
        "$folder" "$resolved" >&2
      exit 1
    fi
  fi
done
