"""What each role may call: one rule for each, by method and path, with the placeholders of the path in it."""

from yizhan.model.access import Role

# What goes beyond an operator: who may call or log in at all, and the whole store in one file.
_ADMIN_ONLY = ("/tokens", "/people", "/backup")
# Asked by POST, since a URL is no place for a text; they change nothing.
QUESTIONS = frozenset({("POST", "/explain"), ("POST", "/keywords/test")})
# These know of the account that they are asked for, and show nothing else.
_CUSTOMER = frozenset(
    {
        ("GET", "/accounts/{account:path}"),
        ("GET", "/ledger"),
        ("GET", "/messages"),
        ("GET", "/messages/{id}"),
        ("POST", "/messages"),
        ("GET", "/submissions/{id}"),
        ("GET", "/replies"),
        ("POST", "/explain"),
    }
)


def may_call(role: Role, method: str, path: str) -> bool:
    """Whether ``role`` may call what stands at ``path`` (below ``/api/v1``, as it is declared)."""
    if role is Role.ADMIN:
        return True
    if role is Role.CUSTOMER:
        return (method, path) in _CUSTOMER
    if path.startswith(_ADMIN_ONLY):
        return False
    return role is Role.OPERATOR or method == "GET" or (method, path) in QUESTIONS
