"""The choices of a call."""

from __future__ import annotations

import os
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, TypedDict

from ._errors import InvalidArgument, Status, from_library
from ._library import Handle, library

if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Unpack


class OptionValues(TypedDict, total=False):
    """The options by name. None as a value is the default, as is an option that is left out.

    What they mean stands in the library's documentation. `log_level` is not among them, since the level of the logger
    "b2auth" decides.
    """

    realm: str | None
    profile: str | None
    account_info: str | os.PathLike[str] | None
    cache: Literal["use", "refresh", "bypass"] | None
    min_remaining_s: int | None
    store: str | None
    store_required: bool | None
    credentials: Literal["any", "given"] | None
    max_attempts: int | None
    initial_backoff_ms: int | None
    max_backoff_ms: int | None
    connect_timeout_ms: int | None
    attempt_timeout_ms: int | None
    total_timeout_ms: int | None
    batch_timeout_ms: int | None
    negative_ttl_s: int | None
    rate_limit_per_minute: int | None
    proxy: str | None
    ca_file: str | os.PathLike[str] | None
    user_agent: str | None
    concurrency: int | None
    diagnose: Literal["all", "store", "purge"] | None


class Options:
    """The choices of a call, checked when they are made and never changed after, so that threads may share them."""

    __slots__ = ("_handle", "_values")

    def __init__(self, **values: Unpack[OptionValues]) -> None:
        self._values = values
        self._handle = Handle(library.b2_options_new(), library.b2_options_free)
        for name, value in values.items():
            error = c_void_p()
            status = library.b2_options_set(self._handle, encoded("option", name), _text(name, value), byref(error))
            if status:
                raise from_library(status, error.value)

    def replace(self, **values: Unpack[OptionValues]) -> Options:
        """These options with some changes."""
        merged: OptionValues = {**self._values, **values}
        return Options(**merged)

    def _copy(self) -> Handle:
        return Handle(library.b2_options_copy(self._handle), library.b2_options_free)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._values,)

    def __repr__(self) -> str:
        # By name alone: a store or a proxy may have a password in its URL.
        return "b2auth.Options({})".format(", ".join(f"{name}=…" for name in sorted(self._values)))


def _restored(values: OptionValues) -> Options:
    return Options(**values)


def chosen(options: Options | None, values: OptionValues) -> Options:
    """What a call was given: options made before, some by name, or both."""
    if options is None:
        return Options(**values)
    return options.replace(**values) if values else options


def _text(name: str, value: object) -> bytes | None:
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        value = str(value)
    elif isinstance(value, os.PathLike):
        value = os.fspath(value)
    return encoded(name, value)


def encoded(name: str, value: object) -> bytes | None:
    """A string for the library. Refuses what C would cut short; what is not UTF-8 is left to the library to refuse.

    The value may be a key, so none of the frames that an exception shows has it.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        kind = type(value).__name__
        del value
        raise TypeError(f"{name} must be a str or None, not {kind}")
    if "\0" in value:
        del value
        raise InvalidArgument(f"{name} has a NUL character in it", status=Status.INVALID_ARGUMENT)
    return value.encode("utf-8", "surrogatepass")
