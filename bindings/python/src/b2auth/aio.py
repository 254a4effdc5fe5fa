"""The calls for asyncio: off the event loop, and ended with the task that waits for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable, Iterable, TypeVar

from ._call import Call
from ._cancel import Cancel
from ._errors import B2Error
from ._library import Handle
from ._options import Options, OptionValues, chosen
from ._report import Report
from ._session import Session
from ._work import Authorize, AuthorizeMany, Credentials, Diagnose, Reauthorize

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

__all__ = ["authorize", "authorize_many", "diagnose", "reauthorize"]


async def authorize(
    key_id: str | None = None,
    key: str | None = None,
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Session:
    """As `b2auth.authorize`."""
    work = Authorize(key_id, key)
    del key_id, key
    return await _run(work, chosen(options, values), cancel)


async def reauthorize(
    key_id: str | None = None,
    key: str | None = None,
    *,
    rejected: Session | None = None,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Session:
    """As `b2auth.reauthorize`."""
    work = Reauthorize(key_id, key, rejected)
    del key_id, key
    return await _run(work, chosen(options, values), cancel)


async def authorize_many(
    pairs: Iterable[Credentials],
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> list[Session | B2Error]:
    """As `b2auth.authorize_many`."""
    work = AuthorizeMany(list(pairs))
    del pairs
    return await _run(work, chosen(options, values), cancel)


async def diagnose(
    key_id: str | None = None,
    key: str | None = None,
    *,
    options: Options | None = None,
    cancel: Cancel | None = None,
    **values: Unpack[OptionValues],
) -> Report:
    """As `b2auth.diagnose`."""
    work = Diagnose(key_id, key)
    del key_id, key
    return await _run(work, chosen(options, values), cancel)


async def _run(work: Callable[[Handle], T], options: Options, cancel: Cancel | None) -> T:
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def wake() -> None:
        if not ended.done():
            ended.set_result(None)

    def on_end() -> None:
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:
            # The loop is closed, so no task waits any more.
            pass

    # A thread for each call, not the loop's executor: calls may wait for a minute, and there they would keep the
    # look-up of names and everything else of the program waiting behind them.
    call = Call(work, options, cancel)
    call.start(on_end)
    try:
        await ended
    except BaseException:
        call.cancel.trigger()
        raise
    return call.result()
