"""Files on their way to their owner: read from where they lie when somebody asks, never copied to a shared place.

Streamlit's own download button lays a copy at an address that anybody who is signed in could fetch, and keeps a large
one in memory. These routes ask whose the file is, and pack a ZIP while it is being sent.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deid.addresses import address_kind
from deid.packing import zip_below, zip_of
from deid.release import release_files
from deid.runfiles import RunFiles
from deid.serving import COOKIE
from deid.store import Action, Actor, User
from deid.ui import shared
from deid.ui.guard import cookie_hash
from deid.waiting import approved
from deid.workbench import Workbench

_GONE = "This file is not there (any more), or it is somebody else's."


def case_url(case_id: str) -> str:
    """Where the owner finds the clean file of a case on the desk."""
    return f"/download/case/{case_id}"


def run_url(run_id: int, what: str) -> str:
    """Where the owner finds `all.zip`, `report.jsonl`, `release.html`, `release.json` or a file of a run by number."""
    return f"/download/run/{run_id}/{what}"


def review_url(run_id: int) -> str:
    """Where whoever decides about a run of the command line finds its approved files."""
    return f"/download/review/{run_id}/all.zip"


def _handed_out(request: Request, user: User, what: str) -> None:
    """The one place where files leave: each time is told here."""
    by = Actor(user.username, address_kind(request.client.host if request.client else None))
    shared.store().record(by, Action.DOWNLOADED, what)


def _case(request: Request, user: User, owner: str) -> Response:
    from deid.ui import casework

    opened = casework.find(owner, request.path_params["case_id"])
    if opened is None or opened.clean_file is None:
        return PlainTextResponse(_GONE, 404)
    _handed_out(request, user, f"image {opened.subject.image_id if opened.subject else 0}")
    return _attached(opened.clean_file, f"clean-{opened.name_hash[:8]}.dcm")


def _run(request: Request, user: User, _owner: str) -> Response:
    run_id, what = int(request.path_params["run_id"]), str(request.path_params["what"])
    runs = shared.background()
    if runs.find(user.username, run_id) is None:
        return PlainTextResponse(_GONE, 404)
    files = runs.files(run_id)
    if what == "all.zip":
        _handed_out(request, user, f"run {run_id} all clean files")
        told = release_files(shared.store(), run_id)
        return StreamingResponse(zip_of(files, told), 200, _as_file(f"run-{run_id}.zip"), "application/zip")
    if what == "report.jsonl":
        _handed_out(request, user, f"run {run_id} report")
        return _attached(files.report(names=True).encode(), f"run-{run_id}-report.jsonl")
    if what in ("release.html", "release.json"):
        _handed_out(request, user, f"run {run_id} release report")
        return _attached(release_files(shared.store(), run_id)[what].encode(), f"run-{run_id}-{what}")
    return _one(request, files, user)


def _one(request: Request, files: RunFiles, user: User) -> Response:
    run_id, what = int(request.path_params["run_id"]), str(request.path_params["what"])
    entries = files.entries()
    number = int(what) if what.isdecimal() else len(entries)
    if number >= len(entries) or not entries[number].published:
        return PlainTextResponse(_GONE, 404)
    try:
        content = files.clean(entries[number])
    except OSError:
        return PlainTextResponse(_GONE, 404)
    _handed_out(request, user, f"run {run_id} file {number + 1}")
    return _attached(content, f"run-{run_id}-{number + 1}.dcm")


def _reviewed(request: Request, user: User, _owner: str) -> Response:
    run_id = int(request.path_params["run_id"])
    bench = Workbench(shared.settings(), shared.store())
    if run_id not in dict(bench.approved(user)):
        return PlainTextResponse(_GONE, 404)
    _handed_out(request, user, f"run {run_id} approved files")
    folder = approved(shared.settings().home, run_id)
    return StreamingResponse(zip_below(folder), 200, _as_file(f"run-{run_id}-approved.zip"), "application/zip")


def _attached(content: bytes, name: str) -> Response:
    return Response(content, 200, _as_file(name), "application/octet-stream")


def _as_file(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def _for_owner(answer: Callable[[Request, User, str], Response]) -> Callable[[Request], object]:
    async def route(request: Request) -> Response:
        owner = cookie_hash(request.cookies.get(COOKIE))
        user = await run_in_threadpool(shared.store().session_user, owner)
        if user is None:
            return PlainTextResponse("Sign in first.", 401)
        return await run_in_threadpool(answer, request, user, owner)

    return route


routes = [
    Route("/download/case/{case_id}", _for_owner(_case), methods=["GET"]),
    Route("/download/review/{run_id:int}/all.zip", _for_owner(_reviewed), methods=["GET"]),
    Route("/download/run/{run_id:int}/{what}", _for_owner(_run), methods=["GET"]),
]
