# b2auth doctor. Sourced by run.sh.

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
