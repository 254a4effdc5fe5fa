#!/bin/sh
# The header compiles clean, alone and twice, in every C and C++ that it promises. What a compiler is too old for is told
# from a header that is broken by compiling an empty file first.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
failed=0
printf '#include <b2auth.h>\n#include <b2auth.h>\nint main(void) { return (int)B2_OK; }\n' >"$work/use.c"
printf 'int main(void) { return 0; }\n' >"$work/empty.c"
cp "$work/use.c" "$work/use.cpp"
cp "$work/empty.c" "$work/empty.cpp"

command -v gcc >/dev/null && command -v g++ >/dev/null || { echo "SKIP header: gcc or g++ is missing"; exit 0; }

# In C++ a case for every status is a switch without a gap; in C the last enumerator asks for a default.
{
    printf '#include <b2auth.h>\nint known(b2_status status);\nint known(b2_status status)\n{\n    switch (status) {\n'
    sed -n 's/^ *\(B2_[A-Z_]*\) = [0-9]*,$/\1/p' include/b2auth.h | grep -v -e MAX_ENUM -e B2_LOG | sed 's/.*/    case &:/'
    printf '        return 1;\n#ifndef __cplusplus\n    default:\n        break;\n#endif\n    }\n    return 0;\n}\n'
} >"$work/switch.cpp"
cp "$work/switch.cpp" "$work/switch.c"

check() { # compiler standard file-ending flags…
    cc=$1 std=$2 end=$3
    shift 3
    if ! "$cc" "-std=$std" -c "$work/empty.$end" -o "$work/out.o" 2>/dev/null; then
        return 0 # this compiler does not speak that standard yet
    fi
    if "$cc" "-std=$std" "$@" -I include -c "$work/use.$end" -o "$work/out.o" &&
        "$cc" "-std=$std" "$@" -Wswitch -I include -c "$work/switch.$end" -o "$work/out.o"; then
        echo "ok header: $cc $std"
    else
        echo "not ok header: $cc $std"
        failed=1
    fi
}

# gcc has to be there; the others are asked if they are.
for std in c99 c11 c17 c2x; do
    check gcc "$std" c $warnings
    if command -v clang >/dev/null; then check clang "$std" c $warnings; fi
done
for std in c++11 c++14 c++17 c++20 c++2b; do
    check g++ "$std" cpp $warnings
    if command -v clang++ >/dev/null; then check clang++ "$std" cpp $warnings; fi
done
if command -v tcc >/dev/null; then check tcc c99 c -Wall -Werror; fi
exit "$failed"
