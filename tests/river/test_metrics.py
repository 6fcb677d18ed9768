"""What Prometheus reads: what happened is counted once, and names nobody."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .program import Program, eventually, running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def us(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway whose metrics are on a port of their own."""
    with running(tmp_path_factory.mktemp("metrics") / "data", YIZHAN_METRICS__LISTEN="127.0.0.1:0") as program:
        yield program


def page(program: Program) -> str:
    """The metrics as they are now."""
    (line,) = [line for line in program.said().splitlines() if '"event": "metrics"' in line]
    response = httpx.get(f"{json.loads(line)['at']}/metrics")
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain; version=")
    return response.text


def value(text: str, name: str) -> float:
    """Of one sample; 0 while there is none."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_what_happened_is_counted(us: Program) -> None:
    account = us.account("C1", credit=10)
    names = {
        "calls": 'yizhan_call_seconds_count{operation="IntlSend"}',
        "refused": 'yizhan_refused_calls_total{operation="IntlSend",reason="keyword"}',
        "accepted": 'yizhan_accepted_messages_total{lane="urgent"}',
        "taken": 'yizhan_submitted_parts_total{channel="simulator",outcome="taken"}',
        "wrong": 'yizhan_submitted_parts_total{channel="simulator",outcome="refused"}',
        "delivered": 'yizhan_reports_total{channel="simulator",state="delivered"}',
        "replies": 'yizhan_replies_total{channel="simulator"}',
        "timed": 'yizhan_report_delay_seconds_count{channel="simulator"}',
    }
    before = page(us)
    us.api("POST", "/keywords", json={"words": ["视频"]})
    us.send(account, Mobile="13800000000,13800000010,13800000005")
    assert us.send(account, Content="视频【测试】") == -12
    us.api("POST", "/simulator/replies", json={"number": "13800000000", "to": "10690000", "text": "好"})
    eventually(lambda: value(page(us), names["delivered"]) == 2)
    after = page(us)
    counted = {short: value(after, name) - value(before, name) for short, name in names.items()}
    assert counted == {
        "calls": 2,
        "refused": 1,
        "accepted": 3,
        "taken": 2,
        "wrong": 1,
        "delivered": 2,
        "replies": 1,
        "timed": 2,
    }
    assert value(after, 'yizhan_channel_bound{channel="simulator"}') == 1
    assert "process_cpu_seconds_total" in after
    assert not re.search(r"13800000|C1|10690000", after), "numbers and accounts are nobody's business here"


def test_the_socket_has_it_too(us: Program) -> None:
    transport = httpx.HTTPTransport(uds=str(us.data / "admin.sock"), verify=False)
    with httpx.Client(transport=transport, base_url="http://admin") as client:
        assert "yizhan_build_info" in client.get("/metrics").text


def test_rules_and_dashboard_ask_for_what_there_is(us: Program) -> None:
    known = set(re.findall(r"^# TYPE (\w+) ", page(us), re.MULTILINE))
    for file in ("rules.yml", "dashboard.json"):
        asked = set(re.findall(r"\b(?:yizhan|process)_\w+", (ROOT / "deploy" / "prometheus" / file).read_text()))
        assert asked and {re.sub("_(?:count|bucket)$", "", name) for name in asked} <= known, file


def test_promtool_finds_nothing(us: Program) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here (Debian: prometheus)")
    done = subprocess.run([promtool, "check", "metrics"], input=page(us), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rules = ROOT / "deploy" / "prometheus" / "rules.yml"
    done = subprocess.run([promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
