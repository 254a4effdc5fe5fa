"""The calls that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from ._call import run
from ._cancel import Cancel
from ._errors import B2Error
from ._options import Options, OptionValues, chosen
from ._report import Report
from ._session import Session
from ._work import Authorize, AuthorizeMany, Credentials, Diagnose, Reauthorize

if TYPE_CHECKING:
    from typing_extensions import Unpack


def authorize(
    key_id: str | None = None,
    key: str | None = None,
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Session:
    """Turns an application key into a session: from the cache if a good token is there, else by a request to B2.

    Without a key it is looked for in B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY, then where the b2 command-line tool
    keeps its own. Options are given by name, or as `Options` that were made before. Raises a `B2Error`.
    """
    work = Authorize(key_id, key)
    del key_id, key
    return run(work, chosen(options, values), cancel)


def reauthorize(
    key_id: str | None = None,
    key: str | None = None,
    *,
    rejected: Session | None = None,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Session:
    """A session with another token than the one that B2 refused, which is never handed out again.

    If the cache holds a newer token already, no request is made. Without `rejected` B2 is always asked.
    """
    work = Reauthorize(key_id, key, rejected)
    del key_id, key
    return run(work, chosen(options, values), cancel)


def authorize_many(
    pairs: Iterable[Credentials],
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> list[Session | B2Error]:
    """Many pairs of key ID and key at once. In the place of each is its session or its error; none is raised."""
    work = AuthorizeMany(list(pairs))
    del pairs
    return run(work, chosen(options, values), cancel)


def diagnose(
    key_id: str | None = None,
    key: str | None = None,
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Report:
    """Walks the way to B2 step by step, for a "test connection" button, in one authorize request at most.

    What fails on the way is in the report, and so is the end of the call by its `Cancel` or its deadline. A `B2Error`
    is raised only if there is no report: an option or a key was refused.

    With the option `diagnose` at "store" or "purge" it looks through the token store instead, without a key.
    """
    work = Diagnose(key_id, key)
    del key_id, key
    return run(work, chosen(options, values), cancel)
