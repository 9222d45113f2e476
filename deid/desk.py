"""Where opened files lie between two clicks: in this process's memory, each for one owner, for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True)
class _Place(Generic[Item]):
    item: Item
    size: int
    used: float


class Desk(Generic[Item]):
    """Items that only their owner finds again, by a random id; what lay longest goes when time or room runs out.

    `seconds` is how long an item stays after its last use, `room` how many bytes fit in total. An item larger than
    the room lies there alone.
    """

    def __init__(self, seconds: float, room: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._room = room
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], _Place[Item]] = {}

    def put(self, owner: str, item: Item, size: int) -> str:
        """The id under which this owner finds the item."""
        item_id = secrets.token_urlsafe(16)
        with self._lock:
            self._lay((owner, item_id), item, size)
        return item_id

    def get(self, owner: str, item_id: str) -> Item | None:
        """The item; None when it has gone or is somebody else's."""
        with self._lock:
            self._drop_unused()
            place = self._places.get((owner, item_id))
            if place is None:
                return None
            place.used = self._clock()
            return place.item

    def replace(self, owner: str, item_id: str, item: Item, size: int) -> None:
        """Lay another item in the same place; nothing happens where the place has gone."""
        with self._lock:
            if (owner, item_id) in self._places:
                self._lay((owner, item_id), item, size)

    def remove(self, owner: str, item_id: str) -> None:
        """Take one item away."""
        with self._lock:
            self._places.pop((owner, item_id), None)

    def clear(self, owner: str) -> None:
        """Take away everything of one owner."""
        with self._lock:
            for key in [key for key in self._places if key[0] == owner]:
                del self._places[key]

    def tidy(self) -> None:
        """Take away what has not been used for too long."""
        with self._lock:
            self._drop_unused()

    def _lay(self, key: tuple[str, str], item: Item, size: int) -> None:
        self._drop_unused()
        self._places.pop(key, None)
        over = sum(place.size for place in self._places.values()) + size - self._room
        for other in sorted(self._places, key=lambda each: self._places[each].used):
            if over <= 0:
                break
            over -= self._places.pop(other).size
        self._places[key] = _Place(item, size, self._clock())

    def _drop_unused(self) -> None:
        oldest = self._clock() - self._seconds
        for key in [key for key, place in self._places.items() if place.used < oldest]:
            del self._places[key]
