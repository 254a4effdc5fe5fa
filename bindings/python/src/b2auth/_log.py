"""The library's log as records of the logger "b2auth"."""

from __future__ import annotations

import logging

from ._library import Handle, LogFunction, ReleaseFunction, library

logger = logging.getLogger("b2auth")
logger.addHandler(logging.NullHandler())

# By the library's own numbers, from the least important.
_LEVELS = (
    (4, logging.DEBUG, b"debug"),
    (3, logging.INFO, b"info"),
    (2, logging.WARNING, b"warn"),
    (1, logging.ERROR, b"error"),
)
_BY_NUMBER = {number: level for number, level, _ in _LEVELS}


# One for all calls and for as long as the process lives, so that none can be freed under a call.
@LogFunction  # type: ignore[untyped-decorator, unused-ignore]
def _told(_user_data: int | None, level: int, message: bytes) -> None:
    logger.log(_BY_NUMBER.get(level, logging.ERROR), "%s", message.decode("utf-8", "replace"))


_NO_RELEASE = ReleaseFunction()


def attach(options: Handle) -> None:
    """Logs the calls of these options at the level that the logger has now; by default, warnings and errors."""
    for _, level, name in _LEVELS:
        if logger.isEnabledFor(level):
            # A library without this option logs everything, and the logger filters.
            library.b2_options_set(options, b"log_level", name, None)
            library.b2_options_set_log(options, _told, None, _NO_RELEASE)
            return
