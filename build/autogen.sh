#!/bin/sh
# Licensed under the Apache License, Version 2.0; see the file LICENSE.
# Makes ./configure. Needed in a checkout only; a released archive has it.
set -eu
unset CDPATH
cd "$(dirname "$0")/.."

need() {
    command -v "$1" >/dev/null 2>&1 || {
        echo "autogen.sh: $1 is missing (Debian: $2, Fedora: $3)" >&2
        exit 1
    }
}
need autoconf autoconf autoconf
need automake automake automake
need libtoolize libtool libtool
need pkg-config pkg-config pkgconf-pkg-config

mkdir -p build/aux build/m4
exec autoreconf --install --force --warnings=all,no-obsolete
