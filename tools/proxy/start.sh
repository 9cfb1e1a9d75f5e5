#!/bin/sh
# Starts nginx with nginx.conf.template. What differs between places comes from the environment; the rest is in the template.
set -euf
here=$(cd "$(dirname "$0")" && pwd)

everywhere() { # everywhere PORT: all addresses of this machine
    if [ -e /proc/net/if_inet6 ]; then echo "$1 [::]:$1"; else echo "$1"; fi
}

listens() { # listens "ADDRESS ..." "OPTION ...": a line for each address
    for address in $1; do echo "listen $address $2;"; done
}

export SITE_HOST="${SITE_HOST:-localhost}"          # the names that visitors may use, with commas between them
export PROXY_DIR="${PROXY_DIR:-/tmp}"               # for nginx's own files
HTTP_LISTEN="${HTTP_LISTEN:-$(everywhere 8080)}"    # "address:port ..."
HTTPS_LISTEN="${HTTPS_LISTEN:-$(everywhere 8443)}"
export HTTPS_PORT="${HTTPS_PORT:-443}"              # as visitors see it
export WEB="${WEB:-web:8000}"                       # one name for all web processes
export RESOLVER="${RESOLVER:-127.0.0.11}"           # the DNS server that knows this name: Docker's
export TLS_CERTIFICATE="${TLS_CERTIFICATE:-/run/secrets/tls_certificate}"
export TLS_KEY="${TLS_KEY:-/run/secrets/tls_key}"
export ACME_DIR="${ACME_DIR:-/acme}"                # what certbot --webroot writes to prove whose host this is

SERVER_NAMES=$(echo "$SITE_HOST" | tr ',' ' ')
# nginx 1.25 and newer would rather read `http2 on`, which Debian 12's 1.22 does not know; both understand this.
LISTEN_HTTP=$(listens "$HTTP_LISTEN" "")
LISTEN_HTTP_DEFAULT=$(listens "$HTTP_LISTEN" "default_server")
LISTEN_HTTPS=$(listens "$HTTPS_LISTEN" "ssl http2")
LISTEN_HTTPS_DEFAULT=$(listens "$HTTPS_LISTEN" "ssl http2 default_server")
export SERVER_NAMES LISTEN_HTTP LISTEN_HTTP_DEFAULT LISTEN_HTTPS LISTEN_HTTPS_DEFAULT

# shellcheck disable=SC2016  # these are the names, not their values
envsubst '$PROXY_DIR $SERVER_NAMES $LISTEN_HTTP $LISTEN_HTTP_DEFAULT $LISTEN_HTTPS $LISTEN_HTTPS_DEFAULT
    $HTTPS_PORT $WEB $RESOLVER $TLS_CERTIFICATE $TLS_KEY $ACME_DIR' \
    <"$here/nginx.conf.template" >"$PROXY_DIR/nginx.conf"
exec nginx -p "$PROXY_DIR" -e stderr -c "$PROXY_DIR/nginx.conf" "$@"
