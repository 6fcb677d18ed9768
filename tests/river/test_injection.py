"""SQL, paths and line ends in every place that a client can fill: a code or 404, an intact store, nothing reflected."""

import re
from collections.abc import Iterator

import httpx
import pytest

from yizhan.model.operation import FAMILY, Operation

from .program import Program, form, running
from .test_hostile_calls import ask

OPEN = "Reg,UnReg,ChargeUp,AgentMakeAccount,AgentChangeAccount"
SQL = (
    "x'; DROP TABLE accounts; --",
    "x' OR '1'='1",
    '1") UNION SELECT credential FROM accounts --',
    "1; UPDATE accounts SET balance_milli = 9; --",
    "%' AND randomblob(999999999) --",
)
SCHEMA = "SELECT type, name, sql FROM sqlite_master ORDER BY name"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with everything open and without intervals, and an account worth stealing from."""
    environ = {
        "YIZHAN_POLICY__OPEN_OPERATIONS": OPEN,
        "YIZHAN_POLICY__QUERY_INTERVAL_S": "0",
        "YIZHAN_POLICY__REGISTRATIONS_PER_MINUTE": "1000",
        "YIZHAN_POLICY__PASSWORD_CHANGES_PER_MINUTE": "1000",
    }
    with running(tmp_path_factory.mktemp("injection") / "data", "--demo", **environ) as program:
        program.account("victim", credit=77)
        yield program


@pytest.mark.slow
@pytest.mark.parametrize("operation", FAMILY, ids=lambda operation: str(operation.name))
def test_sql_in_every_field(store: Program, operation: Operation) -> None:
    schema = store.query(SCHEMA)
    victim = "SELECT * FROM accounts WHERE corp_id = 'victim'"
    before = store.query(victim)
    for number, field in enumerate(operation.parameters):
        password = f"mallory {operation.name} {number}"
        caller = f"{operation.name}{number}"
        store.api("POST", "/accounts", json={"account": caller, "password": password, "credit": 10, "agent": True})
        right = {"Mobile": "13800000000", "Content": "您好【测试】", "SmsBalance": "0", "MmsBalance": "0"}
        for sql in SQL:
            values = {name: right.get(name, "") for name in operation.parameters}
            account, pwd = operation.login
            values |= {name: caller for name in values if name.lower() == account.lower()}
            values |= {name: password for name in values if name.lower() == pwd.lower()}
            response = store.post(operation.name, form("utf-8", **{**values, field: sql}))
            assert response.status_code == 200 and "sql" not in response.text.lower().replace(sql.lower(), "")
            assert "argon2" not in response.text
    assert store.query(SCHEMA) == schema and store.query(victim) == before
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    assert '"exception"' not in store.said() and "call_failed" not in store.said()


TRAVERSALS = (
    "/sdk2/../../../../etc/passwd",
    "/sdk2/..%2f..%2f..%2fetc%2fpasswd",
    "/..%2f..%2fetc%2fpasswd.aspx",
    "/etc/passwd%00.aspx",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/....//....//etc/passwd",
    "/..\\..\\etc\\passwd",
    "/%c0%ae%c0%ae/etc/passwd",
    "/%252e%252e%252fetc/passwd",
    "//etc/passwd",
    "/LinkWS.asmx/../../../etc/passwd",
    "/LinkWS.asmx/..%2f..%2fetc%2fpasswd",
    "/LinkWS.asmx/%2e%2e%2fyizhan.db",
    "/LinkWS.asmx/etc/passwd",
    "/LinkWS.asmx/yizhan.db%00",
    "/yizhan.db",
    "/admin.sock",
    "/web.config",
    "/api/v1/accounts",
)


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_to_a_file(store: Program, path: str) -> None:
    answer = ask(store, b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    status = int(answer.split(b" ")[1])
    # 500 is ASMX's own answer to a method that it does not know.
    assert status in ((400, 404, 500) if "asmx/" in path.lower() else (400, 404)), answer
    assert b"root:" not in answer and b"SQLite format" not in answer and b"corp_id" not in answer


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/LinkWS.asmx/x%0d%0aSet-Cookie:%20a=b", id="method"),
        pytest.param("/x%0d%0aSet-Cookie:%20a=b/LinkWS.asmx?wsdl", id="prefix of the WSDL"),
        pytest.param("/x%0d%0aSet-Cookie:%20a=b.aspx", id="operation"),
        pytest.param("/IntlSend.aspx?CorpID=%0d%0aSet-Cookie:%20a=b", id="field"),
    ],
)
def test_line_ends_make_no_header(store: Program, path: str) -> None:
    head = ask(store, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()).partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert b"set-cookie" not in names and not re.search(rb"[^\x20-\x7e\r\n]", head)


def test_line_ends_make_no_line_of_the_log(store: Program) -> None:
    forged = '\n{"event": "forged", "level": "info"}\x1b[2J'
    store.post("IntlSend", form("utf-8", CorpID=f"x{forged}", Pwd="0" * 32, Mobile=forged, Content=forged))
    httpx.get(f"{store.url}LinkWS.asmx", headers={"user-agent": "forged", "x-forwarded-for": "forged"})
    lines = store.said().splitlines()
    assert all(line.startswith("{") and '"event": "forged"' not in line and "\x1b" not in line for line in lines)


def test_the_program_itself_logs_no_password(store: Program) -> None:
    secret = "a" * 31 + "7"
    for name in ("Pwd", "PWD", "%50wd"):
        ask(store, f"GET /IntlSend.aspx?CorpID=victim&{name}={secret}&Mobile=13844445555 HTTP/1.1\r\n\r\n".encode())
        ask(store, f"GET /IntlSend.aspx?CorpID=victim&{name}={secret} HTTP/9.9\r\nHost: a\r\n\r\n".encode())
        ask(store, f"GET /IntlSend.aspx?{name}={secret} HTTP/1.1\r\nHost: a\nX: {secret}\r\n\r\n".encode())
    assert secret not in store.said() and "13844445555" not in store.said()
    for table in ("refusals", "audit"):
        assert not [row for row in store.query(f"SELECT * FROM {table}") if secret in str(row)]
