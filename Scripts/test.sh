#!/bin/bash
# Runs the tests that are built, and says again at the end which of them failed and why: between the
# lines of four hundred others that is hard to find.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift test --skip-build "$@" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
if [ "$code" -ne 0 ]; then
  printf '\nWhat failed:\n'
  # An issue and the lines that belong to it, which begin with an arrow or are indented.
  awk '
    /recorded an issue/ { print; shown = 1; next }
    shown && (/^↳/ || /^ /) { print; next }
    { shown = 0 }
    /: error: / || /unexpected signal/ || /^Fatal error/ { print }
  ' "$log"
fi
exit "$code"
