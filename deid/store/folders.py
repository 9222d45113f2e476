"""Folders of the server that the pages may read from or write to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select

from deid.errors import UsageError
from deid.store.audit import note
from deid.store.database import Database
from deid.store.records import Action, Actor
from deid.store.schema import FolderRow


class Direction(StrEnum):
    """What a folder is open for."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that an administrator opened."""

    id: int
    path: Path
    direction: Direction


class Folders:
    """The part of the store that knows folders of the server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_folder(self, path: Path, direction: Direction, by: Actor) -> int:
        """The id of a folder that the pages may use from now on; that it is fit for it has to be known.

        Raises
        ------
        UsageError
            Where it is open for this already.
        """
        with self._database.write() as session:
            rows = session.scalars(select(FolderRow).where(FolderRow.purpose == direction.value))
            if any(row.path == str(path) for row in rows):
                raise UsageError("This folder is open for this already.")
            row = FolderRow(path=str(path), purpose=direction.value)
            session.add(row)
            session.flush()
            note(session, by, Action.FOLDER_OPENED, f"folder {row.id} {direction.value}")
            return row.id

    def close_folder(self, folder_id: int, by: Actor) -> None:
        """Let the pages use a folder no longer."""
        with self._database.write() as session:
            row = session.get(FolderRow, folder_id)
            if row is not None:
                session.delete(row)
                note(session, by, Action.FOLDER_CLOSED, f"folder {folder_id} {row.purpose}")

    def folders(self, direction: Direction) -> tuple[Folder, ...]:
        """The folders that are open for this."""
        wanted = select(FolderRow).where(FolderRow.purpose == direction.value).order_by(FolderRow.id)
        with self._database.read() as session:
            return tuple(Folder(row.id, Path(row.path), Direction(row.purpose)) for row in session.scalars(wanted))

    def folder(self, folder_id: int, direction: Direction) -> Folder:
        """A folder that is open for this now.

        Raises
        ------
        UsageError
            Where it is not, or no longer.
        """
        found = next((each for each in self.folders(direction) if each.id == folder_id), None)
        if found is None:
            raise UsageError("This folder is not open any more.")
        return found
