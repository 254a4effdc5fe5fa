# What the library is built for. Sourced; `describe NAME` sets what is said of a target, and fails for an unknown name.

# What a release is made of.
RELEASED="linux-x86_64 linux-aarch64 linux-armv7 musl-x86_64 musl-aarch64 windows-x86_64 windows-i686 macos-arm64 macos-x86_64"
# Built and run as a test of the code alone: the first is big-endian.
TESTED="linux-s390x"

describe() {
    name=$1 kind=${1%%-*} arch=${1#*-}
    binutils= glibc=
    case $name in
        linux-x86_64 | linux-aarch64 | linux-s390x) triple=$arch-unknown-linux-gnu glibc=2.17 ;;
        linux-armv7) triple=armv7-unknown-linux-gnueabihf glibc=2.17 ;;
        musl-x86_64 | musl-aarch64) triple=$arch-unknown-linux-musl ;;
        # Windows 7 and later; the other Rust targets need Windows 10.
        windows-x86_64 | windows-i686) triple=$arch-win7-windows-gnu ;;
        macos-arm64) triple=aarch64-apple-darwin ;;
        macos-x86_64) triple=x86_64-apple-darwin ;;
        *) return 1 ;;
    esac
    case $name in
        linux-armv7) zig_triple=arm-linux-gnueabihf.$glibc binutils=arm-linux-gnueabihf- ;;
        linux-*) zig_triple=$arch-linux-gnu.$glibc binutils=$arch-linux-gnu- ;;
        musl-*) zig_triple=$arch-linux-musl binutils=$arch-linux-gnu- ;;
        windows-*) zig_triple=${arch/i686/x86}-windows-gnu binutils=$arch-w64-mingw32- ;;
        macos-arm64) zig_triple=aarch64-macos.11.0 ;;
        macos-x86_64) zig_triple=x86_64-macos.11.0 ;;
    esac
}
