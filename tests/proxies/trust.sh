# shellcheck shell=sh disable=SC2154
# Whose certificates are believed, and what a middlebox looks like.

tiny=http://127.0.0.1:3128
ask proxy=$tiny
gives "nobody trusts the sandbox by itself" B2_TLS_ERROR "the certificate of api.b2.test is signed by an unknown CA (\"b2 sandbox CA\")" \
    "ca_file"
once "a certificate is not tried again"
ask_in "SSL_CERT_FILE=$ca" proxy=$tiny
through "SSL_CERT_FILE" tiny "$connect"
mkdir "$work/folder"
cp "$ca" "$work/folder/sandbox.pem"
ask_in "SSL_CERT_DIR=$work/folder" proxy=$tiny
through "SSL_CERT_DIR" tiny "$connect"
ask_in "SSL_CERT_FILE=$work/proxy-ca.pem" proxy=$tiny ca_file="$ca"
through "ca_file beside SSL_CERT_FILE" tiny "$connect"
ask_in "SSL_CERT_FILE=$work/proxy-ca.pem" proxy=$tiny
gives "SSL_CERT_FILE without the sandbox's" B2_TLS_ERROR "b2 sandbox CA"
ask proxy=$tiny ca_file="$work/none.pem"
gives "a ca_file that is not there" B2_INVALID_ARGUMENT "none.pem" "no such file" "ca_file"
ask_in "SSL_CERT_FILE=$work/hosts" proxy=$tiny
gives "an SSL_CERT_FILE without certificates" B2_INVALID_ARGUMENT "it is not in PEM format" "SSL_CERT_FILE"

# The middlebox shows a certificate of its own for the realm's name.
ask proxy=$tiny realm=https://inspected.b2.test ca_file="$ca" max_attempts=3
gives "a middlebox" B2_TLS_ERROR \
    "the certificate of inspected.b2.test is signed by an unknown CA (\"Corporate Inspection CA\")" \
    "in the file that ca_file names"
once "a middlebox is not tried again"
ask proxy=$tiny realm=https://inspected.b2.test ca_file="$work/middlebox-ca.pem"
gives "a middlebox whose CA is the ca_file" B2_OK
ask_in "SSL_CERT_FILE=$work/middlebox-ca.pem" proxy=$tiny realm=https://inspected.b2.test
gives "a middlebox whose CA is in SSL_CERT_FILE" B2_OK
ask realm="$unknown"
gives "a stranger's certificate without a proxy" B2_TLS_ERROR "\"Nobody's CA\"" "ca_file"
