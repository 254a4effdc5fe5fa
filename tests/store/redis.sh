# shellcheck shell=bash disable=SC2034
# A Redis for a script, to be sourced: start_redis FOLDER OPTION… starts one that ends with the script, and sets $redis (its
# process) and $port. $B2AUTH_REDIS_SERVER names another program that speaks as it does.
redis_server=${B2AUTH_REDIS_SERVER:-redis-server}
redis=
port=

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_redis() {
    local folder=$1
    shift
    port=$(free_port)
    "$redis_server" --port "$port" --bind 127.0.0.1 --unixsocket "$folder/socket" --save '' --appendonly no \
        --loglevel warning --maxclients 4000 --dir "$folder" "$@" >"$folder/redis.log" 2>&1 &
    redis=$!
    until [[ -S $folder/socket ]]; do
        kill -0 "$redis" 2>/dev/null || { cat "$folder/redis.log" >&2; return 1; }
        sleep 0.05
    done
}

stop_redis() {
    [[ -n $redis ]] || return 0
    kill -CONT "$redis" 2>/dev/null || true
    kill -KILL "$redis" 2>/dev/null || true
    wait "$redis" 2>/dev/null || true
    redis=
}

# A CA, and a server's certificate for localhost that it signed: ca.pem, server.pem, server.key.
make_certificates() {
    local folder=$1 new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    openssl req -x509 "${new[@]}" -days 2 -subj /CN=a-ca-of-this-test \
        -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>"$folder/openssl.log"
    openssl req "${new[@]}" -subj /CN=localhost -keyout "$folder/server.key" -out "$folder/server.csr" 2>>"$folder/openssl.log"
    printf 'subjectAltName=DNS:localhost\n' >"$folder/names"
    openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
        -extfile "$folder/names" -out "$folder/server.pem" 2>>"$folder/openssl.log"
}
