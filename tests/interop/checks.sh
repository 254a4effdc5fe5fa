# shellcheck shell=sh disable=SC2154
# What is asked of each client, and how the outcome is told.

ok() {
    passed=$((passed + 1))
    echo "ok - $1"
}

not_ok() {
    failed=$((failed + 1))
    echo "not ok - $1: $2"
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP $1: $2"
}

report() {
    echo "interop: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] && { [ "${CI:-}" != true ] || [ "$skipped" = 0 ]; }
}

# field NAME... - a part of the ready line
field() {
    python3 "$here/field.py" "$ready" "$@"
}

# proven NAME VERSIONS CALLS - runs "$@" after that, and has the log witness it
proven() {
    name=$1 versions=$2 calls=$3
    shift 3
    if ! timeout 120 "$@" >"$work/out" 2>&1; then
        not_ok "$name" "$(tail -n 3 "$work/out" | tr '\n' ' ')"
        python3 "$here/witness.py" "$control" "$versions" "$calls" >/dev/null
        return 1
    fi
    if said=$(python3 "$here/witness.py" "$control" "$versions" "$calls"); then
        ok "$name ($said)"
    else
        not_ok "$name" "$said"
        return 1
    fi
}

# shows NAME TEXT... - the last command's output has each text
shows() {
    name=$1
    shift
    for text in "$@"; do
        grep -q -- "$text" "$work/out" || { not_ok "$name" "no $text in the output"; return; }
    done
    ok "$name"
}

check_b2_tool() {
    b2=$venv/bin/b2
    proven "b2 account authorize" 4 "" \
        "$b2" account authorize --environment "$http" "$id" "$key"
    proven "b2 bucket list" "" b2_list_buckets "$b2" bucket list &&
        shows "b2 bucket list shows the buckets" my-bucket photos
    restricted_id=$(field keys 3 keyId) restricted_key=$(field keys 3 key)
    # A key of the kind that older versions refuse, over https.
    restricted_id=$(field keys 3 keyId) restricted_key=$(field keys 3 key)
    proven "b2 bucket get with a restricted key" 4 b2_list_buckets \
        env B2_ENVIRONMENT="$https" REQUESTS_CA_BUNDLE="$ca" B2_ACCOUNT_INFO="$work/other" \
        B2_APPLICATION_KEY_ID="$restricted_id" B2_APPLICATION_KEY="$restricted_key" \
        "$b2" bucket get photos && shows "b2 bucket get shows the bucket" e0f1e2c3b4a5968778695a4c
}

# Its older interface still speaks version 3.
check_b2sdk() {
    for interface in v3:4 v2:3; do
        proven "b2sdk.${interface%:*} authorizes, lists, and tells a wrong key" "${interface#*:}" \
            b2_list_buckets,b2_upload_file \
            "$venv/bin/python" "$here/sdk.py" "${interface%:*}" "$http" "$id" "$key"
    done
}

# Debian's is of version 1; newer ones are of version 4.
check_rclone() {
    export RCLONE_CONFIG_INTEROP_TYPE=b2 RCLONE_CONFIG_INTEROP_ACCOUNT="$id" RCLONE_CONFIG_INTEROP_KEY="$key"
    export RCLONE_CONFIG_INTEROP_ENDPOINT="$https"
    set -- rclone --config "$work/none.conf" --ca-cert "$ca"
    proven "rclone lsd" 1,4 b2_list_buckets "$@" lsd interop: &&
        shows "rclone lsd shows the buckets" my-bucket photos
    # In this mode every token is good for one call, so that rclone has to authorize anew.
    proven "rclone goes on when its tokens expire" 1,4 b2_list_buckets \
        env RCLONE_B2_TEST_MODE=expire_some_account_authorization_tokens \
        "$@" copy "$here" interop:photos/interop
    proven "rclone reads back what it wrote" 1,4 "" "$@" check "$here" interop:photos/interop
}

# It has no option for the server, so it is led there by the host name.
check_restic() {
    timeout 240 unshare "$namespace" "$here/restic.sh" "$sandbox" "$here" "$work/restic" \
        >"$work/out" 2>&1
    if grep -q '^proven: ' "$work/out"; then
        ok "restic keeps a repository ($(sed -n 's/^proven: //p' "$work/out"))"
    else
        not_ok restic "$(tail -n 3 "$work/out" | tr '\n' ' ')"
    fi
}
