#!/usr/bin/env bash
# universal.sh: of the two macOS builds (packaging/cross/build.sh macos-arm64 macos-x86_64) makes the tree
# target/cross/macos-universal, whose libraries serve both kinds of processors, and b2auth.xcframework beside it, for Xcode and
# the Swift package manager. Apple's lipo is used where there is one, and llvm-lipo elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=${CARGO_TARGET_DIR:-$PWD/target}/cross
lipo=$(command -v lipo || command -v llvm-lipo || command -v llvm-lipo-19) || {
    packaging/need.sh llvm-lipo-19 >&2 || { echo "to make universal libraries, install llvm-lipo (Debian: llvm-19)" >&2; exit 1; }
    lipo=llvm-lipo-19
}
for arch in arm64 x86_64; do
    [[ -f $base/macos-$arch/lib/libb2auth.a ]] || { echo "build it first: packaging/cross/build.sh macos-$arch" >&2; exit 1; }
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

tree=$base/macos-universal
rm -rf "$tree"
cp -a "$base/macos-arm64" "$tree"
for file in "libb2auth.$version.dylib" libb2auth.a; do
    rm "$tree/lib/$file"
    "$lipo" -create "$base/macos-arm64/lib/$file" "$base/macos-x86_64/lib/$file" -output "$tree/lib/$file"
done

# The form that `xcodebuild -create-xcframework` writes.
framework=$base/b2auth.xcframework
slice=$framework/macos-arm64_x86_64
rm -rf "$framework"
mkdir -p "$slice/Headers"
cp "$tree/lib/libb2auth.a" "$slice/"
cp include/b2auth.h include/module.modulemap "$slice/Headers/"
cat >"$framework/Info.plist" <<'PLIST'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>AvailableLibraries</key>
	<array>
		<dict>
			<key>BinaryPath</key>
			<string>libb2auth.a</string>
			<key>HeadersPath</key>
			<string>Headers</string>
			<key>LibraryIdentifier</key>
			<string>macos-arm64_x86_64</string>
			<key>LibraryPath</key>
			<string>libb2auth.a</string>
			<key>SupportedArchitectures</key>
			<array>
				<string>arm64</string>
				<string>x86_64</string>
			</array>
			<key>SupportedPlatform</key>
			<string>macos</string>
		</dict>
	</array>
	<key>CFBundlePackageType</key>
	<string>XFWK</string>
	<key>XCFrameworkFormatVersion</key>
	<string>1.0</string>
</dict>
</plist>
PLIST
echo "made $tree and $framework"
