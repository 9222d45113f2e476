"""Folders of the server: which are open, choosing one to read from, and writing a run's clean files to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pandas as pd
import streamlit as st

from deid import folders
from deid.errors import DeidError
from deid.intake import Intake
from deid.runfiles import Entry, RunFiles
from deid.store import Action, Direction, Folder, Run, User
from deid.ui import auth, looks, piles, shared

_LABELS = {Direction.INPUT: "Read from it", Direction.OUTPUT: "Write to it"}
_ALL = ""


def administer(me: User) -> None:
    """Which folders of the server the pages may read from or write to."""
    st.subheader("Folders of this server")
    st.caption(
        "Staff can take files in from these folders, and have clean files written to them. Links are not followed, and "
        "what comes in is checked like an upload. Closing a folder deletes nothing in it."
    )
    opened = [each for direction in Direction for each in shared.store().folders(direction)]
    rows = {"Folder": [str(each.path) for each in opened], "For": [_LABELS[each.direction] for each in opened]}
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    with st.form("folders", clear_on_submit=True):
        text = st.text_input("Path on the server", placeholder="/srv/images/incoming")
        wish = st.segmented_control("For", list(Direction), default=Direction.INPUT, format_func=_LABELS.__getitem__)
        if st.form_submit_button("Open the folder", type="primary"):
            _open(me, text, Direction(wish or Direction.INPUT))
    if opened:
        gone = st.selectbox("Folder to close", opened, format_func=_named)
        if st.button("Close the folder", icon=":material/folder_off:", key=f"close-{gone.id}"):
            shared.store().close_folder(gone.id, auth.actor(me))
            st.rerun()


def _open(me: User, text: str, direction: Direction) -> None:
    try:
        shared.store().open_folder(folders.fit(text, shared.settings().home), direction, auth.actor(me))
    except DeidError as exc:
        st.error(str(exc), icon=":material/error:")
    else:
        st.rerun()


def _named(folder: Folder) -> str:
    return f"{folder.path} · {_LABELS[folder.direction].lower()}"


def are_there(user: User, direction: Direction) -> bool:
    """Whether this user can use any folder for this."""
    return user.role.may_upload and bool(shared.store().folders(direction))


def taken(user: User) -> tuple[Intake, str] | None:
    """(what was taken in, what it is called), once a folder was chosen and the button pressed.

    Raises
    ------
    DeidError
        Where it cannot be.
    """
    opened = shared.store().folders(Direction.INPUT) if user.role.may_upload else ()
    if not opened:
        return None
    folder = st.selectbox("Folder of this server", opened, format_func=lambda each: str(each.path))
    below = st.selectbox(
        "Which part", [_ALL, *folders.shown(folder.path)], format_func=lambda name: name or "All of it"
    )
    key = f"take-{folder.id}"  # where the list changed meanwhile, the click was not about what is chosen now
    if not st.button("Take the files in", icon=":material/drive_folder_upload:", type="primary", key=key):
        return None
    with st.spinner("Reading…"):
        still_open = shared.store().folder(folder.id, Direction.INPUT)
        return piles.from_folder(still_open, below), below or folder.path.name


def offer(run: Run, user: User, files: RunFiles, entries: tuple[Entry, ...]) -> None:
    """Write the run's clean files to a folder of the server."""
    clean = [entry for entry in entries if entry.published]
    if not clean or not are_there(user, Direction.OUTPUT):
        return
    with st.popover("Write to a folder of this server", icon=":material/drive_file_move:"):
        opened = shared.store().folders(Direction.OUTPUT)
        folder = st.selectbox("Folder", opened, format_func=lambda each: str(each.path))
        st.caption(f"{looks.count(len(clean), 'clean file')} and the report, in a new folder run-{run.id}.")
        if st.button("Write them", type="primary", key=f"write-{run.id}-{folder.id}"):
            _write(run, user, files, clean, folder.id)


def _write(run: Run, user: User, files: RunFiles, clean: list[Entry], folder_id: int) -> None:
    def contents() -> Iterator[tuple[PurePosixPath, bytes]]:
        for entry in clean:
            yield PurePosixPath("images") / entry.place, files.clean(entry)
        yield PurePosixPath("report.jsonl"), files.report(names=False).encode()

    try:
        folder = shared.store().folder(folder_id, Direction.OUTPUT)
        folders.write(folder.path, f"run-{run.id}", contents())
    except DeidError as exc:
        st.error(str(exc), icon=":material/error:")
        return
    shared.store().record(auth.actor(user), Action.EXPORTED, f"run {run.id} to folder {folder_id}")
    written = f"{looks.count(len(clean), 'clean file')} and the report written to {folder.path / f'run-{run.id}'}."
    st.success(written, icon=":material/check_circle:")
