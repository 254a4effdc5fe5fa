#!/bin/sh
# What nobody has run yet is at least what it says: the Homebrew formula is Ruby, the vcpkg port JSON and CMake, and both are of
# this version.
set -eu
cd "$(dirname "$0")/../.."
packaging/need.sh ruby cmake python3 >&2 || { echo "SKIP texts: a tool is missing"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=texts
. tests/verdict.sh
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
verdict "the Homebrew formula is Ruby" ruby -c packaging/homebrew/b2auth.rb
verdict "the formula is of version $version" grep -F "b2auth-$version.tar.gz" packaging/homebrew/b2auth.rb
port() { [ "$(python3 -c 'import json; print(json.load(open("packaging/vcpkg/vcpkg.json"))["version"])')" = "$version" ]; }
verdict "the vcpkg port is of version $version" port
# Its functions are vcpkg's; here they do nothing.
cat >"$work/port.cmake" <<'END'
foreach(name vcpkg_download_distfile vcpkg_extract_source_archive vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_install_copyright)
  cmake_language(EVAL CODE "function(${name})\nendfunction()")
endforeach()
function(file)
endfunction()
set(VERSION 1)
include("${PORT}")
END
verdict "the vcpkg port is CMake" cmake -DPORT="$PWD/packaging/vcpkg/portfile.cmake" -P "$work/port.cmake"
exit "$failed"
