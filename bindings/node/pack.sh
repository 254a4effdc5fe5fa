#!/bin/sh
# pack.sh DIRECTORY [PLATFORM=LIBRARY]…: packs the package for the registry, with these libraries as its prebuilds, and
# prints the tarball's path; the same files give the same bytes. A platform is one such as linux-x64, linuxmusl-x64,
# darwin-arm64 or win32-x64.
set -eu
directory=$(realpath "$1")
shift
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
here=$(dirname "$0")
# Links as what they point to: npm leaves them out.
cp -L "$here/package.json" "$here/README.md" "$here/LICENSE-MIT" "$here/LICENSE-APACHE" "$here/index.js" "$here/index.d.ts" "$stage"
cp -R "$here/lib" "$stage"
for prebuild in "$@"; do
    platform=${prebuild%%=*}
    case $platform in
        win32-*) name=b2auth.dll ;;
        darwin-*) name=libb2auth.dylib ;;
        linux-* | linuxmusl-*) name=libb2auth.so ;;
        *) echo "pack.sh: there is no platform $platform" >&2 && exit 1 ;;
    esac
    mkdir -p "$stage/prebuilds/$platform"
    cp -L "${prebuild#*=}" "$stage/prebuilds/$platform/$name"
done
find "$stage" -type f -exec chmod 644 {} +
cd "$stage"
echo "$directory/$(npm pack --silent --pack-destination "$directory" | tail -n 1)"
