"""The calls of border.c by cffi, in its ABI mode."""

import os
import sys
import time

import cffi

ffi = cffi.FFI()
with open(os.environ["B2AUTH_CDEF"], encoding="utf-8") as cdef:
    ffi.cdef(cdef.read())
b2 = ffi.dlopen(os.environ["B2AUTH_LIBRARY"])
ID, KEY = (ffi.new("char[]", os.environ[name].encode()) for name in ("B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"))


def authorize():
    out = ffi.new("b2_session **")
    status = b2.b2_authorize(ID, KEY, out)
    assert status == b2.B2_OK, status
    return out[0]


session = authorize()
for line in sys.stdin:
    what, count = line.split()
    begin = time.perf_counter()
    if what == "call":
        for _ in range(int(count)):
            b2.b2_session_free(authorize())
    else:
        for _ in range(int(count)):
            assert ffi.string(b2.b2_session_api_url(session)).decode()[0] == "h"
    print(f"{(time.perf_counter() - begin) * 1e9 / int(count):.1f}", flush=True)
