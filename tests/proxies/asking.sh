# shellcheck shell=sh disable=SC2034,SC2154
# A call, and what is held of its outcome.

ok() {
    passed=$((passed + 1))
    echo "ok proxies: $1"
}

not_ok() {
    failed=$((failed + 1))
    echo "not ok proxies: $1: $2"
}

# ask_in "NAME=VALUE..." OPTION=VALUE... - one call with these options in this environment
ask_in() {
    environment=$1
    shift
    seen_before=$(seen)
    for log in "$work"/*.log; do wc -l <"$log" >"$log.before"; done
    # shellcheck disable=SC2086
    env $environment timeout 20 "$program" realm="$realm" max_attempts=1 "$@" >"$work/out" 2>"$work/more"
    IFS='|' read -r status requests ms message <"$work/out"
    if leak=$(grep -aF -f "$work/secrets" "$work/out" "$work/more"); then
        not_ok "a secret is told" "$leak"
    fi
}

# ask OPTION=VALUE... - in an environment without proxies
ask() {
    ask_in "" "$@"
}

# gives NAME STATUS TEXT... - that is how it ended, and the message and the hint have each text
gives() {
    name=$1 wanted=$2
    shift 2
    if [ "$status" != "$wanted" ]; then
        not_ok "$name" "$wanted was expected: $(cat "$work/out")"
        return 1
    fi
    for text in "$@"; do
        case $message in
            *"$text"*) ;;
            *) not_ok "$name" "there is no \"$text\": $message"; return 1 ;;
        esac
    done
    ok "$name"
}

# once NAME - it was not tried again, and the error says that there is no use in it
once() {
    if [ "$requests" != 1 ] || ! grep -q '"retryable":false' "$work/more"; then
        not_ok "$1" "$requests requests, $(cat "$work/more")"
    else
        ok "$1"
    fi
}

# seen - how often somebody has connected to the sandbox over https
seen() {
    curl -sS --noproxy '*' "$control/connections?listener=https"
}

# news NAME - what this proxy has logged since the call
news() {
    tail -n "+$(($(cat "$work/$1.log.before") + 1))" "$work/$1.log"
}

# through NAME PROXY TEXT - a session came, the proxy's own log has a new line with TEXT, and the sandbox was called once
through() {
    tries=0
    until news "$2" | grep -qF -e "$3"; do
        tries=$((tries + 1))
        if [ $tries -gt 40 ]; then
            not_ok "$1" "nothing of \"$3\" in the log of $2: $(cat "$work/out"; news "$2")"
            return
        fi
        sleep 0.05
    done
    if [ "$seen_before" = "$(seen)" ]; then
        not_ok "$1" "the sandbox was not called: $(cat "$work/out")"
        return
    fi
    gives "$1" B2_OK
}

# past NAME PROXY... - a session came, and none of these proxies has heard of it
past() {
    name=$1
    shift
    for proxy in "$@"; do
        [ -z "$(news "$proxy")" ] || { not_ok "$name" "$proxy was called: $(news "$proxy")"; return; }
    done
    gives "$name" B2_OK
}
