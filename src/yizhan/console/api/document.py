"""The OpenAPI document: what FastAPI derives from the code, with the errors as they really come, and who may call."""

from typing import Any

from fastapi import FastAPI

from yizhan.console.api.once import PARAMETER, takes_key
from yizhan.console.desk import PREFIX

Answers = dict[int | str, dict[str, Any]]

# Each may come from every path that names it; 422 and 400 come with what a caller can get wrong.
_ERRORS = {
    400: "The body cannot be read.",
    401: "No token and no session, or none that is good (over the network only).",
    403: "The caller's role may not do this.",
    404: "There is no such thing, or it is somebody else's.",
    409: "It cannot be done as things stand.",
    422: "A value is missing, or not as it must be; or the message is refused.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). A message that is refused says by which rule, too.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "reject": {"type": "string", "description": "The rule that refuses the message."},
        "hit": {"type": "string", "description": "What it stumbles over."},
        "code": {"type": "integer", "description": "What the old protocol would answer."},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}
STOPPED_AT = "search-stopped-at"
_LINK = 'Where the next page is, if there may be one: <path>; rel="next" (RFC 8288).'
_STOPPED = "The search has looked at enough, back to what was accepted at this moment; Link goes on from there."
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Over the network; or a session of the console.",
}


def errors(*statuses: int) -> Answers:
    """``responses`` of a path that may answer with these problems."""
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


class DocumentedApi(FastAPI):
    """An application whose document tells the whole truth."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _describe(document["components"])
            for path, ways in document["paths"].items():
                for method, way in ways.items():
                    if takes_key(method.upper(), path.removeprefix(PREFIX)):
                        way.setdefault("parameters", []).append(PARAMETER)
                        way["responses"] |= errors(409, 422)
                    _correct(way)
                    _tell_pages(way)
            document["security"] = [{"token": []}]
        return super().openapi()


def _describe(components: dict[str, Any]) -> None:
    """Say once what a problem is, instead of FastAPI's own shape of errors."""
    for foreign in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(foreign, None)
    components["schemas"]["Problem"] = _PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {str(status): {"description": why, "content": content} for status, why in _ERRORS.items()}
    components["securitySchemes"] = {"token": _TOKEN}


def _tell_pages(way: dict[str, Any]) -> None:
    """Name the headers of a list that comes in pages."""
    names = {parameter["name"] for parameter in way.get("parameters", ())}
    if "limit" in names and names & {"before", "after"} and "clear" not in names:
        headers = {"Link": _LINK} | ({"Search-Stopped-At": _STOPPED} if "text" in names else {})
        way["responses"]["200"]["headers"] = {
            name: {"description": said, "schema": {"type": "string"}} for name, said in headers.items()
        }


def _correct(way: dict[str, Any]) -> None:
    """Name every error of one operation; FastAPI has put a 422 of its own where a value may be wrong."""
    answers = way["responses"]
    wanted = {int(status) for status in answers if int(status) >= 400} | {401, 403}
    if "requestBody" in way:
        wanted.add(400)
    for status in wanted:
        answers.pop(str(status), None)
    answers.update({str(status): answer for status, answer in errors(*sorted(wanted)).items()})
