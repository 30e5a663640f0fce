"""The API's own description (OpenAPI 3.1), a page of it, and its kinds of problems."""

from __future__ import annotations

import html
from typing import Annotated, Any, cast

from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from medlens.serve.web.errors import KINDS, MEDIA_TYPE, TYPES, Problem

router = APIRouter(prefix="/api/v1", tags=["about"])
METHODS = ("get", "post", "put", "patch", "delete")
ABOUT = (
    "Studies arrive, bundles answer, standard results go back. Every failure is a "
    "problem document (RFC 9457). Research software, not a medical device."
)


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(examples=["query.limit"])
    what: str


class ProblemDocument(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    type: str = Field(description="stable for programs", examples=[TYPES + "not-found"])
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what was found, what was wanted, what to do")
    instance: str = Field("", description="number of the request in the service's log")
    errors: list[FieldError] = []


class KindView(BaseModel):
    """A kind of problem."""

    type: str
    status: int
    title: str


def schema_of(app: FastAPI) -> dict[str, Any]:
    """The description of an application, the same for each start."""
    found = getattr(app.state, "schema", None)
    if found is None:
        found = get_openapi(
            title="medlens",
            version=app.version,
            description=ABOUT,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        _say_problems(found)
        app.state.schema = found
    return cast(dict[str, Any], found)


def _say_problems(schema: dict[str, Any]) -> None:
    """Every operation may answer with a problem, and says so once."""
    parts = schema.setdefault("components", {}).setdefault("schemas", {})
    whole = ProblemDocument.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    parts.update(whole.pop("$defs", {}))
    parts["ProblemDocument"] = whole
    for name in ("HTTPValidationError", "ValidationError"):
        parts.pop(name, None)
    reply = {
        "description": "a problem",
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
        },
    }
    for path in schema["paths"].values():
        for method in METHODS:
            if method in path:
                replies = path[method].setdefault("responses", {})
                if "HTTPValidationError" in str(replies.get("422")):
                    del replies["422"]
                replies["default"] = reply


@router.get("/openapi.json", include_in_schema=False)
def read_schema(request: Request) -> JSONResponse:
    """The description of the API."""
    return JSONResponse(schema_of(cast(FastAPI, request.app)))


@router.get("/docs", include_in_schema=False)
def read_docs(request: Request) -> HTMLResponse:
    """All operations on one page, without script and without another host."""
    return HTMLResponse(_page(schema_of(cast(FastAPI, request.app))))


def _page(schema: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{method.upper()}</code></td><td><code>{_text(path)}</code></td>"
        f"<td>{_text(str(said.get('description', '')).split(chr(10) * 2)[0])}</td></tr>"
        for path, methods in schema["paths"].items()
        for method, said in methods.items()
        if method in METHODS
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        "<title>medlens: the API</title></head><body><main>"
        f"<h1>medlens {_text(schema['info']['version'])}: the API</h1>"
        f"<p>{_text(ABOUT)}</p>"
        '<p>For programs: <a href="/api/v1/openapi.json">OpenAPI 3.1</a>.</p>'
        "<table><thead><tr><th>Method</th><th>Address</th><th>What it does</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table></main></body></html>"
    )


def _text(text: str) -> str:
    return html.escape(" ".join(text.split()))


@router.get("/problems/{kind}", response_model=KindView)
def read_problem(
    kind: Annotated[str, Path(pattern=r"^[a-z-]{1,40}$", examples=["not-found"])],
) -> KindView:
    """What a kind of problem means; `type` of a problem is its address."""
    if kind not in KINDS:
        raise Problem(404, "no route of the API answers with this kind of problem")
    status, title = KINDS[kind]
    return KindView(type=TYPES + kind, status=status, title=title)
