#!/bin/bash
# Runs the tests that are built, and says again at the end which of them failed and why: between the
# lines of a thousand others that is hard to find. Tests that have no end are ended after
# CAIRN_TEST_MINUTES (40), and named; CAIRN_TESTS_AT_ONCE (8) of them run at a time.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

minutes=${CAIRN_TEST_MINUTES:-40}
# All tests at once are so slow, each of them, that what a test may reasonably wait for does not come.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${CAIRN_TESTS_AT_ONCE:-8}
log=$(mktemp)
# A group of its own, which can be ended whole.
set -m
swift test --skip-build "$@" > >(tee "$log") 2>&1 &
tests=$!
(
  sleep $((minutes * 60))
  kill -KILL -- "-$tests"
) &
guard=$!
trap 'kill -TERM -- "-$tests"' INT TERM
trap '{ kill -- "-$guard"; wait "$guard"; } 2>/dev/null; rm -f "$log"' EXIT
wait "$tests" 2>/dev/null
code=$?
if [ "$code" -ne 0 ]; then
  {
    printf '\nWhat failed:\n'
    # An issue and the lines that belong to it, which begin with an arrow or are indented.
    awk '
      /recorded an issue/ { print; shown = 1; next }
      shown && (/^↳/ || /^ /) { print; next }
      { shown = 0 }
      /: error: / || /unexpected signal/ || /^Fatal error/ { print }
    ' "$log"
    # Tests that began and did not end.
    awk '
      match($0, /^◇ Test .* started\.$/) {
        name = substr($0, RSTART); sub(/^◇ Test /, "", name); sub(/ started\.$/, "", name)
        if (name !~ /^case passing/ && name != "run") open[name] = 1
      }
      # The third mark is that of known issues.
      /^(✔|✘|━) Test .* (passed|failed) after/ {
        name = $0; sub(/^(✔|✘|━) Test /, "", name)
        sub(/ with [0-9]+ test cases?/, "", name); sub(/ (passed|failed) after.*/, "", name)
        delete open[name]
      }
      END { for (name in open) print "began and did not end: " name }
    ' "$log"
  } | cut -c 1-600 >&2
fi
exit "$code"
