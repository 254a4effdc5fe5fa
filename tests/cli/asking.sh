# How it asks B2. Sourced by run.sh.

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
