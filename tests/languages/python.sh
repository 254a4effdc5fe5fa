#!/usr/bin/env bash
# python.sh PREFIX SANDBOX [--quick | --all | PYTHON…]: the Python package against an installed library: its style and types,
# its wheel, its tests with the wheel installed, by the oldest, the newest and the default Python that are here and by those
# that are named, and its page's snippets. With --quick by the default Python alone, and without what changes seldom: what
# twine and auditwheel find in the wheel. With --all also by a Python without a global lock.
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=$(realpath "$1")
sandbox=$(realpath "$2")
shift 2
quick='' all=''
case ${1:-} in
    --quick) quick=1 && shift ;;
    --all) all=1 && shift ;;
esac
package=bindings/python
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
work=$(realpath "${CARGO_TARGET_DIR:-target}/languages")/python
library=$prefix/lib/libb2auth.so
# What comes over the network is tried again.
export PIP_RETRIES=10 PIP_TIMEOUT=60 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
unset B2AUTH_LIBRARY PYTHONPATH
mkdir -p "$work"
log=$work/log
suite=python
. tests/verdict.sh

# A folder for itself: Debian's python3 has venv in a package of its own.
environment() { # directory python
    "$2" -m venv "$1" && return
    packaging/apt-install.sh python3-venv && "$2" -m venv "$1"
}
tools=$work/tools
if [ ! -e "$tools/ready" ] || ! cmp -s "$package/requirements-dev.txt" "$tools/ready"; then
    rm -rf "$tools"
    if ! { environment "$tools" python3 && "$tools/bin/pip" -q install -r "$package/requirements-dev.txt"; } >"$log" 2>&1; then
        cat "$log"
        echo "SKIP python: its tools could not be installed"
        exit 0
    fi
    cp "$package/requirements-dev.txt" "$tools/ready"
fi
PATH=$tools/bin:$PATH

verdict "style" ruff check -q --no-cache "$package"
verdict "layout" ruff format --check -q --no-cache "$package"
verdict "types" mypy --strict --no-incremental --config-file "$package/pyproject.toml" "$package/src" "$package/wheel.py"

# ---- the wheel ----

rm -rf "$work/wheels" "$work/again" "$work/pure"
echo '{"spdxVersion": "SPDX-2.3"}' >"$work/b2auth.spdx.json"
build() { python3 "$package/wheel.py" "$library" "linux_$(uname -m)" "$1" "$work/b2auth.spdx.json"; }
same_twice() {
    build "$work/wheels"
    # Of another time and with other rights.
    cp -R "$package" "$work/again.src"
    find "$work/again.src" -exec touch -h -d 2001-01-01 {} +
    find "$work/again.src" -type f -exec chmod 600 {} +
    rm "$work"/again.src/LICENSE-*
    cp LICENSE-* "$work/again.src"
    python3 "$work/again.src/wheel.py" "$library" "linux_$(uname -m)" "$work/again" "$work/b2auth.spdx.json"
    rm -rf "$work/again.src"
    cmp "$work"/wheels/*.whl "$work"/again/*.whl
}
verdict "the same files make the same wheel" same_twice
wheel=$(echo "$work"/wheels/*.whl)
holds() {
    python3 -m zipfile -l "$wheel" | cut -d ' ' -f 1 >"$work/names"
    for name in b2auth/libb2auth.so b2auth/py.typed b2auth-*.dist-info/licenses/LICENSE-{MIT,APACHE} \
        b2auth-*.dist-info/sboms/b2auth.spdx.json; do
        grep -x "${name//\*/.*}" "$work/names"
    done
}
verdict "the wheel has the library, the licences, the types and the SBOM" holds
if [ -z "$quick" ]; then
    verdict "twine takes the wheel" twine check --strict "$wheel"
    audited() {
        auditwheel show "$wheel" | tee "$work/audit"
        tr '\n' ' ' <"$work/audit" | grep -E 'consistent with the +following platform tag: "(many)?linux_'
    }
    verdict "auditwheel names a platform for the wheel" audited
    pure() { python3 -m pip wheel -q --no-build-isolation --no-deps -w "$work/pure" "$package" && ls "$work"/pure/b2auth-*-py3-none-any.whl; }
    verdict "without a library the wheel is for any platform" pure
fi

# ---- its tests ----

# The oldest and the newest besides the default one.
pythons() {
    for python in $(compgen -c | grep -xE 'python3(\.[0-9]+)?t?' | sort -u) "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
        "$python" -c 'import sys, ctypes; v = sys.version_info; v >= (3, 8) and print(v.minor, sys.executable)' 2>/dev/null || true
    done | sort -n -u -k 1,1
}
run_tests() { # name python test…
    local name=$1 python=$2 home=$work/home-$1
    shift 2
    rm -rf "$home"
    environment "$home" "$python" >"$log" 2>&1 && "$home/bin/python" -m pip -q install "$wheel" >>"$log" 2>&1 || {
        cat "$log"
        echo "not ok python: the wheel installs for $name"
        failed=1
        return
    }
    [ "$name" != default ] || "$home/bin/python" -m pip -q install -c "$package/requirements-dev.txt" requests httpx
    # From elsewhere, so that what is installed is what is tested.
    (cd "$work" && "$OLDPWD/tests/with-sandbox.sh" "$sandbox" "$home/bin/python" "$OLDPWD/$package/tests/run.py" "$@") || failed=1
}
others=$(cd "$package/tests" && ls test_*.py | sed 's/\.py$//' | grep -v test_http)
run_tests default python3
default=$(python3 -c 'import sys; print(sys.version_info.minor)')
: >"$work/others"
[ -n "$quick" ] || pythons | grep -v "^$default " | sed -n '1p;$p' | uniq >"$work/others"
while read -r minor python; do
    # What only needs another library is not run by each version.
    run_tests "3.$minor" "$python" $others </dev/null
done <"$work/others"

if [ -n "$all" ]; then
    if free=$(tests/languages/free-threaded.sh 2>"$log"); then
        run_tests free-threaded "$free" $others </dev/null
    else
        echo "SKIP python: without a global lock: $(tail -n 1 "$log")"
    fi
fi

for python in "$@"; do run_tests "$(basename "$python")" "$python" $others </dev/null; done

# As a program with types sees it.
cat >"$work/typed.py" <<'PYTHON'
import b2auth
import b2auth.aio
import b2auth.httpx
import b2auth.requests

session: b2auth.Session = b2auth.authorize(max_attempts=2, cache="use", options=b2auth.Options(realm="production"))
left: int = session.seconds_left
report: b2auth.Report = b2auth.diagnose(store="file:/nowhere", diagnose="store")
advice: list[str] = [step["advice"] for step in report["steps"] if step["advice"] is not None]
PYTHON
cat >"$work/mistyped.py" <<'PYTHON'
import b2auth

b2auth.authorize(max_attempt=2)
b2auth.authorize(cache="always")
b2auth.authorize().account_id = "x"
b2auth.diagnose(diagnose="everything")
b2auth.diagnose()["steps"][0]["advise"]
PYTHON
check() { mypy --strict --no-incremental --python-executable "$work/home-default/bin/python" "$1"; }
verdict "a program's types are good" check "$work/typed.py"
mistyped() { ! check "$work/mistyped.py" | tee "$work/mistyped" && [ "$(grep -c 'error:' "$work/mistyped")" = 5 ]; }
verdict "a program's mistakes are found" mistyped

# ---- the page ----

rm -rf "$work/page"
tests/languages/snippets.sh docs/languages/python.md python "$work/page"
for snippet in $(cd "$work/page" && printf '%s\n' *.python | sort -n); do
    number=${snippet%.python}
    shows() {
        tests/with-sandbox.sh "$sandbox" "$work/home-default/bin/python" "$work/page/$snippet" >"$work/said" 2>"$work/err" || {
            cat "$work/err"
            return 1
        }
        [ ! -e "$work/page/$number.text" ] || diff "$work/page/$number.text" "$work/said"
    }
    verdict "docs/languages/python.md: snippet $number" shows
done
exit "$failed"
