"""Serve probes and metrics on the health port, with FastAPI.

/livez only says that the event loop answers. /readyz also says why the replica is not ready.
"""

from collections.abc import Callable

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from webhook.server.readiness import Readiness


def health_app(registry: CollectorRegistry, readiness: Callable[[], Readiness]) -> FastAPI:
    """Return the application of the health port."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        found = readiness()
        said = {
            "ready": found.ready,
            "missing": dict(found.missing),
            "concerns": dict(found.concerns),
        }
        return JSONResponse(said, 200 if found.ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def bare_app() -> FastAPI:
    """Return an application without paths: its 404 answers other paths of the admission port."""
    return FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
