#!/bin/sh
# Compiles tests/c/*.c against the library as it is shipped and runs each with a sandbox of its own. Where it can, under
# the address sanitizer, and with handles.h, which finds what was not freed.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
built=$(cd "$target/release" && pwd)
out=$target/tests-c
mkdir -p "$out"

flags="-std=c11 -g -O1 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror"
export B2_LIBRARY="$built/libb2auth.so"
failed=0
for source in tests/c/*.c; do
    name=$(basename "$source" .c)
    case $name in
        fork) more= ;; # the sanitizer has locks of its own that a fork can catch
        dlclose) more= ;; # and keeps freed memory, which looks like growth
        wiped) more= ;; # and has more memory of its own than can be searched
        hit) more= ;; # and a malloc of its own
        many_keys) more= ;; # and what is resident would be its own
        early_clock | freed | getenv | hangs | no_randomness | threads_left) more= ;; # and functions of its own in the place of theirs
        huge_batch) more= ;; # and handles.h would look at every place of the array
        fork_in_batch | log_reentry | pthread_cancel) more= ;; # and no idea of a fork among threads, or of a cancelled thread's stack
        *) more="-fsanitize=address,undefined -fno-sanitize-recover=all -include tests/c/handles.h" ;;
    esac
    case $name in
        dlclose) link="-ldl" ;;
        threads_left) link="-L $built -lb2auth -Wl,-rpath,$built -ldl" ;;
        *) link="-L $built -lb2auth -Wl,-rpath,$built" ;;
    esac
    status=0
    "${CC:-cc}" $flags $more -I include "$source" -o "$out/$name" $link -pthread &&
        timeout 180 tests/with-sandbox.sh "$target/debug/b2-sandbox" "$out/$name" || status=$?
    # A program that ends with 1 has said which of its checks failed.
    case $status in
        0 | 1) ;;
        *) echo "not ok c/$name: ended with $status" ;;
    esac
    [ "$status" = 0 ] || failed=1
done
exit "$failed"
