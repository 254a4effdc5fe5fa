"""The calls as things to do with options.

A program may report the local variables of every frame of a traceback, so no frame that can be in one has a key among
its variables: the callers of these drop theirs, and here a key is only ever an attribute or an argument.
"""

from __future__ import annotations

import json
from ctypes import byref, c_char_p, c_void_p, string_at
from typing import Optional, Sequence, Tuple

from ._errors import B2Error, from_library
from ._library import Handle, library
from ._options import encoded
from ._report import Report
from ._session import Session

Credentials = Tuple[Optional[str], Optional[str]]


class Authorize:
    __slots__ = ("_key", "_key_id")

    def __init__(self, key_id: str | None, key: str | None) -> None:
        self._key_id = key_id
        self._key = key

    def __call__(self, options: Handle) -> Session:
        session, error = c_void_p(), c_void_p()
        status = library.b2_authorize_with(
            encoded("key_id", self._key_id), encoded("key", self._key), options, byref(session), byref(error)
        )
        return _one(status, session.value, error.value)


class Reauthorize:
    __slots__ = ("_key", "_key_id", "_rejected")

    def __init__(self, key_id: str | None, key: str | None, rejected: Session | None) -> None:
        self._key_id = key_id
        self._key = key
        self._rejected = None if rejected is None else rejected._handle

    def __call__(self, options: Handle) -> Session:
        session, error = c_void_p(), c_void_p()
        status = library.b2_reauthorize(
            encoded("key_id", self._key_id),
            encoded("key", self._key),
            self._rejected,
            options,
            byref(session),
            byref(error),
        )
        return _one(status, session.value, error.value)


class AuthorizeMany:
    __slots__ = ("_credentials",)

    def __init__(self, credentials: Sequence[Credentials]) -> None:
        self._credentials = credentials

    def __call__(self, options: Handle) -> list[Session | B2Error]:
        count = len(self._credentials)
        key_ids, keys = (c_char_p * count)(), (c_char_p * count)()
        for place in range(count):
            key_ids[place] = encoded("key_id", self._credentials[place][0])
            keys[place] = encoded("key", self._credentials[place][1])
        sessions, errors = (c_void_p * count)(), (c_void_p * count)()
        status = library.b2_authorize_many(key_ids, keys, count, options, sessions, errors)
        outcomes: list[Session | B2Error] = []
        for session, error in zip(sessions, errors):
            if session:
                outcomes.append(_session(session))
            else:
                outcomes.append(from_library(library.b2_error_status(error) if error else status, error))
        return outcomes


class Diagnose:
    __slots__ = ("_key", "_key_id")

    def __init__(self, key_id: str | None, key: str | None) -> None:
        self._key_id = key_id
        self._key = key

    def __call__(self, options: Handle) -> Report:
        out = c_void_p()
        status = library.b2_diagnose_json(
            encoded("key_id", self._key_id), encoded("key", self._key), options, byref(out)
        )
        if not out.value:
            raise from_library(status, None)
        text = Handle(out.value, library.b2_string_free)
        report: Report = json.loads(string_at(text._as_parameter_))
        return report


def _one(status: int, session: int | None, error: int | None) -> Session:
    if status or session is None:
        raise from_library(status, error)
    return _session(session)


def _session(pointer: int) -> Session:
    return Session(Handle(pointer, library.b2_session_free))
