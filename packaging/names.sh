#!/bin/sh
# names.sh: prints the functions that include/b2auth.h declares, one a line, in order.
set -eu
"$(dirname "$0")/cdef.sh" | grep -o '\bb2_[a-z0-9_]*(' | tr -d '(' | LC_ALL=C sort -u
