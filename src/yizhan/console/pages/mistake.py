"""What is wrong with a form: in the reader's language where it is a likely mistake, else as the gateway says it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from yizhan.console.api.problem import explain
from yizhan.flow.office import Conflict, NotFound
from yizhan.model.sentence import spoken

# What a view catches to show its form again.
Mistake = (ValueError, Conflict, NotFound)


def told(error: Exception, known: Mapping[str, str]) -> dict[str, Any]:
    """Status, mistake and detail for ``Frame.show``; ``known``: what the gateway says of a mistake, and its word."""
    said = explain(error.errors()) if isinstance(error, ValidationError) else spoken(error)
    status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
    for part, word in known.items():
        if part in said:
            return {"status": status, "mistake": word}
    return {"status": status, "mistake": "wrong_value_why", "detail": said}
