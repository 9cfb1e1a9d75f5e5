#!/bin/sh
# Starts nginx with nginx.conf.template. What differs between places comes from the environment; the rest is in the template.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

export PROXY_DIR="${PROXY_DIR:-/tmp}"               # for nginx's own files; must not be on a disk: bodies pass through it
export HTTP_LISTEN="${HTTP_LISTEN:-8080}"           # address:port, or a port
export HTTPS_LISTEN="${HTTPS_LISTEN:-8443}"
export HTTPS_PORT="${HTTPS_PORT:-443}"              # as visitors see it
export WEB="${WEB:-web:8000}"                       # one name for all web processes
export RESOLVER="${RESOLVER:-127.0.0.11}"           # the DNS server that knows this name: Docker's
export TLS_CERTIFICATE="${TLS_CERTIFICATE:-/run/secrets/tls_certificate}"
export TLS_KEY="${TLS_KEY:-/run/secrets/tls_key}"
export ACME_DIR="${ACME_DIR:-/acme}"                # what certbot --webroot writes to prove whose host this is

# shellcheck disable=SC2016  # these are the names, not their values
envsubst '$PROXY_DIR $HTTP_LISTEN $HTTPS_LISTEN $HTTPS_PORT $WEB $RESOLVER $TLS_CERTIFICATE $TLS_KEY $ACME_DIR' \
    <"$here/nginx.conf.template" >"$PROXY_DIR/nginx.conf"
exec nginx -p "$PROXY_DIR" -e stderr -c "$PROXY_DIR/nginx.conf" "$@"
