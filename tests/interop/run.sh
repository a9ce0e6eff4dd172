#!/usr/bin/env bash
# Clients that others wrote, against the built binary: the ADBC driver for Flight SQL, and gRPC reflection.
#
# Needs Python 3 with venv, and the package index on the first run. It builds the binary unless LAKEWARDEN_BIN names one.
# The virtual environment is kept in the user's cache; the checkout stays as it is.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/lakewarden"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"

if [[ -z "${LAKEWARDEN_BIN:-}" ]]; then
    (cd "$here/../.." && cargo build --locked --bin lakewarden)
    LAKEWARDEN_BIN="$CARGO_TARGET_DIR/debug/lakewarden"
fi
export LAKEWARDEN_BIN

# One environment for each list of packages, made whole before it gets its name.
venv="$cache/interop-$(sha256sum "$here/requirements.txt" | cut -c1-16)"
if [[ ! -x "$venv/bin/python" ]]; then
    rm -rf "$venv.new"
    python3 -m venv "$venv.new"
    "$venv.new/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    mv "$venv.new" "$venv"
fi

exec "$venv/bin/python" -B "$here/clients.py"
