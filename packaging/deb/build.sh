#!/usr/bin/env bash
# build.sh: Debian packages from the release build for glibc 2.17, which it brings up to date, into target/deb: libb2auth0,
# libb2auth-dev and b2auth-tools. ARCH is the target's (x86_64, aarch64 or armv7).
set -euo pipefail
cd "$(dirname "$0")/../.."
here=packaging/deb
arch=${ARCH:-$(uname -m)}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
out=$target_dir/deb
tree=$target_dir/cross/linux-$arch
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH=$epoch
case $arch in
    x86_64) debian=amd64 multiarch=x86_64-linux-gnu ;;
    aarch64) debian=arm64 multiarch=aarch64-linux-gnu ;;
    armv7) debian=armhf multiarch=arm-linux-gnueabihf ;;
    *) echo "build.sh: no packages for $arch" >&2; exit 1 ;;
esac
packaging/need.sh dpkg-deb fakeroot >&2 || { echo "to build the packages, install dpkg and fakeroot" >&2; exit 1; }
packaging/cross/build.sh "linux-$arch"
. packaging/cross/targets.sh
describe "linux-$arch"
base=$target_dir/cross
. packaging/cross/tools.sh
zig_tools
export ZIG_GLOBAL_CACHE_DIR=$base/zig-cache ZIG_LOCAL_CACHE_DIR=$base/zig-cache

rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# dpkg-shlibdeps would write the glibc of the machine that it runs on, so the bound is written by hand. It is what
# tests/cross/check-elf.sh holds the library to.
glibc="libc6 (>= $glibc)"

package() { # name section depends summary, the long description on standard input
    local name=$1 section=$2 depends=$3 summary=$4 root=$work/$1 doc
    doc=$root/usr/share/doc/$name
    mkdir -p "$root/DEBIAN" "$doc"
    {
        echo "Package: $name"
        echo "Source: b2auth"
        echo "Version: $version-1"
        echo "Architecture: $debian"
        echo "Maintainer: ${MAINTAINER:-b2auth <b2auth@example.org>}"
        echo "Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f 1)"
        echo "Depends: $depends"
        echo "Section: $section"
        echo "Priority: optional"
        [[ $name = b2auth-tools ]] || echo "Multi-Arch: same"
        echo "Description: $summary"
        sed 's/^/ /'
    } >"$root/DEBIAN/control"
    install -m 644 "$here/copyright" "$doc/copyright"
    sed "s/@VERSION@/$version/; s/@DATE@/$(date -u -R -d "@$epoch")/" "$here/changelog.in" | gzip -n -9 >"$doc/changelog.Debian.gz"
    gzip -n -9 <CHANGELOG.md >"$doc/changelog.gz"
    [[ $name = b2auth-tools ]] || gzip -n -9 <"$tree/share/doc/b2auth/LICENSES-OF-CRATES.txt" >"$doc/LICENSES-OF-CRATES.txt.gz"
    [[ ! -f $here/$name.triggers ]] || install -m 644 "$here/$name.triggers" "$root/DEBIAN/triggers"
    [[ $name != libb2auth0 ]] || echo "libb2auth $major libb2auth$major" >"$root/DEBIAN/shlibs"
    [[ $name != libb2auth0 ]] || symbols >"$root/DEBIAN/symbols"
    (cd "$root" && find usr -type f -printf '%P\0' | LC_ALL=C sort -z | (cd usr && xargs -0 md5sum) | sed 's,  ,  usr/,') \
        >"$root/DEBIAN/md5sums"
    find "$root" -type d -exec chmod 755 {} +
    find "$root" -exec touch --no-dereference --date="@$epoch" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_$version-1_$debian.deb"
}

page() { # file, the package's usr
    local folder=$2/share/man/man${1##*.}
    mkdir -p "$folder"
    gzip -n -9 <"$1" >"$folder/$(basename "$1").gz"
}

# What dpkg-shlibdeps gives programs as their dependency: the version that a function came with.
symbols() {
    echo "libb2auth.so.$major libb2auth$major #MINVER#"
    packaging/names.sh | sed "s/.*/ &@Base $version/"
}

lib=$work/libb2auth0/usr/lib/$multiarch
mkdir -p "$lib"
install -m 644 "$tree/lib/libb2auth.so.$version" "$lib/"
ln -s "libb2auth.so.$version" "$lib/libb2auth.so.$major"
package libb2auth0 libs "$glibc" "authorize with Backblaze B2 once a day (shared library)" <"$here/libb2auth0.description"

dev=$work/libb2auth-dev/usr
mkdir -p "$dev/include" "$dev/lib/$multiarch/pkgconfig"
install -m 644 "$tree"/include/* "$dev/include/"
# C and C++ alone: another package may have a module.modulemap in the same folder.
rm -f "$dev/include/module.modulemap"
install -m 644 "$tree/lib/libb2auth.a" "$dev/lib/$multiarch/"
ln -s "libb2auth.so.$major" "$dev/lib/$multiarch/libb2auth.so"
libs=$(cat "$tree.libs")
packaging/pc.sh "$version" "lib/$multiarch" "$libs" >"$dev/lib/$multiarch/pkgconfig/b2auth.pc"
packaging/cmake.sh "$version" "lib/$multiarch" "$dev/lib/$multiarch/cmake/b2auth" "$libs"
page docs/man/libb2auth.3 "$dev"
package libb2auth-dev libdevel "libb2auth$major (= $version-1), libc6-dev" "authorize with Backblaze B2 once a day (development)" \
    <"$here/libb2auth-dev.description"

tools=$work/b2auth-tools/usr
mkdir -p "$tools/bin"
"$python" -m ziglang cc -target "$zig_triple" -std=c99 -O2 -D_POSIX_C_SOURCE=200809L -s -I include cli/*.c -o "$tools/bin/b2auth" \
    -L "$tree/lib" -lb2auth -lpthread -Wl,-z,relro -Wl,-z,now -fPIE -pie
page docs/man/b2auth.1 "$tools"
install -D -m 644 cli/completions/b2auth.bash "$tools/share/bash-completion/completions/b2auth"
install -D -m 644 cli/completions/_b2auth "$tools/share/zsh/vendor-completions/_b2auth"
install -D -m 644 cli/completions/b2auth.fish "$tools/share/fish/vendor_completions.d/b2auth.fish"
package b2auth-tools utils "libb2auth$major (= $version-1), $glibc" "authorize with Backblaze B2 once a day (command)" \
    <"$here/b2auth-tools.description"
