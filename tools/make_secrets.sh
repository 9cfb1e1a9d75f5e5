#!/usr/bin/env bash
# Make what docker-compose.yml reads from secrets/: passwords, keys, and a certificate for SITE_HOST (default localhost) that
# browsers warn of until a real one is in its place. What is there already is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${SECRETS_DIR:-secrets}
hosts=${1:-${SITE_HOST:-localhost}}

# Containers run as users that this machine does not know, so the files are readable; the folder is its owner's alone.
umask 022
mkdir -p "$folder/acme"
chmod 700 "$folder"

keep() { # keep NAME VALUE: write the value unless there is one
    [ -s "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
}

keep secret_key "$(openssl rand -hex 32)"
keep metrics_token "$(openssl rand -hex 32)"
keep postgres_password "$(openssl rand -hex 24)"
keep database_url "postgres://hamster:$(cat "$folder/postgres_password")@postgres:5432/hamster"
touch "$folder/email_url" "$folder/sentry_dsn" # whose values are the owner's to write
if [ ! -s "$folder/tls_key" ] || [ ! -s "$folder/tls_certificate" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=${hosts%%,*}" \
        -addext "subjectAltName=DNS:${hosts//,/,DNS:}" -keyout "$folder/tls_key" -out "$folder/tls_certificate" 2>/dev/null
    chmod 644 "$folder/tls_key"
fi
