"""Authentication for requests.

requests.get(session.api_url + "/b2api/v4/b2_list_buckets", auth=b2auth.requests.B2Auth(), …)
"""

from __future__ import annotations

from typing import Any

import requests
import requests.auth

from ._refused import is_for, should_reauthorize_body
from ._session import Session
from ._signer import Signer


class B2Auth(Signer, requests.auth.AuthBase):
    """Adds the token to requests to B2, and sends a request once more where B2 says that the token is dead.

    It takes a key and options as `b2auth.authorize` does. Only requests to the session's API and download URL get the
    token. A body is sent again if that is possible: bytes, text, or a file that can seek.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        session = self._session()
        if not is_for(session, request.url or ""):
            return request
        request.headers["Authorization"] = session.authorization_token
        start = _position(request.body)

        def answered(response: requests.Response, **options: Any) -> requests.Response:
            return self._answered(response, session, start, options)

        request.register_hook("response", answered)
        return request

    def _answered(
        self, response: requests.Response, session: Session, start: int | None, options: dict[str, Any]
    ) -> requests.Response:
        request = response.request
        # A redirect elsewhere leaves the token behind, and so does what was sent again by this very hook.
        if request.headers.get("Authorization") != session.authorization_token:
            return response
        if response.status_code != 401 or not should_reauthorize_body(response.status_code, response.content):
            return response
        session = self._another(session)
        if not is_for(session, request.url or "") or not _rewound(request.body, start):
            return response
        again = request.copy()
        again.headers["Authorization"] = session.authorization_token
        response.close()
        second: requests.Response = response.connection.send(again, **options)
        second.history.append(response)
        second.request = again
        return second


def _position(body: Any) -> int | None:
    """Where a file's part of the body begins."""
    try:
        return int(body.tell())
    except (AttributeError, OSError):
        return None


def _rewound(body: Any, start: int | None) -> bool:
    """Whether the body can be sent once more, as it is now."""
    if body is None or isinstance(body, (bytes, bytearray, str)):
        return True
    if start is None:
        return False
    try:
        body.seek(start)
    except (AttributeError, OSError):
        return False
    return True
