# Its exit statuses. Sourced by run.sh.

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
