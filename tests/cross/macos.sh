# The macOS builds are looked at; nobody has run them yet. Sourced by run.sh.

run_macos() {
    suite "files" tests/cross/check-macho.sh "$tree" "$arch"
    echo "    $name: built, not run"
}

# Of both builds.
universal() {
    name=macos-universal work=$(mktemp -d "$base/run.XXXXXX")
    suite "files" tests/cross/check-universal.sh "$base"
    rm -rf "$work"
}
