#!/bin/sh
# The command-line program: compiled as the examples are, then every flag and every exit status that a server can cause,
# under the address sanitizer and with handles.h, which finds what was not freed. Then its completions and its man page.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

verdict() { # what command…: the command says in $why what is wrong
    what=$1 why=
    shift
    "$@" || why=${why:-it ended with $?}
    if [ -z "$why" ]; then
        echo "ok cli: $what"
    else
        echo "not ok cli: $what: $why"
        failed=1
    fi
}
wrong() { why=${why:-$1}; }
failed=0

# ---- compiling ----

if [ "${1:-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    out=$target/examples-checked
    built=$(cd "$target/release" && pwd)
    mkdir -p "$out"
    flags="-g -O1 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror"
    compile() { # compiler standard flags…
        compiler=$1 standard=$2
        shift 2
        "$compiler" "-std=$standard" $flags "$@" -I include cli/*.c -o "$out/b2auth" \
            -L "$built" -lb2auth -Wl,-rpath,"$built" >"$work/said" 2>&1 || wrong "$(cat "$work/said")"
    }
    for cc in clang gcc; do
        command -v "$cc" >/dev/null || continue
        for std in c99 c11; do verdict "compiles, $cc $std" compile "$cc" "$std"; done
    done
    verdict "compiles with the sanitizer" compile gcc c99 -fsanitize=address,undefined -include tests/c/handles.h
    if ! packaging/need.sh python3 >/dev/null; then
        echo "SKIP cli: the program at work: python3 is missing"
        exit "$failed"
    fi
    tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0" inside "$out/b2auth" || failed=1
    exit "$failed"
fi

# ---- running it, and looking ----

case $2 in /*) b2auth=$2 ;; *) b2auth=$PWD/$2 ;; esac
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Each leaves its output in the files out and err.
run() { # status arguments…
    expected=$1 status=0
    shift
    "$b2auth" "$@" >out 2>err </dev/null || status=$?
    is "the status of $*" "$expected" "$status"
}
feed() { # status request
    status=0
    printf '%s' "$2" | "$b2auth" - >out 2>err || status=$?
    is "the status of $2" "$1" "$status"
    is "stderr" "" "$(cat err)"
}
is() { [ "$2" = "$3" ] || wrong "$1 is '$3', not '$2'"; }
silent() { for file in "$@"; do [ ! -s "$file" ] || wrong "std$file has '$(head -n 1 "$file")'"; done; }
has() { grep -q -e "$2" "$1" || wrong "std$1 has no '$2', but '$(head -n 1 "$1")'"; }
lines() { is "the number of lines on std$2" "$1" "$(awk 'END { print NR }' "$2")"; }
no_token() { ! grep -q -e "4_0014" -e "$B2_APPLICATION_KEY" "$@" || wrong "there is a token or a key in $*"; }
json() { # condition on j, which is the JSON in file
    python3 -c '
import json, os, sys
e, j = os.environ, json.load(open(sys.argv[2]))
sys.exit(not eval(sys.argv[1]))' "$1" "${2:-out}" 2>trace || wrong "not so: $1, of $(head -c 300 "${2:-out}")"
}
control() { curl -fsS "$@" >/dev/null; }
faults() { control -d "{\"keyId\":\"*\",\"faults\":[$1]}" "$B2_SANDBOX/script"; }
requests() { curl -fsS "$B2_SANDBOX/count" | tr -cd 0-9; }

# ---- forms of output ----

plain() {
    run 0
    silent err
    lines 1 out
    json 'list(j) == ["accountId", "apiUrl", "authorizationToken", "downloadUrl"]'
    json 'j["accountId"] == "4aa9865d6f00" and j["authorizationToken"].startswith("4_0014")'
}
verdict "plain, it prints the four fields" plain

all() {
    run 0 --all
    silent err
    lines 1 out
    json 'j["keyId"] == "'"$B2_APPLICATION_KEY_ID"'" and j["s3Region"] == "us-west-004"'
    json '"listBuckets" in j["allowed"]["capabilities"] and j["authorizationToken"].startswith("4_0014")'
}
verdict "--all prints everything" all

names() { python3 -c 'import json; print(*json.load(open("out")), sep="\n")'; }
list() {
    run 0 --all
    names | sort >names
    run 64 --field nonsense
    silent out
    lines 1 err
    sed 's/.*there are //' err | tr -d ' ' | tr ',' '\n' | sort >said
    cmp -s names said || wrong "$(diff names said | tr '\n' ' ')"
}
verdict "--field with a wrong name lists the names, which are those of --all" list

# What the library lets pass of an account id: all of visible ASCII. Of URLs: what stands in URLs.
hostile_id='a"b\c$(touch pwned)`touch pwned`;&|<>*?~#!{}='\''"apiUrl":"x",\"realm\":'
hostile_id=$(printf '%s' "$hostile_id" | tr ' ' +)
hostile_url="https://b2.test/it's'\$(pwned)';pwned&!*~"
hostile_token="4_'\$(touch+pwned)'\"\\\\'"
hostile() {
    export hostile_id hostile_url hostile_token
    faults "$(python3 -c '
import json, os
url = os.environ["hostile_url"]
print(json.dumps({"times": 0, "patch": [
    {"merge": {"accountId": os.environ["hostile_id"], "authorizationToken": os.environ["hostile_token"],
               "apiInfo": {"storageApi": {"apiUrl": url + "1", "downloadUrl": url + "2", "s3ApiUrl": url + "3",
                                          "allowed": {"namePrefix": "\"expiresAt\":,}]"}}}}}]}))')"
}
fields() {
    hostile
    run 0
    json 'j["accountId"] == e["hostile_id"] and j["authorizationToken"] == e["hostile_token"] and len(j) == 4'
    json 'j["apiUrl"] == e["hostile_url"] + "1" and j["downloadUrl"] == e["hostile_url"] + "2"'
    run 0 --all
    cp out whole
    for name in $(cat names); do
        run 0 --field "$name"
        silent err
        lines 1 out
        python3 -c '
import json, sys
whole, said = json.load(open("whole"))[sys.argv[1]], open("out").read()[:-1]
if isinstance(whole, (dict, list, int)):
    said = json.loads(said)
if sys.argv[1] == "expiresAt":
    sys.exit(abs(said - whole) > 60)
sys.exit(said != ("" if whole is None else whole))' "$name" || wrong "$name is '$(cat out)'"
    done
    run 0 --field=realm
    is "--field=realm" "$B2_ENVIRONMENT" "$(cat out)"
    faults ''
}
verdict "--field prints each value as it is, even a hostile one" fields

exported() {
    hostile
    run 0 --export
    silent err
    for shell in sh bash dash zsh; do
        command -v "$shell" >/dev/null || continue
        # Exported: the shell's child sees them.
        "$shell" -c 'eval "$(cat out)"; python3 -c "
import os, sys
e = os.environ
sys.exit([e[\"B2_\" + name] for name in sys.argv[1:]]
         != [e[\"hostile_id\"], e[\"hostile_token\"]] + [e[\"hostile_url\"] + n for n in \"123\"])" \
            ACCOUNT_ID AUTHORIZATION_TOKEN API_URL DOWNLOAD_URL S3_API_URL' || wrong "$shell reads other values"
        [ ! -e pwned ] || wrong "$shell ran what stands in a value"
    done
    faults '{"patch":[{"remove":"/apiInfo/storageApi/s3ApiUrl"}]}'
    run 0 --export
    is "B2_S3_API_URL" "none" "$(B2_S3_API_URL=old sh -c 'eval "$(cat out)"; echo "${B2_S3_API_URL-none}"')"
    # As --help has it: a failure is seen, and changes nothing.
    is "the status in a shell" "3 old" "$(export b2auth B2_API_URL=old B2_APPLICATION_KEY=K001wrong; sh -c '
        lines=$("$b2auth" --export 2>err) && eval "$lines"; echo $? $B2_API_URL')"
}
verdict "--export makes lines that any shell reads back as they were" exported

check() {
    run 0 --check
    silent out err
    B2_APPLICATION_KEY=K001wrong run 3 --check
    silent out
    lines 1 err
    has err "^b2auth: .*refused the application key.* (.*)$"
    run 1 --check --set nonsense=1
    silent out
    lines 1 err
    B2_APPLICATION_KEY=K001wrong run 3 --check --verbose
    silent out
    has err "^hint: "
}
verdict "--check says nothing if the key works, else one line" check

# ---- how to ask ----

refresh() {
    control -X DELETE "$B2_SANDBOX/log"
    run 0 --refresh --check
    silent out err
    is "the number of requests" 1 "$(requests)"
    run 0 --refresh --field accountId
    is "the account" 4aa9865d6f00 "$(cat out)"
    B2_APPLICATION_KEY=K001wrong run 3 --refresh
}
verdict "--refresh asks B2" refresh

settings() {
    faults '{"status":503,"times":0}'
    control -X DELETE "$B2_SANDBOX/log"
    run 8 --set max_attempts=1
    is "the number of requests" 1 "$(requests)"
    run 8 --set max_attempts=5 --set=max_attempts=2 --set initial_backoff_ms=1
    is "the number of requests" 3 "$(requests)"
    faults ''
    run 1 --set max_attempt=1
    silent out
    has err "^b2auth: "
    has err "^hint: .*max_attempts"
    run 1 --set max_attempts=nonsense
    run 1 --set max_attempts=1 --set realm=ftp://x
    run 0 --set max_attempts= --check
    run 0 --set "realm=$B2_SANDBOX_HTTPS" --set "ca_file=$B2_SANDBOX_CA" --field realm
    is "the realm" "$B2_SANDBOX_HTTPS" "$(cat out)"
    for bad in max_attempts '' K001secret; do
        run 64 --set "$bad"
        lines 1 err
        ! grep -q secret err || wrong "it repeats what it was given"
    done
}
verdict "--set sets any option" settings

verbose() {
    run 0 --verbose
    lines 1 out
    has err "^ *0\.[0-9][0-9][0-9] debug .*environment"
    has err "^ *[0-9]*\.[0-9][0-9][0-9] info  "
    no_token err
    faults '{"status":503},{"status":401,"code":"unauthorized"}'
    run 3 --verbose --set initial_backoff_ms=1 --refresh
    silent out
    has err " warn  .*HTTP 503"
    # The failure is said once, where it happened, and its status and advice at the end.
    is "how often the failure is said" 1 "$(grep -c 'refused the application key' err)"
    has err "^b2auth: it failed with B2_BAD_CREDENTIALS"
    has err "^hint: "
    no_token err
    status=0
    env -u B2_APPLICATION_KEY_ID -u B2_APPLICATION_KEY HOME="$work" "$b2auth" --verbose >out 2>err || status=$?
    is "how often a failure without a request is said" 1 "$(grep -c 'no application key' err)"
    for form in --all --export --check "--field authorizationToken"; do
        run 0 --verbose $form
        no_token err
    done
    run 0 --verbose --field keyId
    no_token out err
    faults '{"date":{"offsetS":-3600}}'
    run 0 --verbose --check
    has err " warn  .*clock is off by about 60 minutes"
    faults ''
}
verdict "--verbose says what is done and when, and no token" verbose

# ---- doctor ----

steps='credentials environment realm proxy roots lookUp connect tunnel tls clock authorize key token store'
doctor() {
    control -X DELETE "$B2_SANDBOX/log"
    run 0 doctor
    silent err
    is "the number of requests" 1 "$(requests)"
    is "the number of steps" 14 "$(grep -c '^  \(ok\|warning\|FAILED\|-\) ' out)"
    has out "^  ok       credentials .*key ID $B2_APPLICATION_KEY_ID"
    has out "^  ok       B2  .* ms  B2 granted a session for the account 4aa9865d6f00 (request ID "
    has out "^  -        TLS  .* the realm is http$"
    has out "^B2 can be reached with this key.$"
    no_token out
    ! grep -q "$(printf '\033')" out || wrong "there is colour in a file"
    run 0 doctor --json
    silent err
    lines 1 out
    no_token out
    json 'j["status"] == "B2_OK" and j["result"] == "ok" and j["requests"] == 1 and j["error"] is None'
    json '" ".join(step["name"] for step in j["steps"]) == "'"$steps"'"'
    run 0 doctor --set "realm=$B2_SANDBOX_HTTPS" --set "ca_file=$B2_SANDBOX_CA"
    has out "^  ok       TLS  .*TLS 1.3, certificate by \"b2 sandbox CA\", good for [0-9]* more days"
    has out "^  ok       CA files .*, 1 from $B2_SANDBOX_CA$"
    faults '{"date":{"offsetS":-3600}}'
    run 0 doctor
    has out "^  warning  clock .* ahead of "
    has out "^ *-> .*clock is off"
    has out "there is something to look at"
    faults ''
    B2_APPLICATION_KEY=K001wrong run 3 doctor
    has out "^  FAILED   B2 "
    has out "^  -        token .* B2 granted no session"
    has out "^A call would fail with B2_BAD_CREDENTIALS: "
    B2_APPLICATION_KEY=K001wrong run 3 doctor --json
    json 'j["error"]["status"] == "B2_BAD_CREDENTIALS" and j["result"] == "failed"'
    run 9 doctor --set realm=http://127.0.0.1:1
    has out "^  FAILED   connect .*connection refused"
    run 10 doctor --set "realm=$B2_SANDBOX_HTTPS"
    has out "^  FAILED   TLS "
    has out "^  ok       connect "
    status=0
    env -u B2_APPLICATION_KEY_ID -u B2_APPLICATION_KEY HOME="$work" "$b2auth" doctor >out 2>err || status=$?
    is "without a key the status" 2 "$status"
    has out "^  FAILED   credentials "
    has out "^  ok       connect "
    run 1 doctor --set nonsense=1
    silent out
    has err "^b2auth: "
    run 0 doctor --verbose
    has err " info  "
    status=0
    "$b2auth" doctor >/dev/full 2>err || status=$?
    is "the status on a full disk" 74 "$status"
    for with in --all --check --refresh - "store list" "--field realm"; do run 64 doctor $with; done
    run 64 --json
}
verdict "doctor shows each step" doctor

# script(1) gives it a terminal.
colour() {
    command -v script >/dev/null || { echo "SKIP cli: colour: there is no script command (Debian: bsdutils)"; return; }
    on_terminal() { script -qec "$* $b2auth doctor" /dev/null </dev/null >out 2>&1 || wrong "it ended with $?"; }
    on_terminal TERM=xterm
    grep -q "$(printf '\033\\[32mok')" out || wrong "there is no colour on a terminal"
    for without in "TERM=xterm NO_COLOR=1" TERM=dumb "env -u TERM"; do
        on_terminal $without
        ! grep -q "$(printf '\033')" out || wrong "there is colour with $without"
    done
}
verdict "doctor has colour on a terminal alone" colour

# ---- the token store ----

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

# ---- exit statuses ----

statuses() {
    run 1 --set cache=nonsense
    status=0
    env -u B2_APPLICATION_KEY_ID -u B2_APPLICATION_KEY HOME="$work" "$b2auth" >out 2>err || status=$?
    is "without a key the status" 2 "$status"
    has err "^b2auth: .*B2_APPLICATION_KEY_ID"
    B2_APPLICATION_KEY=K001wrong run 3
    has err "^b2auth: "
    has err "^hint: "
    no_token out err
    while read -r expected fault; do
        faults "$fault"
        run "$expected" --set max_attempts=1 --set attempt_timeout_ms=300
        silent out
        has err "^b2auth: "
        no_token err
    done <<END
4 {"status":401,"code":"unsupported"}
5 {"status":403,"code":"transaction_cap_exceeded"}
6 {"status":403,"code":"access_denied"}
7 {"status":429}
8 {"status":500}
9 {"cut":{"how":"reset","at":0}}
11 {"delayMs":2000}
13 {"body":"html"}
13 {"status":302,"headers":[["Location","https://b2.test"]]}
END
    faults ''
    run 9 --set realm=http://127.0.0.1:1 --set max_attempts=1
    run 10 --set "realm=$B2_SANDBOX_HTTPS"
}
verdict "the exit status is the library's" statuses

usage() {
    run 64 --nonsense
    silent out
    lines 1 err
    has err "^b2auth: .*--nonsense.*--help"
    for bad in K001secret --key=K001secret "--keys --check" --all=secret --check=secret -a -- --; do
        run 64 $bad
        silent out
        lines 1 err
        ! grep -q secret err || wrong "it repeats what it was given"
    done
    run 64 ''
    run 64 --all "$B2_APPLICATION_KEY_ID" "$B2_APPLICATION_KEY"
    no_token err
    for one in --all --export --check - "--field realm"; do
        for other in --all --export --check - "--field keyId"; do
            run 64 $one $other
            lines 1 err
        done
    done
    for alone in --field --set; do
        run 64 $alone
        has err "^b2auth: $alone needs N"
    done
    for with in --refresh --verbose "--set cache=use"; do
        run 64 - $with
        run 64 $with -
    done
}
verdict "wrong usage is 64, and one line" usage

output_fails() {
    for form in "" --all "--field apiUrl" --export --help --version -; do
        status=0
        "$b2auth" $form >/dev/full 2>err </dev/null || status=$?
        is "the status of $form on a full disk" 74 "$status"
        has err "^b2auth: can't write to standard output: "
        status=0
        "$b2auth" $form >&- 2>err </dev/null || status=$?
        is "the status of $form without standard output" 74 "$status"
        no_token err
    done
    "$b2auth" --check >/dev/full || wrong "--check ends with $?, though it has nothing to print"
    "$b2auth" --check >&- 2>&- <&- || wrong "--check ends with $? where all is closed"
    status=0
    B2_APPLICATION_KEY=K001wrong "$b2auth" --verbose >out 2>&- || status=$?
    is "the status without standard error" 3 "$status"
    status=0
    "$b2auth" - <&- >out 2>err || status=$?
    is "the status without standard input" 74 "$status"
    has err "^b2auth: can't read standard input: "
}
verdict "what can't be read or written is 74" output_fails

# Else a connection would be number 1, and be sent what is printed.
closed() {
    faults '{"hold":"closed"}'
    "$b2auth" --verbose >&- 2>&- <&- &
    pid=$!
    control "$B2_SANDBOX/held?latch=closed&atLeast=1"
    for number in 0 1 2; do is "file $number" /dev/null "$(readlink "/proc/$pid/fd/$number")"; done
    control -d '{"latch":"closed"}' "$B2_SANDBOX/release"
    status=0
    wait "$pid" || status=$?
    is "the status" 74 "$status"
}
verdict "no connection takes the number of a standard file that is closed" closed

# ---- requests ----

request() {
    for blank in '{}' '' ' '; do
        feed 0 "$blank"
        lines 1 out
        json 'list(j) == ["accountId", "apiUrl", "authorizationToken", "downloadUrl"]'
    done
    feed 0 '{"fields":"all","max_attempts":1,"cache":"bypass"}'
    json 'j["s3Region"] == "us-west-004"'
    feed 3 '{"keyId":"'"$B2_APPLICATION_KEY_ID"'","key":"K001wrong"}'
    json 'j["error"]["status"] == "B2_BAD_CREDENTIALS" and j["error"]["httpStatus"] == 401'
    feed 1 '{"nonsense":1}'
    json 'j["error"]["status"] == "B2_INVALID_ARGUMENT"'
    feed 1 '{"keyId":'
    json 'j["error"]["status"] == "B2_INVALID_ARGUMENT"'
}
verdict "- answers a request" request

batch() {
    feed 0 '[]'
    json 'j == []'
    feed 0 '[{},{"fields":"all"},{}]'
    json 'len(j) == 3 and len(j[0]) == 4 and len(j[1]) > 4 and j[0] == j[2]'
    feed 3 '[{},{"keyId":"'"$B2_APPLICATION_KEY_ID"'","key":"K001wrong"},{"nonsense":1}]'
    json 'len(j) == 3 and len(j[0]) == 4 and j[1]["error"]["status"] == "B2_BAD_CREDENTIALS"'
    json 'j[2]["error"]["status"] == "B2_INVALID_ARGUMENT"'
}
verdict "- answers a batch" batch

long() {
    # Blanks around a request are part of it, and none of it is cut off.
    python3 -c 'print(" " * (16 * 1024 * 1024 - 3) + "{}")' >long
    status=0
    "$b2auth" - <long >out 2>err || status=$?
    is "the status of 16 MiB" 0 "$status"
    json 'len(j) == 4'
    echo >>long
    status=0
    "$b2auth" - <long >out 2>err || status=$?
    is "the status of a byte more" 74 "$status"
    silent out
    has err "^b2auth: the request is "
    status=0
    printf '{}\0{}' | "$b2auth" - >out 2>err || status=$?
    is "the status of a request with a NUL" 74 "$status"
    silent out
}
verdict "- takes requests of 16 MiB, and none that are longer or hold a NUL" long

# ---- help ----

help() {
    run 0 --help
    silent err
    cp out help
    awk 'length($0) > 80 { exit 1 } END { if (NR > 45) exit 1 }' help || wrong "it is longer than 45 lines of 80 columns"
    LC_ALL=C grep -q '[^ -~]' help && wrong "it has characters that not every terminal has"
    sed -n '/^} flags/,/^};/p' "$source/cli/args.c" | grep -o '"--[a-z]*"' | tr -d '"' >flags
    for flag in $(cat flags); do has help "[ []$flag\b"; done
    has help "a request, which B2 bills"
    has help "token store"
    sed -n 's/^ *B2_[A-Z_]* = \([0-9]*\),$/\1/p' "$source/include/b2auth.h" | sort -u | grep -vx -e 0 -e 2147483647 >numbers
    is "the number of flags and statuses" "11 15" "$(awk 'END { print NR }' flags) $(awk 'END { print NR }' numbers)"
    for number in $(cat numbers) 64 74; do has help "\b$number [a-zA-Z]"; done
    run 0 -h
    cmp -s out help || wrong "-h is not --help"
    run 0 --all --help
    cmp -s out help || wrong "it is not there beside other flags"
    run 0 --version
    is "the version" "b2auth $(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml" | head -n 1)" "$(cat out)"
}
verdict "--help fits a page, and names every flag and status" help

options() {
    run 0 --options
    silent err
    sed -n 's/^\([a-z_0-9]*\)=.*/\1/p' out >names
    sed -n 's/^        name: "\(.*\)",$/\1/p' "$source/src/options/table.rs" >known
    cmp -s names known || wrong "$(diff names known | tr '\n' ' ')"
}
verdict "--options lists every option of the library" options

# ---- completions and man page ----

with_bash() {
    command -v bash >/dev/null || { echo "SKIP cli: completion by bash: it is missing"; return; }
    cat >complete.bash <<'END'
source "$1/cli/completions/b2auth.bash"
shift
COMP_WORDS=(b2auth "$@") COMP_CWORD=$#
_b2auth
echo "${COMPREPLY[*]}"
END
    completes() { is "what bash makes of $1" "$2" "$(bash complete.bash "$source" $1 2>&1)"; }
    completes "--exp" "--export"
    completes "doc" "doctor"
    completes "--field s3" "s3ApiUrl s3Region"
    completes "--set ca" "cache= ca_file="
    completes "--set cache = r" "refresh"
    completes "doctor --j" "--json"
    completes "store p" "purge"
    completes "store list --j" "--json"
    for name in $(cat known); do completes "--set $name=" "$name="; done
}
verdict "bash completes it" with_bash

with_zsh() {
    command -v zsh >/dev/null || { echo "SKIP cli: completion by zsh: it is missing (Debian: zsh)"; return; }
    # A terminal of its own, in which TAB is pressed; what stands there afterwards must have the word.
    cat >complete.zsh <<'END'
zmodload zsh/zpty
until_it_says() { local text line i; for i in {1..400}; do
    while zpty -r -t z line; do text+=$line; done; [[ $text = *$1* ]] && return 0; sleep 0.05; done; print -r -- "$text"; return 1 }
zpty z zsh -f -i
zpty -w z "fpath=($1/cli/completions \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word; print READ''Y"
until_it_says READY || exit 1
zpty -n -w z "$2"$'\t'
until_it_says "$3"
END
    completes() { zsh -f complete.zsh "$source" "$1" "$2" >said 2>&1 </dev/null || wrong "zsh does not make $2 of $1"; }
    completes "b2auth --exp" "--export"
    completes "b2auth doc" "doctor"
    completes "b2auth store pu" "purge"
    completes "b2auth --field s3R" "s3Region"
    completes "b2auth --set cac" "cache="
    completes "b2auth --set cache=re" "cache=refresh"
}
verdict "zsh completes it" with_zsh

with_fish() {
    command -v fish >/dev/null || { echo "SKIP cli: completion by fish: it is missing (Debian: fish)"; return; }
    completes() {
        said=$(HOME=$work fish --no-config -c "source $source/cli/completions/b2auth.fish; complete -C'b2auth $1'" | cut -f 1 | tr '\n' ' ')
        is "what fish makes of $1" "$2 " "$said"
    }
    completes "--exp" "--export"
    completes "doc" "doctor"
    completes "--field s3" "s3ApiUrl s3Region"
    completes "--set cache=" "cache= cache=bypass cache=refresh cache=use"
    completes "doctor --js" "--json"
    completes "store p" "purge"
}
verdict "fish completes it" with_fish

manual() {
    page=$source/docs/man/b2auth.1
    for flag in $(cat flags) doctor "store list" "store purge"; do
        grep -q -e "$(printf '%s' "$flag" | sed 's/-/\\\\-/g')" "$page" || wrong "b2auth.1 has no $flag"
    done
    for number in $(cat numbers) 64 74; do grep -q "^\.B $number\$" "$page" || wrong "b2auth.1 has no exit status $number"; done
}
verdict "b2auth.1 has every flag and exit status" manual
exit "$failed"
