#!/usr/bin/env bash
# wheels.sh SANDBOX [TARGET…]: the wheels that packaging/wheels.sh builds: what auditwheel and twine say of each, that pip takes the
# right one on each system, and the package's tests with this machine's one. A library that is built already is not built anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
sandbox=$(realpath "$1")
shift
[ $# != 0 ] || set -- linux-x86_64 linux-aarch64 musl-x86_64 musl-aarch64 windows-x86_64
package=$PWD/bindings/python
mkdir -p "${CARGO_TARGET_DIR:-target}/languages/wheels"
work=$(realpath "${CARGO_TARGET_DIR:-target}/languages/wheels")
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
unset B2AUTH_LIBRARY PYTHONPATH LD_LIBRARY_PATH
suite=wheels
. tests/verdict.sh

packaging/need.sh python3-venv readelf >"$work/why" 2>&1 || { echo "SKIP wheels: $(tail -n 1 "$work/why")" && exit 0; }
tools=$work/tools
if ! cmp -s "$package/requirements-dev.txt" "$tools/ready"; then
    rm -rf "$tools"
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" -q install --retries 10 -r "$package/requirements-dev.txt"; } >"$work/why" 2>&1; then
        cat "$work/why"
        echo "SKIP wheels: their tools could not be installed"
        exit 0
    fi
    cp "$package/requirements-dev.txt" "$tools/ready"
fi
PATH=$tools/bin:$PATH
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$package/src/b2auth/__init__.py")

rm -rf "$work/all"
mkdir "$work/all"
for target in "$@"; do
    if ! KEEP=1 packaging/wheels.sh "$target" >"$work/made" 2>"$work/why"; then
        tail -n 20 "$work/why"
        echo "not ok wheels: $target is built"
        failed=1
        continue
    fi
    wheel=$(tail -n 1 "$work/made")
    cp "$wheel" "$work/all"
    rm -rf "$work/open"
    python3 -m zipfile -e "$wheel" "$work/open"
    verdict "$target: twine takes it" twine check --strict "$wheel"
    verdict "$target: an SBOM and the licences are in it" ls "$work"/open/b2auth-*.dist-info/sboms/sbom.cdx.json \
        "$work"/open/b2auth-*.dist-info/licenses/LICENSE-{MIT,APACHE}
    case $target in
        linux-*) # auditwheel finds out by itself how old a system may be
            audited() { auditwheel show "$wheel" | tee /dev/stderr | tr '\n' ' ' | grep "platform tag: \"manylinux_2_17_${target#*-}\""; }
            verdict "$target: auditwheel says manylinux_2_17" audited
            ;;
        musl-*) # of which auditwheel knows nothing on a machine with glibc
            alone() { [ "$(readelf -d "$work/open/b2auth/libb2auth.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')" = libc.so ]; }
            verdict "$target: it needs nothing but musl" alone
            ;;
        windows-*)
            dll() { objdump -p "$work/open/b2auth/b2auth.dll" | grep -c '\bb2_authorize_with$'; }
            verdict "$target: the DLL is in it" dll
            ;;
    esac
    # pip, told of a system, takes its wheel among all of them.
    case $target in
        linux-*) platform=manylinux2014_${target#*-} ;;
        musl-*) platform=musllinux_1_2_${target#*-} ;;
        windows-x86_64) platform=win_amd64 ;;
        *) continue ;;
    esac
    echo "$target $platform $(basename "$wheel")" >>"$work/all/platforms"
done
while read -r target platform name; do
    rm -rf "$work/picked"
    picked() {
        pip download -q --no-index --find-links "$work/all" --no-deps --only-binary :all: --platform "$platform" -d "$work/picked" b2auth &&
            [ "$(ls "$work/picked")" = "$name" ]
    }
    verdict "$target: pip takes it for $platform" picked
done <"$work/all/platforms"

if [[ " $* " = *" linux-$(uname -m) "* ]]; then
    rm -rf "$work/fresh"
    installed() {
        python3 -m venv "$work/fresh" &&
            "$work/fresh/bin/pip" -q install --no-index --find-links "$work/all" "b2auth==$version" &&
            [ "$(cd "$work" && "$work/fresh/bin/python" -c 'import b2auth; print(b2auth.__version__)')" = "$version" ]
    }
    verdict "pip installs this machine's" installed
    (cd "$work" && "$package/../../tests/with-sandbox.sh" "$sandbox" "$work/fresh/bin/python" "$package/tests/run.py" \
        test_session test_errors test_library) || failed=1
fi
exit "$failed"
