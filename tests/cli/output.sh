# What it prints, and in which form. Sourced by run.sh.

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
