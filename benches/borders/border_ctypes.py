"""The calls of border.c by ctypes."""

import ctypes
import os
import sys
import time

b2 = ctypes.CDLL(os.environ["B2AUTH_LIBRARY"])
b2.b2_authorize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
b2.b2_session_free.argtypes = [ctypes.c_void_p]
b2.b2_session_free.restype = None
b2.b2_session_api_url.argtypes = [ctypes.c_void_p]
b2.b2_session_api_url.restype = ctypes.c_char_p
ID, KEY = (os.environ[name].encode() for name in ("B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"))


def authorize():
    session = ctypes.c_void_p()
    status = b2.b2_authorize(ID, KEY, ctypes.byref(session))
    assert status == 0, status
    return session


session = authorize()
for line in sys.stdin:
    what, count = line.split()
    begin = time.perf_counter()
    if what == "call":
        for _ in range(int(count)):
            b2.b2_session_free(authorize())
    else:
        for _ in range(int(count)):
            assert b2.b2_session_api_url(session).decode()[0] == "h"
    print(f"{(time.perf_counter() - begin) * 1e9 / int(count):.1f}", flush=True)
