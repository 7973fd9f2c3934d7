#!/bin/sh
# Makes the Python environment that tests and bench compare with, unless it is there already.
set -eu
cd "$(dirname "$0")/.."

venv=${CAIRN_VENV:-$PWD/.venv}
requirements=Scripts/requirements.txt
stamp=$venv/cairn-requirements.txt

if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$stamp"; then exit 0; fi
if [ "$venv" != "$PWD/.venv" ] && [ -x "$venv/bin/python" ]; then
  # Somebody else's: use it as it is.
  exit 0
fi
printf 'venv: making %s\n' "$venv" >&2
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
