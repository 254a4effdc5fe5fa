#!/usr/bin/env bash
# hosts.sh [--all] PREFIX SANDBOX [LANGUAGE…]: the programs of tests/hosts and the snippets of docs/languages/others.md,
# built and run against an installed library. All programs are of one scenario, and each output is held against the one
# of the program in C. Then what failures show that nothing expects, and for Java and .NET what collections and exits do. On Debian
# root gets the tools that are missing; without --all only those that are small.
# shellcheck disable=SC2034 # what each language has is read by names that are put together
set -euo pipefail
cd "$(dirname "$0")/../.."
small="c luajit ruby perl php tcl fortran cobol cffi"
large="java csharp pascal ada d zig r"

wanted=$small
if [ "$1" = --all ]; then
    wanted="$small $large"
    shift
fi
prefix=$(realpath "$1")
sandbox=$(realpath "$2")
shift 2
[ $# = 0 ] || wanted="$*"
for language in $wanted; do
    case " $small $large " in
        *" $language "*) ;;
        *) echo "hosts.sh: there is no program in $language; there is $small $large" >&2 && exit 2 ;;
    esac
done
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
work=$(realpath "${CARGO_TARGET_DIR:-target}/languages")/hosts

# All of them beside one sandbox, so that all see the same.
if [ -z "${B2_SANDBOX:-}" ]; then
    exec tests/with-sandbox.sh "$sandbox" "$0" "$prefix" "$sandbox" $wanted
fi

rm -rf "$work"
mkdir -p "$work"
repository=$PWD
hosts=$PWD/tests/hosts
inside=$PWD/tests/languages/inside.sh
include=$prefix/include
failed=0
export LD_LIBRARY_PATH=$prefix/lib
export B2AUTH_CDEF=$include/b2auth.cdef.h
[ -e "$B2AUTH_CDEF" ] || B2AUTH_CDEF=$PWD/include/b2auth.cdef.h

say() { # verdict name
    echo "$1 hosts: $2"
    [ "$1" = ok ] || failed=1
}

# ---- for each language: Debian's packages, a command that shows whether they are there, and how a program is run ----

# What links takes these. The directory of a program's own is the current one.
link=(-I "$include" -L "$prefix/lib" -lb2auth)

c_packages=gcc c_there="cc --version"
c_run() { cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$1" "${link[@]}" -o program && ./program; }

luajit_packages=luajit luajit_there="luajit -v"
luajit_run() { luajit "$1"; }

ruby_packages=ruby ruby_there="ruby -r fiddle -e 1"
ruby_run() { ruby -w "$1"; }

perl_packages=libffi-platypus-perl perl_there="perl -MFFI::Platypus -e 1"
perl_run() { perl "$1"; }

php_packages=php-cli php_there="php -d ffi.enable=1 -r 'FFI::cdef();'"
# With arguments in stack traces, which Debian's settings leave out.
php_run() { php -d ffi.enable=1 -d zend.exception_ignore_args=0 -d zend.exception_string_param_max_len=40 "$1"; }

tcl_packages="gcc tcl tcl-dev" tcl_there="test -e /usr/include/tcl/tcl.h"
tcl_run() {
    cc -Wall -Wextra -shared -fPIC -DUSE_TCL_STUBS -I /usr/include/tcl "$hosts/tcl/host.c" "${link[@]}" -ltclstub8.6 \
        -o ./b2auth.so && tclsh "$1" ./b2auth.so
}

fortran_packages=gfortran fortran_there="gfortran --version"
fortran_run() { gfortran -std=f2018 -Wall -Werror "$1" "${link[@]}" -o program && ./program; }

cobol_packages=gnucobol4 cobol_there="cobc --version"
cobol_run() { cobc -x -free -Wall -o program "$1" && COB_PRE_LOAD=libb2auth COB_LIBRARY_PATH=$prefix/lib ./program; }

cffi_packages=python3-cffi cffi_there="/usr/bin/python3 -c 'import cffi'"
cffi_run() { /usr/bin/python3 "$1"; }

csharp_packages="mono-mcs mono-runtime" csharp_there="mcs --version"
csharp_run() { mcs -warnaserror -out:program.exe "$1" && mono program.exe; }
csharp_storm() {
    mcs -warnaserror -main:Storm -out:storm.exe "$hosts"/csharp/{Host,Storm}.cs && timeout 120 mono storm.exe "$@"
}

# Debian 12 has no JDK with the final java.lang.foreign: where none was installed by hand, root takes Debian 13's.
java_packages='' java_there="jdk >/dev/null"
jdk() { # its directory, and the root that it is in
    local home root
    for home in ${JAVA_HOME:-} /usr/lib/jvm/* /opt/java/*; do
        [ -x "$home/bin/javac" ] || continue
        [ "$("$home/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')" -ge 22 ] && echo "$home /" && return
    done
    root=$(tests/languages/root.sh openjdk-25-jdk-headless 2>"$work/java.root") && echo "/usr/lib/jvm/java-25-openjdk-amd64 $root" && return
    echo "there is no JDK 22 or later (Debian 12 has none; set JAVA_HOME); $(tail -n 1 "$work/java.root")" >&2
    return 1
}
java_classes() { # source: compiles it here
    local home root
    read -r home root < <(cd "$repository" && jdk)
    B2_TEST_PLACES="$repository $work $prefix" "$inside" "$root" "$PWD" \
        "$home/bin/javac" -Xlint:all,-restricted,-serial -Werror -d . "$1"
}
java_main() { # flag… class argument…
    local home root
    read -r home root < <(cd "$repository" && jdk)
    B2_TEST_PLACES="$repository $work $prefix" "$inside" "$root" "$PWD" \
        "$home/bin/java" --enable-native-access=ALL-UNNAMED -cp . "$@"
}
java_run() { java_classes "$1" && java_main "$(basename "$1" .java)"; }
# -Xcheck:jni looks at what native code does with the runtime, and says on standard output what is wrong.
java_storm() { java_classes "$hosts/java/Storm.java" && java_main -Xcheck:jni Storm "$@"; }

pascal_packages=fp-compiler pascal_there="fpc -iV"
pascal_run() { fpc -v0w -Fl"$prefix/lib" -FE. -o./program "$1" | grep -v -e '^Free Pascal' -e '^Copyright' >&2 || ./program; }

ada_packages=gnat ada_there="gnatmake --version"
ada_run() { gnatmake -q -gnat2012 -gnatwae "$1" -o program -largs "${link[@]:2}" && ./program; }

d_packages=gdc d_there="gdc --version"
d_run() { gdc -Wall -Werror "$1" "${link[@]:2}" -o program && ./program; }

# Zig comes from PyPI, into a folder of this script's.
zig_packages='' zig_there=ziglang
ziglang() {
    [ -x "$work/../zig/bin/python" ] && return
    python3 -m venv "$work/../zig" && "$work/../zig/bin/pip" -q install --retries 10 ziglang==0.17.1
}
zig_run() {
    local zig=("$work/../zig/bin/python" -m ziglang)
    export ZIG_GLOBAL_CACHE_DIR=$work/../zig/cache
    cp "$1" program.zig && "${zig[@]}" translate-c -lc "$include/b2auth.h" >b2auth.zig &&
        "${zig[@]}" build-exe program.zig -lc -L "$prefix/lib" -lb2auth && ./program
}

r_packages="gcc r-base-core" r_there="Rscript --version"
r_run() {
    cp "$hosts/r/host.c" . && PKG_CPPFLAGS="-I$include" PKG_LIBS="-L$prefix/lib -lb2auth" R CMD SHLIB -o b2auth.so host.c >&2 &&
        Rscript "$1" ./b2auth.so
}

# ---- the tools ----

there() {
    local command=$1_there
    eval "${!command}" >"$work/$1.why" 2>&1
}
missing=
for language in $wanted; do
    packages=${language}_packages
    there "$language" || missing="$missing ${!packages}"
done
if [ -n "${missing// /}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    packaging/apt-install.sh $missing || true
fi

# ---- the versions that the page names ----

# By the first word of the page's row.
row() { case $1 in c) echo C ;; cffi) echo "Python | cffi" ;; csharp) echo 'C#' ;; *) echo "$1" ;; esac }
version_of() {
    case $1 in
        cffi) /usr/bin/python3 -c 'import cffi; print(cffi.__version__)' ;;
        csharp) mono --version ;;
        java) local home root && read -r home root < <(jdk) && B2_TEST_PLACES='' "$inside" "$root" / "$home/bin/java" --version ;;
        luajit) luajit -v ;;
        perl) perl -e 'print "$^V\n"' ;;
        php | ruby | fortran) "${1/fortran/gfortran}" --version ;;
        tcl) echo 'puts $tcl_patchLevel' | tclsh ;;
        c) cc --version ;;
        cobol) cobc --version ;;
        pascal) fpc -iV ;;
        ada) gnatmake --version ;;
        d) gdc --version ;;
        zig) "$work/../zig/bin/python" -m ziglang version ;;
        r) R --version ;;
    esac
}
case $(cat /etc/debian_version 2>/dev/null) in 12.*)
    for language in $wanted; do
        there "$language" || continue
        named=$(grep -i "^| $(row "$language") |" docs/languages/others.md | head -n 1 | sed 's/^| //' | cut -d '|' -f 3 |
            grep -oE '[0-9]+[0-9.]*(-[a-z0-9-]+)?' | head -n 1)
        found=$(version_of "$language" 2>&1)
        if [[ -n $named && $found = *"$named"* ]]; then
            say ok "$language: the version that the page names is $named"
        else
            echo "$found"
            say "not ok" "$language: the version that the page names is $named"
        fi
    done ;;
esac

# ---- the scenario ----

# More than 32 bits of part size, since it is with these that a getter of 64 goes wrong unseen.
curl -sf "$B2_SANDBOX/script" -o "$work/scripted" -d '{"keyId": "*", "faults": [{"times": 0, "patch": [
    {"set": {"path": "/apiInfo/storageApi/recommendedPartSize", "to": 5000000000}}]}]}'

source_of() { # language: its program, not the C beside it
    local file
    for file in "$hosts/$1"/[Hh]ost.*; do
        case $file in */tcl/host.c | */r/host.c) ;; *) echo "$file" ;; esac
    done
}
program() { # language file directory: its output
    rm -rf "$3"
    mkdir -p "$3"
    (cd "$3" && "$1_run" "$2") 2>"$3/stderr"
}
# No output has a key or a token in it. The sandbox hands out a new token each time; their beginning is the same.
token=$(curl -sf -u "$B2_APPLICATION_KEY_ID:$B2_APPLICATION_KEY" "$B2_ENVIRONMENT/b2api/v4/b2_authorize_account" |
    sed -n 's/.*"authorizationToken": *"\([^"]\{12\}\).*/\1/p')
[ ${#token} = 12 ]
clean() { ! grep -F -e "$B2_APPLICATION_KEY" -e K001wrong -e "$token" "$@"; }

expect=$work/expected
version=$(sed -n 's/^Version: //p' "$prefix/lib/pkgconfig/b2auth.pc")
if ! program c "$hosts/c/host.c" "$work/c" >"$expect" || ! diff <(grep -v -e '^message ' -e '^hint ' "$expect") - <<EOF
version $version
account 4aa9865d6f00
api $B2_ENVIRONMENT
download $B2_ENVIRONMENT
token yes
part 5000000000
wrong key 3 B2_BAD_CREDENTIALS
json 0 yes
EOF
then
    cat "$work/c/stderr"
    say "not ok" "c, which all others are held against"
    exit 1
fi
[ "$(grep -cE '^(message|hint) .{20}' "$expect")" = 2 ] && clean "$expect" && say ok c || say "not ok" c

for language in $wanted; do
    [ "$language" != c ] || continue
    if ! there "$language"; then
        echo "SKIP hosts: $language: $(tail -n 1 "$work/$language.why" | grep . || echo "its tools are missing")"
        continue
    fi
    source=$(source_of "$language")
    if program "$language" "$source" "$work/$language" >"$work/$language.said" && diff "$expect" "$work/$language.said" &&
        clean "$work/$language.said" "$work/$language/stderr"; then
        say ok "$language"
    else
        tail -n 20 "$work/$language/stderr"
        say "not ok" "$language"
    fi
done

# ---- a failure that the program does not expect: what it or its language says then ----

secret=K001$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')abc
# Where stack traces may show arguments, the key is one: these expect another failure than the one of the wrong key.
php_unexpected='s/catch (B2Error /catch (ArithmeticError /'
ruby_unexpected='s/rescue B2::Error/rescue ZeroDivisionError/'
cffi_unexpected='s/except Refused/except ZeroDivisionError/; s/"K001wrong"/"K001" + "wrong"/'
r_unexpected='s/b2_error = function/other_error = function/'
perl_unexpected='s/^eval { authorize(\(.*\)); 1 }.*/use Carp; $Carp::Verbose = 1; $SIG{__DIE__} = \\\&Carp::confess; authorize(\1);/'

silent() { # language name key source: fails, and shows no key
    if B2_APPLICATION_KEY=$3 program "$1" "$4" "$work/$1" >"$work/$1.failed"; then
        say "not ok" "$1: $2: it goes unseen"
    elif cat "$work/$1/stderr" >>"$work/$1.failed" && clean "$work/$1.failed" && ! grep -F -e "${3:0:12}" "$work/$1.failed"; then
        say ok "$1: $2 shows no key"
    else
        tail -n 20 "$work/$1.failed"
        say "not ok" "$1: $2 shows no key"
    fi
}
for language in $wanted; do
    [ -e "$work/$language.said" ] || continue
    source=$(source_of "$language")
    silent "$language" "a wrong key in the environment" "$secret" "$source"
    unexpected=${language}_unexpected
    [ -n "${!unexpected:-}" ] || continue
    changed=$work/unexpected-$(basename "$source")
    sed "${!unexpected}" "$source" >"$changed"
    if cmp -s "$source" "$changed"; then
        say "not ok" "$language: its handler was not found"
    else
        silent "$language" "a failure that nothing handles" "$B2_APPLICATION_KEY" "$changed"
    fi
done

# ---- what a runtime does to threads that are in the library ----

for language in $wanted; do
    declare -F "${language}_storm" >/dev/null && [ -e "$work/$language.said" ] || continue
    storm() (
        rm -rf "$work/storm"
        mkdir "$work/storm"
        cd "$work/storm"
        "${language}_storm" "$@"
    )
    if storm >"$work/storm.said" 2>&1 && ! grep -E 'WARNING|FATAL|panicked' "$work/storm.said" && clean "$work/storm.said"; then
        sed "s/^/ok hosts: $language: /" "$work/storm.said"
    else
        cat "$work/storm.said"
        say "not ok" "$language: the storm"
    fi
    status=0
    storm exit >"$work/storm.said" 2>&1 || status=$?
    if [ "$status" = 7 ] && ! [ -s "$work/storm.said" ]; then
        say ok "$language: the process exits in the middle of calls"
    else
        cat "$work/storm.said"
        say "not ok" "$language: the process exits in the middle of calls, with $status"
    fi
done

# ---- the page ----

for language in $wanted; do
    case $language in luajit) fence=lua ;; cffi) fence=python ;; *) fence=$language ;; esac
    there "$language" || continue
    snippets=$work/snippets-$language
    if ! tests/languages/snippets.sh docs/languages/others.md "$fence" "$snippets"; then
        say "not ok" "$language: the page"
        continue
    fi
    # Some compilers want a name of their own.
    case $language in java) name=Authorize.java ;; ada) name=authorize.adb ;; fortran) name=authorize.f90 ;; *) name=1.$fence ;; esac
    source=$snippets/$name
    [ -e "$source" ] || mv "$snippets/1.$fence" "$source"
    if said=$(program "$language" "$source" "$work/page-$language") && [ "$said" = 4aa9865d6f00 ]; then
        say ok "$language: the page"
    else
        echo "$said"
        tail -n 20 "$work/page-$language/stderr"
        say "not ok" "$language: the page"
    fi
done

if packaging/cdef.sh | diff include/b2auth.cdef.h -; then
    say ok "include/b2auth.cdef.h is what packaging/cdef.sh writes"
else
    say "not ok" "include/b2auth.cdef.h is what packaging/cdef.sh writes"
fi
exit "$failed"
