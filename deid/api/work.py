"""Files that come in through the API: converted, masked while one waits, or taken on as a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from deid import serving
from deid.api.answers import Begun, Caller, Fault, Job, JobFile, Preset, Uploader, Waiting
from deid.api.door import JOBS
from deid.api.receiving import Sent, one_file, sent_files
from deid.api.signing import actor
from deid.background import Order
from deid.errors import RefusedError
from deid.intake import Intake, take_in
from deid.jobs import examine, options_of
from deid.load import load
from deid.packing import zip_of
from deid.pipeline import Options
from deid.profile import preset as profile_of
from deid.release import release_files
from deid.render import frame_count, render_frame, to_png
from deid.runfiles import Entry
from deid.settings import Settings
from deid.store import Action, Run, User
from deid.unzip import Limits, is_zip
from deid.values import Outcome

router = APIRouter(tags=["files"])
Answer = TypeVar("Answer")
_AT_ONCE = 4
"""Requests whose file is worked on at the same time; more wait, so that pages and other requests get threads too."""
_MOST_JOBS = 32
"""Of one user, that have not ended."""
_NAME = "image.dcm"
"""Takes the place of the name under which a single file was sent."""
_FILE = {"type": "string", "format": "binary"}
_turns = anyio.CapacityLimiter(_AT_ONCE)


def _multipart(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What the documentation says of a body that we read ourselves."""
    body = {"type": "object", "properties": {name: schema}, "required": [name]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}}}


_ONE_FILE = _multipart("file", _FILE)
_FILES = _multipart("files", {"type": "array", "items": _FILE, "minItems": 1})
_GONE: dict[int | str, dict[str, Any]] = {404: {"model": Fault}}


async def _in_turn(work: Callable[[], Answer]) -> Answer:
    return await anyio.to_thread.run_sync(work, limiter=_turns)


@router.post(
    "/convert",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": _FILE}}}},
    openapi_extra=_ONE_FILE,
)
async def convert(
    user: Uploader, request: Request, frame: Annotated[int, Query(ge=0, description="Counts from 0.")] = 0
) -> Response:
    """A frame of a DICOM image as PNG, as it is: with everything that is burned in."""
    data = await one_file(request)
    picture = await _in_turn(lambda: _converted(data, frame, serving.settings()))
    return Response(picture, media_type="image/png")


def _converted(data: bytes, frame: int, settings: Settings) -> bytes:
    examine(data, settings)
    dataset = load(data, max_frames=settings.max_frames, max_pixels_per_frame=settings.max_pixels_per_frame)
    if frame >= frame_count(dataset):
        raise HTTPException(422, f"The image has {frame_count(dataset)} frames, counted from 0.")
    return to_png(render_frame(dataset, frame))


@router.post(
    "/mask_image",
    response_class=Response,
    responses={200: {"content": {"application/dicom": {"schema": _FILE}}}, 409: {"model": Waiting}},
    openapi_extra=_ONE_FILE,
)
async def mask_image(user: Uploader, request: Request, preset: Preset = Preset.STRICT) -> Response:
    """The de-identified file, the same bytes as `deid run` writes; 409 where a person has to look at it first."""
    data = await one_file(request)
    return await _in_turn(lambda: _masked(user, request, data, preset))


def _masked(user: User, request: Request, data: bytes, preset: Preset) -> Response:
    settings, runs = serving.settings(), serving.background()
    if is_zip(data):
        raise RefusedError("This is a ZIP: send it to /api/jobs.")
    intake = _taken_in([Sent(_NAME, data)], settings)
    if intake.refused:
        raise RefusedError(intake.refused[0].reason)
    run_id = runs.work_off(_order(user, intake, settings, preset), lambda: serving.engines(settings))
    entries = runs.files(run_id).entries()
    if entries and entries[0].outcome is Outcome.NEEDS_REVIEW:
        return _told_to_wait(run_id, settings, entries[0].reason)
    try:
        if not entries:
            raise HTTPException(503, "The file could not be worked on: a reader, the model or the database failed.")
        if not entries[0].published:
            raise HTTPException(422, entries[0].reason)
        clean = runs.files(run_id).clean(entries[0])
    finally:
        runs.close_run(user.username, run_id)
    serving.store().record(actor(request, user.username), Action.DOWNLOADED, f"run {run_id} file 1")
    return Response(clean, media_type="application/dicom")


def _taken_in(files: list[Sent], settings: Settings) -> Intake:
    limits = Limits(settings.max_batch_files, settings.max_batch_mb * 1_000_000)
    named = ((each.name, each.data) for each in files)
    return take_in(named, limits, max_frames=settings.max_frames, max_pixels=settings.max_pixels_per_frame)


def _order(user: User, intake: Intake, settings: Settings, preset: Preset) -> Order:
    options: Options = replace(options_of(settings), profile=profile_of(preset.value))
    return Order(user.username, intake, options)


@router.post(JOBS, status_code=202, openapi_extra=_FILES)
async def begin_job(user: Uploader, request: Request, preset: Preset = Preset.STRICT) -> Begun:
    """A job over several files; ZIPs among them are opened. It goes on when the connection ends."""
    settings = await anyio.to_thread.run_sync(serving.settings)
    files = list(await sent_files(request, most=settings.max_batch_files))
    run_id = await _in_turn(lambda: _begun(user, files, settings, preset))
    return Begun(id=run_id, job=_job_url(run_id))


def _begun(user: User, files: list[Sent], settings: Settings, preset: Preset) -> int:
    runs = serving.background()
    if sum(run.state.goes_on for run in runs.of(user.username)) >= _MOST_JOBS:
        raise HTTPException(429, f"You have {_MOST_JOBS} jobs that have not ended.", {"retry-after": "30"})
    intake = _taken_in(files, settings)
    if not intake.images:
        raise RefusedError(intake.refused[0].reason if intake.refused else "There is no file in the ZIP.")
    return runs.begin(_order(user, intake, settings, preset), lambda: serving.engines(settings))


@router.get(f"{JOBS}/{{job_id}}", responses=_GONE)
def job(user: Caller, job_id: int) -> Job:
    """How far a job is, and what became of each file once it has ended."""
    run = _mine(user, job_id)
    entries = serving.background().files(job_id).entries()
    return _as_job(run, entries)


@router.delete(f"{JOBS}/{{job_id}}", status_code=204, responses=_GONE)
def end_job(user: Caller, job_id: int) -> None:
    """Cancel a job that has not ended; delete the files of one that has, those that wait for a person too."""
    _mine(user, job_id)
    runs = serving.background()
    if runs.look(job_id) is not None:
        runs.cancel(job_id)
    else:
        runs.close_run(user.username, job_id)


@router.get(
    f"{JOBS}/{{job_id}}/result",
    response_class=Response,
    responses={**_GONE, 200: {"content": {"application/zip": {"schema": _FILE}}}, 409: {"model": Waiting}},
)
def job_result(user: Caller, request: Request, job_id: int) -> Response:
    """The clean files of a job that has ended as a ZIP, with its reports; 409 where there is none yet."""
    run = _mine(user, job_id)
    files = serving.background().files(job_id)
    entries = files.entries()
    settings = serving.settings()
    if run.state.goes_on:
        return JSONResponse(Waiting(detail="The job has not ended.", job=_job_url(job_id)).model_dump(), 409)
    if not any(entry.published for entry in entries):
        if any(entry.outcome is Outcome.NEEDS_REVIEW for entry in entries):
            return _told_to_wait(job_id, settings, "Nothing came out yet: a person has to look at it first.")
        return JSONResponse(Waiting(detail="Nothing came out clean.", job=_job_url(job_id)).model_dump(), 409)
    serving.store().record(actor(request, user.username), Action.DOWNLOADED, f"run {job_id} all clean files")
    name = {"content-disposition": f'attachment; filename="job-{job_id}.zip"'}
    told = release_files(serving.store(), job_id)
    return StreamingResponse(zip_of(files, told), 200, name, "application/zip")


def _mine(user: User, job_id: int) -> Run:
    """The job, where it is the user's: to others it is not there."""
    run = serving.background().find(user.username, job_id) if 0 < job_id < 1 << 62 else None
    if run is None:
        raise HTTPException(404, "There is no such job, or its files are kept no longer.")
    return run


def _as_job(run: Run, entries: tuple[Entry, ...]) -> Job:
    progress = serving.background().look(run.id)
    ended = not run.state.goes_on
    waits = any(entry.outcome is Outcome.NEEDS_REVIEW for entry in entries)
    return Job(
        id=run.id,
        state=run.state,
        waiting=progress is not None and progress.waiting,
        planned=run.planned,
        done=run.done,
        share=progress.share if progress else float(ended),
        seconds_left=progress.seconds_left if progress else None,
        started=run.started,
        ended=run.ended,
        outcomes=dict(run.outcomes),
        files=[_as_file(entry) for entry in entries] if ended else None,
        review=_review_url(run.id, serving.settings()) if waits else None,
        result=f"{_job_url(run.id)}/result" if ended and any(entry.published for entry in entries) else None,
    )


def _as_file(entry: Entry) -> JobFile:
    return JobFile(
        file=str(entry.source),
        outcome=entry.outcome,
        reason=entry.reason,
        boxes=len(entry.boxes),
        published=entry.published,
    )


def _told_to_wait(run_id: int, settings: Settings, reason: str) -> JSONResponse:
    told = Waiting(detail=reason, job=_job_url(run_id), review=_review_url(run_id, settings))
    return JSONResponse(told.model_dump(), 409)


def _job_url(run_id: int) -> str:
    return f"/api{JOBS}/{run_id}"


def _review_url(run_id: int, settings: Settings) -> str:
    return f"{settings.origin}/pipeline?run={run_id}"
