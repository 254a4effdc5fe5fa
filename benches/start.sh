#!/usr/bin/env bash
# start.sh [ROUNDS]: what a first call over TLS costs in a fresh process, by this library, by libcurl with json-c, by b2sdk and by the b2
# tool, and what loading the library costs, with the library and the sandbox that are built. What is missing is named and left
# out. The lines are for report.py.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
built=$target/release work=$target/bench/start rounds=${1:-41}
mkdir -p "$work"
compile() { # name flag…
    local name=$1
    shift
    "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror "benches/start/$name.c" -o "$work/$name" "$@"
}
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror benches/start.c -o "$work/start" -ldl
compile b2auth -I include -L "$built" -lb2auth -Wl,-rpath,"$built"
ways=("b2auth=$work/b2auth") libraries=("$built/libb2auth.so")

if flags=$(pkg-config --cflags --libs libcurl json-c 2>&1); then
    # shellcheck disable=SC2086
    compile libcurl $flags
    ways+=("libcurl=$work/libcurl")
    libraries+=("$(ldd "$work/libcurl" | awk '/libcurl/ { print $3 }')")
else
    echo "SKIP libcurl: libcurl or json-c is missing (Debian, Ubuntu: libcurl4-openssl-dev libjson-c-dev)"
fi

# The b2 tool that is there will do. The tests of this script leave it out, with B2AUTH_BENCH_PYTHON=0.
# shellcheck disable=SC2034
root=$PWD venv=$target/interop/venv
# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh
if [ "${B2AUTH_BENCH_PYTHON:-1}" = 0 ]; then
    :
elif [ -x "$venv/bin/b2" ] || need_b2; then
    cat >"$work/b2" <<END
#!/bin/sh
B2_ACCOUNT_INFO=$work/account "$venv/bin/b2" account authorize --environment "\$B2_SANDBOX_HTTPS" >/dev/null 2>&1 &&
    echo "\$(wc -c <$work/account) 0 0 0" && rm $work/account
END
    chmod +x "$work/b2"
    # Not by way of a link, which would lose the virtual environment.
    ways+=("+b2sdk=$venv/bin/python benches/start/sdk.py" "+b2~tool=$work/b2")
else
    echo "SKIP b2sdk, b2 tool: they can't be installed with pip"
fi
rm -f "$work/account"
"$work/start" dlopen $((5 * rounds)) "${libraries[@]}"
tests/with-sandbox.sh "$target/debug/b2-sandbox" benches/bundle.sh "$work/start" run "$rounds" "${ways[@]}"
