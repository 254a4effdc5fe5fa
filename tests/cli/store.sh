# b2auth store. Sourced by run.sh.

store() {
    B2_TOKEN_STORE=file:$work/tokens
    export B2_TOKEN_STORE
    run 14 store list
    silent out
    has err "^b2auth: the token store cannot be used: no such folder ($work/tokens)$"
    run 0 --check
    record=$(ls "$work/tokens" | grep -x '[0-9a-f]*')
    control -X DELETE "$B2_SANDBOX/log"
    run 0 store list
    silent err
    has out "^$work/tokens: 1 record, [0-9]* bytes; 0 dead, 0 removed$"
    has out "^$record  *[0-9]* *[0-9] s *-$"
    has out "^$record\.lock0 "
    no_token out
    # What is old: 26 hours, 3 days.
    old=0123456789abcdef0123456789abcdef
    head -c 100 /dev/zero >"$work/tokens/$old"
    touch -d '26 hours ago' "$work/tokens/$old"
    touch -d '3 days ago' "$work/tokens/.$old.1.0123456789abcdef"
    run 0 store list
    has out "^$work/tokens: 2 records, [0-9]* bytes; 2 dead, 0 removed$"
    has out "^$old  *100 *26 h *-  dead$"
    has out "^\.$old\.1\.0123456789abcdef  *0 *3 d *-  dead$"
    has out "^b2auth store purge removes what is dead\.$"
    run 0 store list --json
    lines 1 out
    json 'j["status"] == "B2_OK" and j["requests"] == 0 and [step["name"] for step in j["steps"]] == ["store"]'
    json 'j["steps"][0]["details"]["records"] == 2 and j["steps"][0]["details"]["dead"] == 2'
    run 0 store purge
    has out "; 2 dead, 2 removed$"
    has out "^$old .*  removed$"
    [ ! -e "$work/tokens/$old" ] || wrong "the old record is still there"
    run 0 store purge --json
    json 'j["steps"][0]["details"]["removed"] == 0 and j["steps"][0]["details"]["records"] == 1'
    # Neither a key nor a request.
    status=0
    env -u B2_APPLICATION_KEY_ID -u B2_APPLICATION_KEY HOME="$work" "$b2auth" store list >out 2>err || status=$?
    is "without a key the status" 0 "$status"
    is "the number of requests" 0 "$(requests)"
    run 0 --check
    is "the number of requests" 0 "$(requests)"
    unset B2_TOKEN_STORE
    run 1 store list
    silent out
    has err "^b2auth: no token store is set$"
    has err "^hint: "
    run 0 store list --set "store=file:$work/tokens"
    run 9 doctor --set "store=file:$work/tokens" --set realm=http://127.0.0.1:1
    status=0
    "$b2auth" store list --set "store=file:$work/tokens" >/dev/full 2>err || status=$?
    is "the status on a full disk" 74 "$status"
    run 64 store
    run 64 store nonsense
    has err "^b2auth: store takes list or purge;"
    run 64 store list purge
    for with in --all --check --refresh - doctor "--field realm"; do run 64 store list $with; done
}
verdict "store shows what is in a token store, and purges it" store

redis_store() {
    packaging=$source/packaging/need.sh
    "$packaging" redis-server >/dev/null || { echo "SKIP cli: a store in Redis: redis-server is missing"; return; }
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir redis
    redis-server --port "$port" --bind 127.0.0.1 --unixsocket "$work/redis/socket" --save '' --appendonly no \
        --loglevel warning --dir "$work/redis" >redis/log 2>&1 &
    redis=$!
    until [ -S redis/socket ]; do kill -0 "$redis" || { wrong "$(cat redis/log)"; return; }; sleep 0.05; done
    for url in "redis://127.0.0.1:$port" "redis+unix://$work/redis/socket"; do
        run 0 --check --set "store=$url"
        run 0 store list --set "store=$url"
        has out ": 1 record, [0-9]* bytes; 0 dead, 0 removed$"
        has out "^{[0-9a-f]*}:r  *[0-9]* *- *23 h$"
        redis-cli -s redis/socket SET 'b2auth:{0123456789abcdef0123456789abcdef}:l0' x >/dev/null
        run 0 store purge --set "store=$url"
        has out "; 1 dead, 1 removed$"
        has out "^{0123456789abcdef0123456789abcdef}:l0  *1 *- *-  removed$"
        is "the number of keys" 1 "$(redis-cli -s redis/socket DBSIZE | tr -cd 0-9)"
    done
    kill "$redis"
    wait "$redis" || true
    run 14 store list --set "store=redis://127.0.0.1:$port"
    has err "^b2auth: the token store cannot be used: .*connection refused"
}
verdict "store does so in Redis" redis_store
