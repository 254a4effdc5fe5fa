# Running the Windows builds by Wine. Sourced by run.sh.

run_windows() {
    local wine root_name=wine prefix=
    [[ $arch = x86_64 ]] || root_name=wine32 prefix=_
    suite "files" tests/cross/check-pe.sh "$tree" "$binutils"

    local cc=("${binutils}gcc" -static-libgcc "${warnings[@]}" -D__USE_MINGW_ANSI_STDIO=1 -I "$tree/include")
    "${cc[@]}" -DLOADED tests/cross/scenario.c -o "$work/loaded.exe"
    "${cc[@]}" tests/cross/scenario.c "$tree/lib/libb2auth.dll.a" -o "$work/linked.exe"
    "${cc[@]}" tests/cross/scenario.c "$tree/lib/libb2auth.a" -o "$work/static.exe" $(cat "$base/$name.libs")
    symbol_prefix=${prefix} other_archive
    "${cc[@]}" tests/cross/twice.c "$work/libother.a" "$tree/lib/libb2auth.a" -o "$work/twice.exe" $(cat "$base/$name.libs")
    "${cc[@]}" tests/cross/twice.c "$tree/lib/libb2auth.a" "$work/libother.a" -o "$work/twice-first.exe" $(cat "$base/$name.libs")
    "${cc[@]}" tests/cross/trust.c "$tree/lib/libb2auth.dll.a" -o "$work/trust.exe" -lcrypt32
    [[ $arch = x86_64 ]] || "${cc[@]}" tests/cross/stdcall.c -o "$work/stdcall.exe"

    if ! wine=$(tests/roots.sh "$root_name" 2>"$work/why"); then
        skip "run by Wine: $(tail -n 1 "$work/why")"
        return
    fi
    mkdir -p "$wine/b2"
    rm -rf "$wine/b2/"*
    cp "$work"/*.exe "$tree/bin/b2auth.dll" "$wine/b2/"
    export WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" WINEPREFIX=/b2/prefix B2_TEST_DRIVE=Z: B2_LIBRARY='Z:\b2\b2auth.dll'
    local programs=(loaded linked static twice twice-first trust)
    [[ $arch = x86_64 ]] || programs+=(stdcall)
    for how in "${programs[@]}"; do
        suite "Wine: $how" tests/cross/serve.sh "$sandbox" tests/cross/inside.sh "$wine" /bin/sh -c \
            "status=0; wine /b2/$how.exe >/b2/said || status=\$?; tr -d '\r' </b2/said; exit \$status"
    done
    unset WINEDEBUG WINEDLLOVERRIDES B2_TEST_DRIVE B2_LIBRARY
    # What Wine left running ends with its prefix.
    chroot "$wine" /usr/bin/wineserver -k >"$work/out" 2>&1 || true
    unset WINEPREFIX
}
