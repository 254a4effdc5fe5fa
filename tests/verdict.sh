# Sourced by suites, with $work set to a folder of their own and $suite to what stands before their lines, if anything does.
#
# verdict WHAT COMMAND…: the command must succeed. What it printed is shown only if it failed; then $failed is 1.
failed=0
verdict() {
    judged=${suite:+$suite: }$1
    shift
    if "$@" >"$work/why" 2>&1; then
        echo "ok $judged"
    else
        tail -n 100 "$work/why"
        echo "not ok $judged"
        failed=1
    fi
}
