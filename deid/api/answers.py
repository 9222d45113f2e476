"""What the endpoints take and answer, as JSON."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from deid.api.door import user_of
from deid.store import RunState, User
from deid.values import Outcome


class Preset(StrEnum):
    """What the header keeps."""

    STRICT = "strict"
    RESEARCH = "research"
    TEACHING = "teaching"


class Credentials(BaseModel):
    """Who wants to sign in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class Token(BaseModel):
    """A bearer token, to be sent as `Authorization: Bearer TOKEN`."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token
    expires_in: Annotated[int, Field(description="Seconds.")]


class Fault(BaseModel):
    """Why a request was not done."""

    detail: str


class Waiting(BaseModel):
    """What has to be looked at by a person, or has not ended."""

    detail: str
    job: Annotated[str, Field(description="Where the job is; its result is there once it can be had.")]
    review: Annotated[str | None, Field(description="The page where a person decides.")] = None


class JobFile(BaseModel):
    """What became of one file."""

    file: Annotated[str, Field(description="As it was sent; may be PHI.")]
    outcome: Outcome
    reason: str
    boxes: Annotated[int, Field(description="Areas of pixels that were overwritten.")]
    published: Annotated[bool, Field(description="Whether it is in the result.")]


class Begun(BaseModel):
    """A job that was taken on."""

    id: int
    job: Annotated[str, Field(description="Where to ask how far it is.")]


class Job(BaseModel):
    """How far a job is."""

    id: int
    state: RunState
    waiting: Annotated[bool, Field(description="Whether others are before it.")]
    planned: int
    done: int
    share: Annotated[float, Field(description="Of the work, 0 to 1.")]
    seconds_left: float | None
    started: Annotated[datetime, Field(description="UTC.")]
    ended: datetime | None
    outcomes: dict[Outcome, int]
    files: Annotated[list[JobFile] | None, Field(description="Once it has ended.")]
    review: Annotated[str | None, Field(description="The page of what waits for a person.")]
    result: Annotated[str | None, Field(description="Where the clean files are, once it has ended.")]


class StageSeconds(BaseModel):
    """How long a stage takes an image."""

    images: int
    median: float
    p95: float


class Stats(BaseModel):
    """Figures over the runs that the user may see."""

    images: int
    signed: int
    unsigned: int
    words: Annotated[int, Field(description="Words that went.")]
    outcomes: dict[str, int]
    modalities: dict[str, int]
    syntaxes: dict[str, int]
    reasons: dict[str, int]
    categories: dict[str, int]
    failed_checks: dict[str, int]
    seconds: dict[str, StageSeconds]


def current_user(request: Request) -> User:
    """Who asks."""
    return user_of(request.scope)


def uploader(user: Annotated[User, Depends(current_user)]) -> User:
    """Who asks, where files of one's own may be sent."""
    if not user.role.may_upload:
        raise HTTPException(403, "Demo users send no files.")
    return user


Caller = Annotated[User, Depends(current_user)]
Uploader = Annotated[User, Depends(uploader)]
