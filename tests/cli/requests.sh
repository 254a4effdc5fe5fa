# b2auth -, which answers requests in JSON. Sourced by run.sh.

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
