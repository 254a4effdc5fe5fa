"""Loads the library with ctypes: a session, its fields, an error with its message, and everything freed."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_void_p

b2 = ctypes.CDLL(os.environ["B2_LIBRARY"])
b2.b2_authorize_with.argtypes = [c_char_p, c_char_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p)]
b2.b2_authorize_with.restype = c_int
for getter in ("session_account_id", "session_api_url", "session_authorization_token", "error_message"):
    function = getattr(b2, "b2_" + getter)
    function.argtypes = [c_void_p]
    function.restype = c_char_p
for free in ("session_free", "error_free"):
    function = getattr(b2, "b2_" + free)
    function.argtypes = [c_void_p]
    function.restype = None

session, error = c_void_p(), c_void_p()
status = b2.b2_authorize_with(None, None, None, byref(session), byref(error))
assert status == 0 and session and not error, status
assert b2.b2_session_account_id(session) == b"4aa9865d6f00"
assert b2.b2_session_api_url(session).decode() == os.environ["B2_ENVIRONMENT"]
assert b2.b2_session_authorization_token(session).startswith(b"4_")
b2.b2_session_free(session)
print("ok python: a session and its fields")

key_id = os.environ["B2_APPLICATION_KEY_ID"].encode()
status = b2.b2_authorize_with(key_id, b"K001wrong", None, byref(session), byref(error))
assert status == 3 and not session and error, status
message = b2.b2_error_message(error).decode()
assert message and "K001wrong" not in message, message
b2.b2_error_free(error)
print("ok python: an error and its message")
