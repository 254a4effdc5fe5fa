"""What a diagnosis found: the library's JSON as dictionaries, under its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing import Literal


class Step(TypedDict):
    """One step of the way."""

    name: str
    """Such as "credentials", "lookUp", "connect", "tls" or "authorize"."""
    result: Literal["ok", "warning", "failed", "skipped"]
    summary: str
    """What was found, in one line."""
    advice: str | None
    """What the person can do about it."""
    durationMs: int | None
    details: dict[str, Any]


class ReportedError(TypedDict):
    """What `authorize` would raise now, under the names of an error's run log."""

    status: str
    code: str | None
    message: str
    hint: str | None
    keyId: str | None
    httpStatus: int | None
    requestId: str | None
    retryable: bool
    retryAfterMs: int | None
    attempts: list[dict[str, Any]]


class Report(TypedDict):
    """All steps in their order. No part of it holds a key, a token or the user part of a URL.

    A later version of the library may have more steps, and more details in a step.
    """

    version: str
    """That of the library."""
    startedAt: str
    durationMs: int
    result: Literal["ok", "warning", "failed", "skipped"]
    """The worst of the steps."""
    status: str
    """What `authorize` would say now: "B2_OK" also if there are warnings."""
    requests: int
    """The authorize requests that were sent: one at most."""
    error: ReportedError | None
    steps: list[Step]
