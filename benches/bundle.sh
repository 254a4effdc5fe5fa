#!/bin/sh
# bundle.sh COMMAND…: for tests/with-sandbox.sh. Runs a command with $B2_BUNDLE, a file with the system's CA certificates and the
# sandbox's: what other clients are given that trust one file. This library reads the system's by itself.
set -eu
B2_BUNDLE=$(mktemp)
trap 'rm -f "$B2_BUNDLE"' EXIT
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ -r "$file" ] || continue
    cat "$file" >"$B2_BUNDLE"
    break
done
cat "$B2_SANDBOX_CA" >>"$B2_BUNDLE"
export B2_BUNDLE REQUESTS_CA_BUNDLE="$B2_BUNDLE"
"$@"
