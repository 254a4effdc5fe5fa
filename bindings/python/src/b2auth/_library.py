"""Finds and loads the shared library, and states the types of its functions."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, NoReturn

# What this package needs of the library: B2_ABI_VERSION of the header that it was written against.
ABI_VERSION = 2

LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p)
ReleaseFunction = ctypes.CFUNCTYPE(None, c_void_p)

_handle, _handles, _texts = c_void_p, POINTER(c_void_p), POINTER(c_char_p)

# name: what it returns, what it takes. tests/test_library.py holds this against the header.
PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "b2_status_name": (c_char_p, c_int),
    "b2_status_message": (c_char_p, c_int),
    "b2_authorize_with": (c_int, c_char_p, c_char_p, _handle, _handles, _handles),
    "b2_reauthorize": (c_int, c_char_p, c_char_p, _handle, _handle, _handles, _handles),
    "b2_authorize_many": (c_int, _texts, _texts, c_size_t, _handle, _handles, _handles),
    "b2_should_reauthorize": (c_int, c_int, c_char_p),
    "b2_diagnose_json": (c_int, c_char_p, c_char_p, _handle, _handles),
    "b2_string_free": (None, _handle),
    "b2_session_account_id": (c_char_p, _handle),
    "b2_session_key_id": (c_char_p, _handle),
    "b2_session_realm": (c_char_p, _handle),
    "b2_session_authorization_token": (c_char_p, _handle),
    "b2_session_api_url": (c_char_p, _handle),
    "b2_session_download_url": (c_char_p, _handle),
    "b2_session_s3_api_url": (c_char_p, _handle),
    "b2_session_s3_region": (c_char_p, _handle),
    "b2_session_recommended_part_size": (c_uint64, _handle),
    "b2_session_absolute_minimum_part_size": (c_uint64, _handle),
    "b2_session_capability_count": (c_size_t, _handle),
    "b2_session_capability": (c_char_p, _handle, c_size_t),
    "b2_session_has_capability": (c_int, _handle, c_char_p),
    "b2_session_is_bucket_restricted": (c_int, _handle),
    "b2_session_bucket_count": (c_size_t, _handle),
    "b2_session_bucket_id": (c_char_p, _handle, c_size_t),
    "b2_session_bucket_name": (c_char_p, _handle, c_size_t),
    "b2_session_name_prefix": (c_char_p, _handle),
    "b2_session_expires_at": (c_int64, _handle),
    "b2_session_key_expires_at": (c_int64, _handle),
    "b2_session_seconds_left": (c_int64, _handle),
    "b2_session_json": (c_char_p, _handle),
    "b2_session_invalidate": (None, _handle),
    "b2_session_free": (None, _handle),
    "b2_error_status": (c_int, _handle),
    "b2_error_message": (c_char_p, _handle),
    "b2_error_hint": (c_char_p, _handle),
    "b2_error_code": (c_char_p, _handle),
    "b2_error_http_status": (c_int, _handle),
    "b2_error_is_retryable": (c_int, _handle),
    "b2_error_retry_after_ms": (c_int64, _handle),
    "b2_error_attempts": (c_uint32, _handle),
    "b2_error_request_id": (c_char_p, _handle),
    "b2_error_json": (c_char_p, _handle),
    "b2_error_free": (None, _handle),
    "b2_options_new": (c_void_p,),
    "b2_options_set": (c_int, _handle, c_char_p, c_char_p, _handles),
    "b2_options_copy": (c_void_p, _handle),
    "b2_options_set_log": (None, _handle, LogFunction, c_void_p, ReleaseFunction),
    "b2_options_set_cancel": (None, _handle, _handle),
    "b2_options_free": (None, _handle),
    "b2_cancel_new": (c_void_p,),
    "b2_cancel_trigger": (None, _handle),
    "b2_cancel_is_triggered": (c_int, _handle),
    "b2_cancel_free": (None, _handle),
    "b2_cache_clear": (None,),
    "b2_counter": (c_uint64, c_char_p),
    "b2_library_version": (c_char_p,),
    "b2_abi_version": (c_uint32,),
}


def _names() -> tuple[str, str]:
    """The file inside a wheel, and what the system's loader is asked for."""
    if sys.platform == "win32":
        return "b2auth.dll", "b2auth.dll"
    if sys.platform == "darwin":
        return "libb2auth.dylib", "libb2auth.0.dylib"
    return "libb2auth.so", "libb2auth.so.0"


def _open() -> ctypes.CDLL:
    chosen = os.environ.get("B2AUTH_LIBRARY")
    inside, system = _names()
    packaged = os.path.join(os.path.dirname(os.path.abspath(__file__)), inside)
    name = chosen or (packaged if os.path.exists(packaged) else system)
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        advice = "" if chosen else "; install libb2auth, or set B2AUTH_LIBRARY to the path of the shared library"
        raise ImportError(f"libb2auth could not be loaded: {error}{advice}") from None


def _load() -> ctypes.CDLL:
    library = _open()
    try:
        # First of all: an older one lacks some of the others.
        found = _declared(library, "b2_abi_version")()
        if found < ABI_VERSION:
            raise ImportError(f"{library._name} is too old: ABI version {found}, needed {ABI_VERSION}")
        for name in PROTOTYPES:
            _declared(library, name)
    except AttributeError as error:
        raise ImportError(f"{library._name} is not a libb2auth that this package can use: {error}") from None
    return library


def _declared(library: ctypes.CDLL, name: str) -> Any:
    function = getattr(library, name)
    function.restype, *function.argtypes = PROTOTYPES[name]
    return function


library = _load()


class Handle:
    """Owns one object of the library and frees it when the last reference to it goes.

    A handle is passed as it is to the functions of the library: ctypes keeps its arguments alive for the time of a
    call, so an object is never freed under a call, whatever other threads and the garbage collector do meanwhile.
    """

    __slots__ = ("_as_parameter_", "_free")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self._as_parameter_ = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self._as_parameter_)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an object of the library belongs to its process: it is not pickled or copied")


def text(function: Callable[..., bytes | None], *arguments: object) -> str | None:
    value = function(*arguments)
    return None if value is None else value.decode("utf-8", "replace")


def required(function: Callable[..., bytes | None], *arguments: object) -> str:
    """A text of which the library promises that it is there."""
    return text(function, *arguments) or ""
