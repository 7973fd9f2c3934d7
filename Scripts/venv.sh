#!/bin/sh
# Makes the Python environment that tests and bench compare with, unless it is there already.
# `venv.sh bench` puts into it what only the bench needs, too.
set -eu
cd "$(dirname "$0")/.."

venv=${CAIRN_VENV:-$PWD/.venv}
stamp=$venv/cairn-requirements.txt

if [ "$venv" != "$PWD/.venv" ] && [ -x "$venv/bin/python" ] && [ ! -e "$stamp" ]; then
  # Somebody else's: use it as it is.
  exit 0
fi

# fill REQUIREMENTS STAMP
fill() {
  if [ -x "$venv/bin/python" ] && cmp -s "$1" "$2"; then return 0; fi
  printf 'venv: %s into %s\n' "$1" "$venv" >&2
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$1"
  cp "$1" "$2"
}

fill Scripts/requirements.txt "$stamp"
if [ "${1:-}" = bench ]; then
  fill Scripts/bench/requirements.txt "$venv/cairn-bench-requirements.txt"
fi
