"""What all browsers of this server share: what the whole process does, and the desk with the opened files."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from deid.desk import Desk
from deid.serving import background, environment, settings, store
from deid.settings import Settings

if TYPE_CHECKING:
    from deid.ui.bench import Looked
    from deid.ui.casework import Opened
    from deid.ui.piles import Pile

__all__ = ["background", "desk", "environment", "settings", "store"]


def desk() -> Desk[Opened | Pile | Looked]:
    """The one desk of this process."""
    return _desk(environment())


@functools.lru_cache(maxsize=4)
def _desk(chosen: Settings) -> Desk[Opened | Pile | Looked]:
    return Desk(seconds=chosen.desk_minutes * 60, room=chosen.desk_mb * 1024 * 1024)
