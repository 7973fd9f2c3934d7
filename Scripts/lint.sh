#!/bin/sh
# Checks the format of all Swift sources; with --fix, formats them in place.
set -eu
cd "$(dirname "$0")/.."

paths=Package.swift
for folder in Sources Tests Fuzz Examples Scripts; do
  [ ! -d "$folder" ] || paths="$paths $folder"
done

# None of these paths holds a space: splitting them is meant.
# shellcheck disable=SC2086
if [ "${1-}" = --fix ]; then
  exec swift format format --in-place --recursive --parallel $paths
else
  exec swift format lint --strict --recursive --parallel $paths
fi
