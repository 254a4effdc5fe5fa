#!/usr/bin/env bash
# A release archive: made twice from the same sources in different folders it is the same, byte for byte; its sums hold; its
# bill of materials is valid CycloneDX and names what Cargo.lock does; and what is in it works where it was unpacked.
#
# DIST_TARGET is the target, linux-x86_64 if not given.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
name=${DIST_TARGET:-linux-x86_64}
packaging/need.sh git curl python3 cc pkg-config >&2 || { echo "SKIP dist: a tool is missing"; exit 0; }
work=$(mktemp -d "$target/dist.XXXXXX")
trap 'rm -rf "$work"' EXIT
suite=dist
. tests/verdict.sh
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)

# In a folder of its own, with a target folder of its own; the tools are shared.
build_in() { # folder
    mkdir -p "$work/$1/target"
    git ls-files -z | xargs -0 cp --parents -t "$work/$1"
    ln -s "$target/tools" "$work/$1/target/tools"
    (cd "$work/$1" && env -u CARGO_TARGET_DIR packaging/dist.sh "$name")
}
verdict "it is built here" packaging/dist.sh "$name"
verdict "it is built from nothing in another folder" build_in a-folder/with/a-longer-name
archives=("$target/dist/b2auth-$version-$name".*)
same() { cmp "${archives[0]}" "$work/a-folder/with/a-longer-name/target/dist/$(basename "${archives[0]}")"; }
verdict "both are the same" same
[[ $failed = 0 ]] || exit 1
sums() { (cd "$target/dist" && sha256sum --check --strict SHA256SUMS); }
verdict "its sums hold" sums

mkdir "$work/unpacked"
if [[ ${archives[0]} = *.zip ]]; then
    python3 -m zipfile -e "${archives[0]}" "$work/unpacked"
else
    tar -C "$work/unpacked" -xf "${archives[0]}"
fi
tree=$work/unpacked/b2auth-$version-$name
docs=$tree/share/doc/b2auth

bill() {
    python3 -m venv "$target/tools/cyclonedx"
    packaging/again.sh "$target/tools/cyclonedx/bin/pip" install --quiet 'cyclonedx-python-lib[json-validation]'
    "$target/tools/cyclonedx/bin/python" - "$docs/sbom.cdx.json" Cargo.lock <<'END'
import json, re, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1], encoding="utf-8").read()
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if error:
    raise SystemExit(error)
locked = set(re.findall(r'name = "(.*)"\nversion = "(.*)"\nsource', open(sys.argv[2], encoding="utf-8").read()))
named = {(one["name"], one["version"]) for one in json.loads(text)["components"] if one["purl"].startswith("pkg:cargo/")}
if not {"ring", "rustls", "rusqlite", "ureq"} <= {name for name, _ in named}:
    raise SystemExit("it lacks crates")
if named - locked:
    raise SystemExit(f"not in Cargo.lock: {named - locked}")
END
}
verdict "its bill of materials is valid, and names crates of Cargo.lock" bill
licences() {
    python3 - "$docs" <<'END'
import json, pathlib, sys

docs = pathlib.Path(sys.argv[1])
text = (docs / "LICENSES-OF-CRATES.txt").read_text(encoding="utf-8")
for one in json.loads((docs / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]:
    if one["purl"].startswith("pkg:cargo/") and f"\n{one['name']} {one['version']}: " not in text:
        raise SystemExit(f"{one['name']} has no licence")
for name, words in {
    "Apache-2.0": "Apache License", "MIT": "Permission is hereby granted", "ISC": "Permission to use, copy, modify",
    "CDLA-Permissive-2.0": "Community Data License Agreement", "MPL-2.0": "Mozilla Public License",
    "BSD-3-Clause": "Redistribution and use in source",
}.items():
    named, texts = text.split("=" * 79, 1)
    if name in named and words not in texts:
        raise SystemExit(f"the text of {name} is missing")
END
}
verdict "it has the licence of every crate" licences
paths() {
    # Neither the folder that it was built in nor a home directory.
    ! grep -rlF -e "$work" -e "$root" -e "${CARGO_HOME:-$HOME/.cargo}/" "$tree"
}
verdict "no path of the machine is in it" paths

if [[ $name = "linux-$(uname -m)" ]]; then
    export PKG_CONFIG_PATH=$tree/lib/pkgconfig
    authorizes() { tests/with-sandbox.sh "$target/debug/b2-sandbox" "$1" | grep -x 'accountId  *4aa9865d6f00'; }
    shared() {
        cc -std=c99 examples-c/authorize.c $(pkg-config --cflags --libs b2auth) -o "$work/shared" &&
            LD_LIBRARY_PATH=$tree/lib authorizes "$work/shared"
    }
    static() {
        cc -std=c99 examples-c/authorize.c $(pkg-config --cflags b2auth) "$tree/lib/libb2auth.a" \
            $(pkg-config --static --libs-only-l b2auth | sed 's/-lb2auth//') -o "$work/static" && authorizes "$work/static"
    }
    verdict "its shared library works where it was unpacked" shared
    verdict "its static library works where it was unpacked" static
fi
exit "$failed"
