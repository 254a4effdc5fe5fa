"""Ending calls early."""

from __future__ import annotations

from ._library import Handle, library


class CallCancel:
    """Ends one call of the library."""

    __slots__ = ("handle",)

    def __init__(self) -> None:
        self.handle = Handle(library.b2_cancel_new(), library.b2_cancel_free)

    def trigger(self) -> None:
        library.b2_cancel_trigger(self.handle)


class Cancel:
    """A flag that ends every call it is given to, now and later, with `Cancelled`. Once triggered it stays triggered.

    It may be triggered from any thread and from a signal handler.
    """

    # Each call has a cancel of its own, so that Ctrl-C in one does not trigger this one for all others. No lock: a
    # signal handler may run while its own thread would hold it. Adding, removing and copying are atomic.

    __slots__ = ("_calls", "_triggered")

    def __init__(self) -> None:
        self._calls: set[CallCancel] = set()
        self._triggered = False

    def trigger(self) -> None:
        """Ends the calls within 250 ms."""
        self._triggered = True
        for call in tuple(self._calls):
            call.trigger()

    @property
    def triggered(self) -> bool:
        return self._triggered

    def _join(self, call: CallCancel) -> None:
        # In this order: a trigger in between finds the call among the others, or the call finds the flag.
        self._calls.add(call)
        if self._triggered:
            call.trigger()

    def _leave(self, call: CallCancel) -> None:
        self._calls.discard(call)

    def __repr__(self) -> str:
        return f"b2auth.Cancel(triggered={self._triggered})"
