"""What B2 granted."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ._library import Handle, library, required, text

if TYPE_CHECKING:
    from types import TracebackType


class Bucket(NamedTuple):
    """A bucket that a restricted key may use."""

    id: str
    name: str | None
    """None if the bucket is gone or its name is hidden from the key."""


class Session:
    """An immutable snapshot of what B2 granted. Any thread may read it; a refresh makes a new one.

    `with` or `close()` gives it up early; otherwise it goes with the last reference to it.
    """

    __slots__ = ("__weakref__", "_open_handle")

    def __init__(self, handle: Handle) -> None:
        self._open_handle: Handle | None = handle

    @property
    def _handle(self) -> Handle:
        handle = self._open_handle
        if handle is None:
            raise ValueError("the session is closed")
        return handle

    @property
    def account_id(self) -> str:
        return required(library.b2_session_account_id, self._handle)

    @property
    def key_id(self) -> str:
        """The key ID, as the call used it."""
        return required(library.b2_session_key_id, self._handle)

    @property
    def realm(self) -> str:
        """The base URL that granted the session."""
        return required(library.b2_session_realm, self._handle)

    @property
    def authorization_token(self) -> str:
        """The whole value of the Authorization header of B2's other calls. A secret."""
        return required(library.b2_session_authorization_token, self._handle)

    @property
    def api_url(self) -> str:
        """Base URL of all calls but uploads and downloads."""
        return required(library.b2_session_api_url, self._handle)

    @property
    def download_url(self) -> str:
        return required(library.b2_session_download_url, self._handle)

    @property
    def s3_api_url(self) -> str | None:
        return text(library.b2_session_s3_api_url, self._handle)

    @property
    def s3_region(self) -> str | None:
        """Such as "us-west-004"."""
        return text(library.b2_session_s3_region, self._handle)

    @property
    def recommended_part_size(self) -> int:
        """B2's recommended size of a large file's parts, in bytes."""
        return int(library.b2_session_recommended_part_size(self._handle))

    @property
    def absolute_minimum_part_size(self) -> int:
        """The least size of a large file's parts but the last, in bytes."""
        return int(library.b2_session_absolute_minimum_part_size(self._handle))

    @property
    def capabilities(self) -> tuple[str, ...]:
        handle = self._handle
        count = library.b2_session_capability_count(handle)
        return tuple(required(library.b2_session_capability, handle, index) for index in range(count))

    @property
    def buckets(self) -> tuple[Bucket, ...] | None:
        """The buckets that the key is restricted to; None if it may use all."""
        handle = self._handle
        if library.b2_session_is_bucket_restricted(handle) == 0:
            return None
        return tuple(
            Bucket(
                required(library.b2_session_bucket_id, handle, index),
                text(library.b2_session_bucket_name, handle, index),
            )
            for index in range(library.b2_session_bucket_count(handle))
        )

    @property
    def name_prefix(self) -> str | None:
        """What the names of all files that the key may use begin with."""
        return text(library.b2_session_name_prefix, self._handle)

    @property
    def expires_at(self) -> datetime.datetime:
        """When the token ends, in UTC. B2 may end it before."""
        return _time(library.b2_session_expires_at(self._handle))

    @property
    def key_expires_at(self) -> datetime.datetime | None:
        """When the application key itself ends, in UTC; None for never."""
        seconds = library.b2_session_key_expires_at(self._handle)
        return _time(seconds) if seconds else None

    @property
    def seconds_left(self) -> int:
        """Until the token ends; 0 once it counts as dead."""
        return int(library.b2_session_seconds_left(self._handle))

    def json(self) -> str:
        """All of the above as one JSON object under B2's names. It holds the token: a secret."""
        return required(library.b2_session_json, self._handle)

    def invalidate(self) -> None:
        """Forgets this session's token: the next call for its key asks B2."""
        library.b2_session_invalidate(self._handle)

    def close(self) -> None:
        """Gives the session up; reading it is an error from then on. Calls that use it at this moment go on."""
        self._open_handle = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._open_handle is None:
            return "<b2auth.Session, closed>"
        return f"<b2auth.Session of account {self.account_id}, until {self.expires_at.isoformat()}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session holds a token and belongs to its process: it is not pickled or copied")


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _time(seconds: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(seconds=seconds)
