#!/bin/bash
# A thousand machines with one Redis, plain and over TLS, and their requests as the sandbox counts them. Each machine is a
# process made by fork, with nothing in its cache (tests/store/machines.c).
#
#   tests/store/fleet.sh          what is short
#   tests/store/fleet.sh --all    the long ones as well: B2 takes 5 s and 12 s, and the limit of a fleet that refreshes
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
if [[ -z ${B2_SANDBOX:-} ]]; then exec tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0" "$@"; fi
missing=$(packaging/need.sh cc curl python3 openssl redis-server) ||
    { echo "SKIP store: a fleet: $missing" | tr '\n' ' '; echo; exit 0; }
# shellcheck source=tests/store/redis.sh
. tests/store/redis.sh
work=$(mktemp -d)
trap 'stop_redis; rm -rf "$work"' EXIT
cc -std=c99 -O1 -D_POSIX_C_SOURCE=200809L -I include tests/store/machines.c -o "$work/machines" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
failed=0
machines=1000

# ---- one round, and what came of it ----

faults() { curl -fsS -d "{\"keyId\":\"*\",\"faults\":[$1]}" "$B2_SANDBOX/script" >/dev/null; }
forget() { curl -fsS -X DELETE "$B2_SANDBOX/log" >/dev/null; }
requests() { curl -fsS "$B2_SANDBOX/count" | tr -cd 0-9; }
# B2 is some 300 ms away.
b2='{"delayMs":300,"times":0}'
fresh() { # an empty Redis
    "${redis_cli[@]}" FLUSHALL >/dev/null
    forget
}
ask() { # store what count spread_ms rounds option…: a line for each round, in $work/lines
    local store=$1
    shift
    B2_TOKEN_STORE=$store "$work/machines" "$@" >"$work/lines" 2>"$work/why" || { cat "$work/why"; return 1; }
}
value() { # round name
    sed -n "$1p" "$work/lines" | tr ' ' '\n' | sed -n "s/^$2=//p"
}
verdict() { # what ok?
    if [[ $2 = 1 ]]; then echo "ok store: $1"; else echo "not ok store: $1"; sed 's/^/    /' "$work/lines"; failed=1; fi
}
# A machine whose time for the store is used up goes on without it: on two cores that do other work as well, 1,000 at once may
# take that long. So a run in which that happened is repeated, and counts if it never goes well.
well() { # tries check…
    local tries=$1
    shift
    while ((tries--)); do
        if "$@"; then echo 1; return; fi
    done
    echo 0
}

all_got_one_token() { # round
    [[ $(value "$1" sessions) = "$machines" && $(value "$1" tokens) = 1 && $(value "$1" old) = 0 ]]
}

# ---- at once: one request, and then none ----

at_once() { # store spread_ms stopped
    fresh
    if [[ $3 = stopped ]]; then
        # From just before they start, for a second.
        kill -STOP "$redis"
        { sleep 1; kill -CONT "$redis"; } &
    fi
    ask "$1" authorize "$machines" "$2" 2
    [[ $(requests) = 1 && $(value 1 requests) = 1 && $(value 2 requests) = 0 && $(value 2 hits) = "$machines" ]] &&
        all_got_one_token 1 && all_got_one_token 2
}

# ---- a token that B2 refuses ----

rejected() { # store
    fresh
    ask "$1" rejected "$machines" 300 2
    # One for the token that is refused then.
    [[ $(requests) = 2 && $(value 1 requests) = 1 && $(value 2 requests) = 0 ]] && all_got_one_token 1 && all_got_one_token 2
}
invalidated() { # store
    fresh
    ask "$1" invalidated "$machines" 300 1
    [[ $(requests) = 2 ]] && all_got_one_token 1
}

# ---- failures ----

# The least time between two requests, as the sandbox saw them.
least_gap() {
    curl -fsS "$B2_SANDBOX/log" | python3 -c '
import json, sys
log = json.load(sys.stdin)
times = [entry["timeMs"] for entry in (log if isinstance(log, list) else log["log"])]
print(min(b - a for a, b in zip(times, times[1:])))'
}
retry_after() { # store
    fresh
    faults "{\"status\":503,\"retryAfter\":1,\"times\":2},$b2"
    ask "$1" authorize "$machines" 300 1
    faults "$b2"
    [[ $(requests) = 3 && $(least_gap) -ge 1000 ]] && all_got_one_token 1
}
wrong_key() { # store
    fresh
    B2_APPLICATION_KEY=K001wrong ask "$1" authorize "$machines" 300 1
    [[ $(requests) = 1 && $(value 1 B2_BAD_CREDENTIALS) = "$machines" ]]
}
broken() { # store
    fresh
    faults "{\"cut\":{\"how\":\"reset\",\"at\":0},\"times\":3},$b2"
    ask "$1" authorize "$machines" 300 1
    faults "$b2"
    [[ $(requests) = 4 ]] && all_got_one_token 1
}

# ---- the long ones ----

slow_b2() { # store delay_ms most
    fresh
    faults "{\"delayMs\":$2,\"times\":0}"
    ask "$1" authorize "$machines" 300 1
    faults "$b2"
    [[ $(requests) -le $3 && $(value 1 sessions) = "$machines" ]]
}
# 300 machines ask for a new token six times each, in 10 s at most: 5 at once, and then 20 a minute.
budget() { # store
    local start=$SECONDS most
    fresh
    ask "$1" refresh 300 300 1 total_timeout_ms=10000
    most=$((5 + (SECONDS - start + 1) / 3 + 1))
    echo "    $(requests) requests of at most $most" >>"$work/lines"
    [[ $(requests) -le $most && $(requests) -ge 5 ]]
}

make_certificates "$work"
tls_port=$(free_port)
start_redis "$work" --tls-port "$tls_port" --tls-auth-clients no --tls-cert-file "$work/server.pem" \
    --tls-key-file "$work/server.key" --tls-ca-cert-file "$work/ca.pem"
redis_cli=(redis-cli -s "$work/socket")
faults "$b2"
plain=redis://127.0.0.1:$port
tls="rediss://localhost:$tls_port?ca_file=$work/ca.pem"

verdict "1,000 machines at once: 1 request, then 0" "$(well 3 at_once "$plain" 0 '')"
sed -n 1p "$work/lines" | sed 's/^/    /'
verdict "1,000 machines within a second, over TLS: 1 request, then 0" "$(well 3 at_once "$tls" 1000 '')"
sed -n 1p "$work/lines" | sed 's/^/    /'
verdict "1,000 machines while Redis is stopped for a second: 1 request, then 0" "$(well 3 at_once "$plain" 0 stopped)"
verdict "1,000 machines whose token is refused: 1 request, again with the same: 0" "$(well 3 rejected "$plain")"
verdict "a token that one of them invalidated: no other gets it" "$(well 3 invalidated "$plain")"
verdict "B2 is busy twice for 1 s: 3 requests, 1 s apart, for 1,000 machines" "$(well 3 retry_after "$plain")"
verdict "a wrong key on 1,000 machines: 1 request" "$(well 3 wrong_key "$plain")"
verdict "three connections that break: 4 requests for 1,000 machines" "$(well 3 broken "$plain")"
if [[ ${1:-} = --all ]]; then
    verdict "B2 takes 5 s: 2 requests at most for 1,000 machines" "$(well 3 slow_b2 "$plain" 5000 2)"
    verdict "B2 takes 12 s: 5 requests at most for 1,000 machines" "$(well 3 slow_b2 "$plain" 12000 5)"
    verdict "300 machines that refresh 6 times each keep to 20 a minute" "$(well 1 budget "$plain")"
fi
exit "$failed"
