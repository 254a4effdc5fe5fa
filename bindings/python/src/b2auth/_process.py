"""What concerns the whole process."""

from __future__ import annotations

from ._library import library, required
from ._options import encoded


def cache_clear() -> None:
    """Drops and wipes every cached token and forgets every remembered refusal. Live sessions stay as they are."""
    library.b2_cache_clear()


def counter(name: str) -> int:
    """How often something happened since the process began, such as "requests" or "cache_hits"; 0 for unknown names."""
    return int(library.b2_counter(encoded("name", name)))


def library_version() -> str:
    """Such as "0.1.0"."""
    return required(library.b2_library_version)
