"""What to do when B2 refused a call."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from ._library import library
from ._options import encoded
from ._session import Session

_PORTS = {"http": 80, "https": 443}


def should_reauthorize(http_status: int, code: str | None = None) -> bool:
    """Whether a new token is the cure, by the status of B2's response and the code in its body."""
    return bool(library.b2_should_reauthorize(http_status, encoded("code", code)) == 1)


def should_reauthorize_body(http_status: int, body: bytes | str) -> bool:
    """The same from the body of B2's response, which need not be JSON."""
    try:
        refusal = json.loads(body)
    except ValueError:
        refusal = None
    code = refusal.get("code") if isinstance(refusal, dict) else None
    return should_reauthorize(http_status, code if isinstance(code, str) and "\0" not in code else None)


def is_for(session: Session, url: str) -> bool:
    """Whether a URL is one that the session's token is meant for; others must not see it."""
    return _origin(url) in (_origin(session.api_url), _origin(session.download_url))


def _origin(url: str) -> object:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
