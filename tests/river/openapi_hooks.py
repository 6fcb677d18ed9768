"""What schemathesis may not ask of a gateway that it shares with the next test: it loads this by ``openapi.toml``."""

import os
from typing import Any

import schemathesis

LONGEST_WAIT_S = 0.05
OWN_TOKEN = "the-token-of-this-test"


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Nobody waits for long, copies of the store go to one folder, and the token that it calls with stays."""
    if case.path == "/api/v1/tokens/{name}" and case.path_parameters.get("name") == OWN_TOKEN:
        case.path_parameters["name"] = "another"
    if case.path == "/api/v1/inbox/wait":
        try:
            if LONGEST_WAIT_S < float(case.query.get("timeout_s", 30)) <= 300:
                case.query["timeout_s"] = LONGEST_WAIT_S
        except (TypeError, ValueError):
            pass  # what it has drawn is to be refused
    if case.path == "/api/v1/backup" and isinstance(case.body, dict):
        file = case.body.get("file")
        if isinstance(file, str) and file.startswith("/"):
            case.body["file"] = f"{os.environ['YIZHAN_TEST_COPIES']}/{file.replace('/', '_')[:80]}"
