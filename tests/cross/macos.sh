# The macOS builds are looked at; nobody has run them yet. Sourced by run.sh.

run_macos() {
    suite "files" tests/cross/check-macho.sh "$tree" "$arch"
    echo "    $name: built, not run"
}
