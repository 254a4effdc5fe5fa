#!/bin/sh
# cdef.sh [HEADER]: prints include/b2auth.h without preprocessor lines, comments and attributes, for the foreign function
# interfaces that parse C declarations themselves: LuaJIT, PHP and Python's cffi. What it prints is committed:
#
#   packaging/cdef.sh >include/b2auth.cdef.h
set -eu
cd "$(dirname "$0")/.."

echo '/* The declarations of b2auth.h alone, for FFIs without a preprocessor. Written by packaging/cdef.sh. */'
awk '
    # What is for C++ alone is left out. A directive may go on in the next line.
    /^#ifdef __cplusplus/ { cplusplus = guarded = 1 }
    /^#ifndef __cplusplus/ { cplusplus = 1 }
    /^#else/ && cplusplus { guarded = !guarded }
    /^#endif/ { cplusplus = guarded = 0 }
    directive || /^#/ { directive = /\\$/; next }
    guarded { next }
    {
        # Comments: whole lines, the ends of lines, and blocks.
        line = $0
        while (1) {
            if (comment) {
                end = index(line, "*/")
                if (!end) next
                line = substr(line, end + 2)
                comment = 0
            }
            start = index(line, "/*")
            if (!start) break
            kept = substr(line, 1, start - 1)
            line = substr(line, start)
            comment = 1
            # What stood before the comment would be lost with it; the header has no such line.
            if (kept !~ /^ *$/) { print "cdef.sh: a comment behind code: " $0 >"/dev/stderr"; exit 1 }
        }
        gsub(/B2_NODISCARD ?/, "", line)
        if (line ~ /^ *$/) next
        # An empty line before each declaration.
        if (line ~ /^[a-z]/) print ""
        print line
    }
' "${1:-include/b2auth.h}"
