"""From a Backblaze B2 application key to a session, once a day instead of once a call.

    with b2auth.authorize() as session:
        print(session.account_id, session.api_url)

`b2auth.aio` has the same calls for asyncio; `b2auth.requests` and `b2auth.httpx` authenticate the requests of those
libraries.
"""

from ._blocking import authorize, authorize_many, diagnose, reauthorize
from ._cancel import Cancel
from ._errors import (
    AccessDenied,
    B2Error,
    BadCredentials,
    Cancelled,
    CapExceeded,
    InternalError,
    InvalidArgument,
    KeyNotSupported,
    NetworkError,
    NoCredentials,
    ProtocolError,
    RateLimited,
    ServiceUnavailable,
    Status,
    StoreError,
    Timeout,
    TlsError,
)
from ._options import Options, OptionValues
from ._process import cache_clear, counter, library_version
from ._refused import should_reauthorize, should_reauthorize_body
from ._report import Report, ReportedError, Step
from ._session import Bucket, Session

__version__ = "0.1.0"

__all__ = [
    "AccessDenied",
    "B2Error",
    "BadCredentials",
    "Bucket",
    "Cancel",
    "Cancelled",
    "CapExceeded",
    "InternalError",
    "InvalidArgument",
    "KeyNotSupported",
    "NetworkError",
    "NoCredentials",
    "OptionValues",
    "Options",
    "ProtocolError",
    "RateLimited",
    "Report",
    "ReportedError",
    "ServiceUnavailable",
    "Session",
    "Status",
    "Step",
    "StoreError",
    "Timeout",
    "TlsError",
    "authorize",
    "authorize_many",
    "cache_clear",
    "counter",
    "diagnose",
    "library_version",
    "reauthorize",
    "should_reauthorize",
    "should_reauthorize_body",
]
