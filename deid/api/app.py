"""The application that answers below /api."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount

from deid import __version__
from deid.api import figures, manual, signing, work
from deid.api.answers import Fault
from deid.api.door import DOCS, OPENAPI, Door
from deid.errors import DeidError, EngineError, QuarantineError, RefusedError, StoreError

MOUNT = "/api"
_STATUS: tuple[tuple[type[DeidError], int], ...] = (
    (RefusedError, 422),
    (QuarantineError, 422),
    (EngineError, 503),
    (StoreError, 503),
)


def make_app() -> FastAPI:
    """The application with all its endpoints, behind the door."""
    made = FastAPI(
        title="DICOM de-identifier",
        version=__version__,
        servers=[{"url": MOUNT}],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": Fault} for code in (401, 403, 408, 413, 422, 429, 500, 503)},
    )
    for router in (signing.router, work.router, figures.router):
        made.include_router(router)
    made.add_middleware(Door)
    made.add_exception_handler(DeidError, _said)
    made.add_exception_handler(RequestValidationError, _not_valid)

    @made.get(OPENAPI, include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(description(made))

    @made.get(DOCS, include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(manual.page(description(made)))

    return made


def description(made: FastAPI) -> dict[str, Any]:
    """The OpenAPI description."""
    described = made.openapi()
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"token": []}]
    described["paths"]["/login"]["post"]["security"] = []
    return described


async def _said(_request: Request, error: Exception) -> JSONResponse:
    """An error that we raise on purpose: its text is fit for a person and holds no PHI."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"detail": str(error)}, status)


async def _not_valid(_request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a parameter, without its value: that may be a password."""
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    return JSONResponse({"detail": "; ".join(told)}, 422)


app = make_app()
routes = [Mount(MOUNT, app)]
