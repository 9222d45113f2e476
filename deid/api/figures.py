"""Figures: for people about the work, for operators about the server."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BeforeValidator

from deid import serving
from deid.api import gauges
from deid.api.answers import Caller, StageSeconds, Stats
from deid.api.door import METRICS, user_of
from deid.store import Selection, Totals

router = APIRouter(tags=["figures"])
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _day(given: object) -> object:
    """The text of a day: a number is not one, though it could be read as seconds."""
    if isinstance(given, str) and not _DAY.fullmatch(given):
        raise ValueError("A day is written YYYY-MM-DD")
    return given


Day = Annotated[date, BeforeValidator(_day)]


@router.get("/stats")
def stats(
    user: Caller,
    since: Annotated[Day | None, Query(description="First day (UTC).")] = None,
    until: Annotated[Day | None, Query(description="Last day (UTC), included.")] = None,
) -> Stats:
    """Figures over the runs that the user may see: all, or for a demo user one's own."""
    whose = None if user.role.sees_all_runs else user.username
    return _as_stats(serving.store().totals(Selection(since, until, whose)))


@router.get(METRICS, response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Prometheus metrics, for DEID_METRICS_TOKEN or the token of somebody who may see all runs."""
    user = user_of(request.scope)
    if user is not None and not user.role.sees_all_runs:
        raise HTTPException(403, "Demo users see their own figures only.")
    return Response(gauges.metrics(), media_type=gauges.MEDIA_TYPE)


def _as_stats(totals: Totals) -> Stats:
    return Stats(
        images=totals.images,
        signed=totals.signed,
        unsigned=totals.unsigned,
        words=totals.words,
        outcomes={outcome.value: count for outcome, count in totals.by_outcome},
        modalities=dict(totals.by_modality),
        syntaxes=dict(totals.by_syntax),
        reasons={reason.value: count for reason, count in totals.by_reason},
        categories={category.value: count for category, count in totals.by_category},
        failed_checks=dict(totals.failed_checks),
        seconds={
            each.stage.value: StageSeconds(images=each.images, median=each.median, p95=each.p95)
            for each in totals.times
        },
    )
