#!/bin/sh
# Installs the system libraries Cairn needs, where they are missing, and checks the Swift toolchain.
# `setup.sh bench` installs the tools that the bench compares with, too.
set -eu

say() { printf '%s\n' "setup: $*" >&2; }

needed_swift='6.2'

check_swift() {
  if ! command -v swift >/dev/null 2>&1; then
    say "no Swift toolchain found: install Swift $needed_swift or later from https://www.swift.org/install"
    exit 1
  fi
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  case "$major$minor" in
    '' | *[!0-9]*)
      say "cannot tell the version of $(command -v swift): expected Swift $needed_swift or later"
      exit 1
      ;;
  esac
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    say "Swift $version is too old: Cairn needs $needed_swift or later, see https://www.swift.org/install"
    exit 1
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    say "not root and no sudo; run this as root, then make again: $*"
    exit 1
  fi
}

install_debian() {
  missing=''
  for package in "$@" libsnappy-dev libzstd-dev liblz4-dev zlib1g-dev libisal-dev libbrotli-dev \
    libsqlite3-dev libcurl4-openssl-dev libpq-dev postgresql pgbouncer openssl pkg-config \
    python3-venv zstd gzip; do
    # pkgconf provides pkg-config on newer releases, where dpkg knows the old name no more.
    if [ "$package" = pkg-config ] && command -v pkg-config >/dev/null 2>&1; then continue; fi
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
      missing="$missing $package"
    fi
  done
  [ -n "$missing" ] || return 0
  say "installing$missing"
  # Package names hold no spaces: splitting them is meant.
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing ||
    {
      as_root apt-get update
      # shellcheck disable=SC2086
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
    }
}

# Provided for, not tested.
install_macos() {
  if ! command -v brew >/dev/null 2>&1; then
    say "Homebrew is needed for the system libraries: see https://brew.sh"
    exit 1
  fi
  missing=''
  for package in "$@" snappy zstd lz4 isa-l brotli curl libpq postgresql@17 pgbouncer pkgconf \
    python3; do
    brew list --formula "$package" >/dev/null 2>&1 || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  say "installing$missing"
  # shellcheck disable=SC2086
  brew install $missing
}

check_swift
if [ "$(uname -s)" = Darwin ]; then
  if [ "${1:-}" = bench ]; then set -- pgloader; fi
  install_macos "$@"
elif command -v apt-get >/dev/null 2>&1; then
  if [ "${1:-}" = bench ]; then set -- pgloader; fi
  install_debian "$@"
else
  say 'neither apt-get nor Homebrew here; Cairn needs the development files of snappy, zstd, lz4,' \
    'zlib, isa-l, brotli, sqlite3, libcurl and libpq, a PostgreSQL server, pgbouncer, openssl,' \
    'pkg-config, python3 with venv, zstd, gzip'
fi
