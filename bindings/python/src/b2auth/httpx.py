"""Authentication for httpx, for its Client and its AsyncClient.

httpx.Client(auth=b2auth.httpx.B2Auth())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from ._refused import is_for, should_reauthorize_body
from ._signer import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ._session import Session


class B2Auth(Signer, httpx.Auth):
    """Adds the token to requests to B2, and sends a request once more where B2 says that the token is dead.

    It takes a key and options as `b2auth.authorize` does. Only requests to the session's API and download URL get the
    token. A body is sent again if it is in memory: bytes, text, JSON or a form without files.
    """

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        session = self._session()
        if not _signed(request, session):
            yield request
            return
        response = yield request
        if response.status_code == 401 and should_reauthorize_body(401, response.read()):
            if _signed(request, self._another(session)) and _is_in_memory(request):
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        session = await self._async_session()
        if not _signed(request, session):
            yield request
            return
        response = yield request
        if response.status_code == 401 and should_reauthorize_body(401, await response.aread()):
            if _signed(request, await self._async_another(session)) and _is_in_memory(request):
                yield request


def _signed(request: httpx.Request, session: Session) -> bool:
    if not is_for(session, str(request.url)):
        return False
    request.headers["Authorization"] = session.authorization_token
    return True


def _is_in_memory(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
