#!/bin/sh
# Reads the provisioned settings, under which what the environment says wins, and becomes the process.
set -eu
if [ -n "${MUSTER_SETTINGS_FILE:-}" ]; then
    # shellcheck disable=SC1090
    . "$MUSTER_SETTINGS_FILE"
fi
exec "$@"
