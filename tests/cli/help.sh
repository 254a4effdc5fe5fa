# What it says of itself. Sourced by run.sh.

help() {
    run 0 --help
    silent err
    cp out help
    awk 'length($0) > 80 { exit 1 } END { if (NR > 45) exit 1 }' help || wrong "it is longer than 45 lines of 80 columns"
    LC_ALL=C grep -q '[^ -~]' help && wrong "it has characters that not every terminal has"
    sed -n '/^} flags/,/^};/p' "$source/cli/args.c" | grep -o '"--[a-z]*"' | tr -d '"' >flags
    for flag in $(cat flags); do has help "[ []$flag\b"; done
    has help "a request, which B2 bills"
    has help "token store"
    sed -n 's/^ *B2_[A-Z_]* = \([0-9]*\),$/\1/p' "$source/include/b2auth.h" | sort -u | grep -vx -e 0 -e 2147483647 >numbers
    is "the number of flags and statuses" "11 15" "$(awk 'END { print NR }' flags) $(awk 'END { print NR }' numbers)"
    for number in $(cat numbers) 64 74; do has help "\b$number [a-zA-Z]"; done
    run 0 -h
    cmp -s out help || wrong "-h is not --help"
    run 0 --all --help
    cmp -s out help || wrong "it is not there beside other flags"
    run 0 --version
    is "the version" "b2auth $(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml" | head -n 1)" "$(cat out)"
}
verdict "--help fits a page, and names every flag and status" help

options() {
    run 0 --options
    silent err
    sed -n 's/^\([a-z_0-9]*\)=.*/\1/p' out >names
    sed -n 's/^        name: "\(.*\)",$/\1/p' "$source/src/options/table.rs" >known
    cmp -s names known || wrong "$(diff names known | tr '\n' ' ')"
}
verdict "--options lists every option of the library" options
