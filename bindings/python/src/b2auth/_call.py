"""Makes calls of the library so that Ctrl-C, a cancel and the end of the interpreter end them."""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
import time
from typing import Any, Callable, Generic, TypeVar

from . import _log
from ._cancel import CallCancel, Cancel
from ._library import Handle, library
from ._options import Options

T = TypeVar("T")


class Call(Generic[T]):
    """One call of the library and its outcome."""

    __slots__ = ("_ended", "_error", "_options", "_user_cancel", "_values", "_work", "cancel")

    def __init__(self, work: Callable[[Handle], T], options: Options, user_cancel: Cancel | None) -> None:
        self.cancel = CallCancel()
        self._user_cancel = user_cancel
        self._options = options
        self._work = work
        self._ended = _thread.allocate_lock()
        self._ended.acquire()
        self._values: list[T] = []
        self._error: BaseException | None = None

    def make(self) -> None:
        """Makes the call on this thread and keeps its outcome."""
        _under_way.add(self)
        try:
            options = self._options._copy()
            library.b2_options_set_cancel(options, self.cancel.handle)
            # Asked after the line that makes this call known to _end().
            if not _ending:
                _log.attach(options)
            if self._user_cancel is not None:
                self._user_cancel._join(self.cancel)
            self._values.append(self._work(options))
        except BaseException as error:
            self._error = error
        finally:
            if self._user_cancel is not None:
                self._user_cancel._leave(self.cancel)
            _under_way.discard(self)
            self._ended.release()

    def start(self, on_end: Callable[[], None] = lambda: None) -> None:
        """Makes the call on a thread of its own, which then calls on_end."""

        def body() -> None:
            self.make()
            on_end()

        # A daemon: the interpreter does not wait for it, and _end() sees to it that it need not.
        _thread.start_new_thread(body, ())

    def wait(self, timeout: float = -1) -> bool:
        """Whether the call has ended by then."""
        ended = self._ended.acquire(timeout=timeout)
        if ended:
            self._ended.release()
        return ended

    def result(self) -> T:
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                # The traceback refers to this frame.
                del error
        return self._values.pop()


_under_way: set[Call[Any]] = set()
_ending = False


@atexit.register
def _end() -> None:
    # What the library logs must not meet an interpreter that is gone. A cancelled call ends within 250 ms.
    global _ending
    _ending = True
    calls = tuple(_under_way)
    for call in calls:
        call.cancel.trigger()
    deadline = time.monotonic() + 2
    for call in calls:
        call.wait(max(0.0, deadline - time.monotonic()))


# A child has none of the threads that make these.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_under_way.clear)


def run(work: Callable[[Handle], T], options: Options, cancel: Cancel | None) -> T:
    """Makes a call and waits for it.

    Python runs signal handlers on the main thread alone, and between its own instructions only. So there the call is
    made on another thread, while this one waits for a lock, which a signal interrupts.
    """
    call = Call(work, options, cancel)
    if threading.get_ident() != threading.main_thread().ident:
        call.make()
        return call.result()
    try:
        try:
            call.start()
        except RuntimeError:
            # There is no room for a thread, or the interpreter is ending.
            call.make()
        # In slices: on Windows no signal interrupts a lock, and elsewhere none that comes just before it is waited for.
        while not call.wait(0.05 if sys.platform == "win32" else 0.1):
            pass
    except BaseException:
        call.cancel.trigger()
        raise
    return call.result()
