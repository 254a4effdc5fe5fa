"""b2auth from Python by cffi, which reads b2auth.cdef.h. Shows what is no secret. (The package b2auth needs no cffi.)"""

import json
import os
from contextlib import contextmanager
from pathlib import Path

from cffi import FFI

ffi = FFI()
ffi.cdef(Path(os.environ["B2AUTH_CDEF"]).read_text())
b2 = ffi.dlopen("libb2auth.so.0")


def text(pointer):
    return ffi.string(pointer).decode() if pointer else None


class Refused(Exception):
    def __init__(self, status, error):
        super().__init__(text(b2.b2_error_message(error)))
        self.status = status
        self.hint = text(b2.b2_error_hint(error))


@contextmanager
def authorize(key_id=None, key=None):
    session, error = ffi.new("b2_session **"), ffi.new("b2_error **")
    given = [ffi.NULL if value is None else ffi.new("char[]", value.encode()) for value in (key_id, key)]
    status = b2.b2_authorize_with(*given, ffi.NULL, session, error)
    try:
        if status != b2.B2_OK:
            raise Refused(status, error[0])
        yield session[0]
    finally:
        b2.b2_session_free(session[0])
        b2.b2_error_free(error[0])


print("version", text(b2.b2_library_version()))
with authorize() as session:
    print("account", text(b2.b2_session_account_id(session)))
    print("api", text(b2.b2_session_api_url(session)))
    print("download", text(b2.b2_session_download_url(session)))
    print("token", "yes" if len(text(b2.b2_session_authorization_token(session))) > 20 else "no")
    print("part", b2.b2_session_recommended_part_size(session))

try:
    with authorize(os.environ["B2_APPLICATION_KEY_ID"], "K001wrong"):
        raise AssertionError("it is not wrong")
except Refused as refused:
    print("wrong key", refused.status, text(b2.b2_status_name(refused.status)))
    print("message", refused)
    print("hint", refused.hint)

response = ffi.new("char **")
status = b2.b2_authorize_json(b'{"fields": "action"}', response)
answer = json.loads(text(response[0]))
b2.b2_string_free(response[0])
print("json", status, "yes" if answer["accountId"] == "4aa9865d6f00" else "no")
