#!/bin/sh
# check-universal.sh BASE: of the two macOS builds in BASE makes universal libraries and an xcframework, and looks at them.
set -eu
base=$1
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../packaging/need.sh" llvm-lipo-19 python3 >&2 || { echo "SKIP install llvm-lipo (Debian: llvm-19)"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/../verdict.sh"

verdict "they are made" "$here/../../packaging/macos/universal.sh"
both() { # file: each half is the build for that processor, byte for byte
    [ "$(llvm-lipo-19 -archs "$base/macos-universal/$1" | tr ' ' '\n' | sort | xargs)" = "arm64 x86_64" ] || return 1
    for arch in arm64 x86_64; do
        llvm-lipo-19 "$base/macos-universal/$1" -thin "$arch" -output "$work/thin"
        cmp "$work/thin" "$base/macos-$arch/$1" || return 1
    done
}
verdict "the dylib has both builds in it" both lib/libb2auth.dylib
verdict "the archive has both builds in it" both lib/libb2auth.a
framework() {
    python3 - "$base/b2auth.xcframework" <<'PYTHON' || return 1
import pathlib, plistlib, sys

framework = pathlib.Path(sys.argv[1])
for library in plistlib.loads((framework / "Info.plist").read_bytes())["AvailableLibraries"]:
    folder = framework / library["LibraryIdentifier"]
    if set(library["SupportedArchitectures"]) != {"arm64", "x86_64"} or library["SupportedPlatform"] != "macos":
        raise SystemExit(f"it is for {library}")
    for file in library["LibraryPath"], library["HeadersPath"] + "/b2auth.h", library["HeadersPath"] + "/module.modulemap":
        if not (folder / file).is_file():
            raise SystemExit(f"it has no {file}")
PYTHON
    cmp "$base/macos-universal/lib/libb2auth.a" "$base"/b2auth.xcframework/*/libb2auth.a
}
verdict "the xcframework has what its Info.plist names" framework
exit "$failed"
