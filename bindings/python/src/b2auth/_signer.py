"""What the authentication for HTTP libraries has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from . import aio
from ._blocking import authorize, reauthorize
from ._options import Options, OptionValues

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._session import Session


class Signer:
    """Gets sessions of one key. Each request asks anew, since the library has them cached and renews them in time."""

    def __init__(self, key_id: str | None = None, key: str | None = None, **values: Unpack[OptionValues]) -> None:
        self._key_id = key_id
        self._key = key
        del key_id, key
        self._options = Options(**values)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("what holds a key is not pickled or copied")

    def _session(self) -> Session:
        return authorize(self._key_id, self._key, options=self._options)

    def _another(self, rejected: Session) -> Session:
        return reauthorize(self._key_id, self._key, rejected=rejected, options=self._options)

    async def _async_session(self) -> Session:
        return await aio.authorize(self._key_id, self._key, options=self._options)

    async def _async_another(self, rejected: Session) -> Session:
        return await aio.reauthorize(self._key_id, self._key, rejected=rejected, options=self._options)
