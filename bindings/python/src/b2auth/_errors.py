"""The statuses of the library as exceptions."""

from __future__ import annotations

import enum
import json
from typing import Any

from ._library import Handle, library, required, text


class Status(enum.IntEnum):
    """What became of a call, by the library's own numbers."""

    OK = 0
    INVALID_ARGUMENT = 1
    NO_CREDENTIALS = 2
    BAD_CREDENTIALS = 3
    KEY_NOT_SUPPORTED = 4
    CAP_EXCEEDED = 5
    ACCESS_DENIED = 6
    RATE_LIMITED = 7
    SERVICE_UNAVAILABLE = 8
    NETWORK_ERROR = 9
    TLS_ERROR = 10
    TIMEOUT = 11
    CANCELLED = 12
    PROTOCOL_ERROR = 13
    STORE_ERROR = 14
    INTERNAL_ERROR = 15


class B2Error(Exception):
    """A call failed. Each status has a class of its own below this one.

    No part of an error holds a key or a token, so it may be logged, pickled and sent elsewhere.
    """

    status: int
    """The library's status number; compare with `Status`."""
    message: str
    """What happened, to which host and what B2 said, in one line."""
    hint: str | None
    """What the person can do about it."""
    code: str | None
    """B2's own code, such as "bad_auth_token"."""
    http_status: int | None
    """The HTTP status of the last response."""
    request_id: str | None
    """B2's name for the last request."""
    retryable: bool
    """Whether the same call may succeed later."""
    retry_after: float | None
    """How long to wait before calling again, in seconds."""
    attempts: int
    """The requests that this very call made."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        hint: str | None = None,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        attempts: int = 0,
        run_log: str = "{}",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.hint = hint
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.retryable = retryable
        self.retry_after = retry_after
        self.attempts = attempts
        self._run_log = run_log

    @property
    def run_log(self) -> dict[str, Any]:
        """All of the above and every attempt that led here: when, how long, the wait before, the response."""
        log: dict[str, Any] = json.loads(self._run_log)
        return log

    @property
    def status_name(self) -> str:
        """Such as "B2_BAD_CREDENTIALS"."""
        return required(library.b2_status_name, self.status)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __repr__(self) -> str:
        return f"b2auth.{type(self).__name__}({self.message!r}, status={self.status})"

    # Pickled by its fields, since the arguments of the constructor are not those of Exception.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.message, self.__dict__)


def _restored(kind: type[B2Error], message: str, fields: dict[str, Any]) -> B2Error:
    error = kind.__new__(kind, message)
    error.__dict__.update(fields)
    return error


class InvalidArgument(B2Error, ValueError):
    """An unknown option, a value out of range, a key with a hidden character."""


class NoCredentials(B2Error):
    """No key was given and no default source has one; the message names every place that was looked at."""


class BadCredentials(B2Error):
    """B2 refused the key."""


class KeyNotSupported(B2Error):
    """The key is good, but B2 does not serve it by this version of its API."""


class CapExceeded(B2Error):
    """A cap of the account is reached."""


class AccessDenied(B2Error):
    """Any other 403."""


class RateLimited(B2Error):
    """429 after the last attempt, or a wait for the local limit that cannot end before the deadline."""


class ServiceUnavailable(B2Error):
    """408 or 5xx after the last attempt."""


class NetworkError(B2Error):
    """Name look-up, connect, reset, early close."""


class TlsError(B2Error):
    """A certificate or the TLS handshake."""


class Timeout(B2Error):
    """The last attempt or the whole call ran out of time."""


class Cancelled(B2Error):
    """The call's `Cancel` was triggered."""


class ProtocolError(B2Error):
    """The response is not what B2 documents."""


class StoreError(B2Error):
    """A shared token store was required and cannot be used."""


class InternalError(B2Error):
    """A bug in the library, caught."""


# In the order of the numbers, without OK.
_CLASSES: dict[int, type[B2Error]] = dict(
    enumerate(
        (
            InvalidArgument,
            NoCredentials,
            BadCredentials,
            KeyNotSupported,
            CapExceeded,
            AccessDenied,
            RateLimited,
            ServiceUnavailable,
            NetworkError,
            TlsError,
            Timeout,
            Cancelled,
            ProtocolError,
            StoreError,
            InternalError,
        ),
        start=1,
    )
)


def from_library(status: int, pointer: int | None) -> B2Error:
    """The exception for an error of the library, which is freed. A status from a later version is a plain B2Error."""
    kind = _CLASSES.get(status, B2Error)
    if not pointer:
        return kind(required(library.b2_status_message, status), status=status)
    error = Handle(pointer, library.b2_error_free)
    wait = library.b2_error_retry_after_ms(error)
    return kind(
        required(library.b2_error_message, error),
        status=status,
        hint=text(library.b2_error_hint, error),
        code=text(library.b2_error_code, error),
        http_status=library.b2_error_http_status(error) or None,
        request_id=text(library.b2_error_request_id, error),
        retryable=library.b2_error_is_retryable(error) == 1,
        retry_after=None if wait < 0 else wait / 1000,
        attempts=library.b2_error_attempts(error),
        run_log=required(library.b2_error_json, error),
    )
