"""Calls and messages are followed: a log line for each, and traces that hold together over restarts, by OTLP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .collector import Collector, Span, collecting
from .program import PATIENCE_S, TEXT, Customer, Program, eventually, form, md5, running
from .test_console import LISTEN, Browser, url_of
from .test_mailings import done, drafted, settle_in

FAST = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]', "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
STEPS = {"call", "admission", "commit", "wait", "submit", "report"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """One for all tests of this file."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Program]:
    """A gateway that is followed by both."""
    data = tmp_path_factory.mktemp("trail") / "data"
    with running(data, **FAST, **collector.environ, YIZHAN_LOG__CALLS="true", YIZHAN_NODE__NAME="north") as program:
        yield program


@pytest.fixture(scope="module")
def account(program: Program) -> Customer:
    """Who calls."""
    return program.account("C1")


def lines(program: Program, event: str, **wanted: Any) -> list[dict[str, Any]]:
    """The log's lines of this kind, with these values."""
    said = [json.loads(line) for line in program.said().splitlines() if line.startswith("{")]
    return [line for line in said if line["event"] == event and wanted.items() <= line.items()]


def whole(collector: Collector, submission: int, steps: set[str]) -> dict[str, Span]:
    """All spans of a submission, once they are there."""
    eventually(lambda: steps <= set(collector.of(submission)))
    return collector.of(submission)


def test_a_message_is_one_trace_from_call_to_report(program: Program, account: Customer, collector: Collector) -> None:
    before_ns = time.time_ns()
    submission = program.send(account, Mobile="13800000010")
    spans = whole(collector, submission, STEPS)
    call = spans.pop("call")
    assert {span.trace for span in spans.values()} == {call.trace} and len(call.trace) == 32
    assert call.parent == "" and {span.parent for span in spans.values()} == {call.id}
    assert (call.kind, spans["submit"].kind, spans["report"].kind) == ("server", "client", "consumer")
    expected = {"operation": "IntlSend", "transport": "aspx", "account": "C1", "lane": "urgent", "outcome": "accepted"}
    expected |= {"messages": 1, "parts": 1, "address": "127.0.0.1"}  # type: ignore[dict-item]
    assert {f"yizhan.{name}": value for name, value in expected.items()}.items() <= call.about.items()
    assert spans["submit"].about["yizhan.channel"] == "simulator"
    assert spans["submit"].about["yizhan.outcome"] == "taken"
    assert spans["report"].about["yizhan.outcome"] == "delivered"
    assert not any(span.failed for span in (call, *spans.values()))
    order = [call, spans["admission"], spans["commit"], spans["submit"], spans["report"]]
    assert all(span.begun_ns <= span.ended_ns for span in order)
    assert [span.ended_ns for span in order[1:]] == sorted(span.ended_ns for span in order[1:])
    assert abs(call.begun_ns - before_ns) < 5_000_000_000
    resource = call.resource
    assert (resource["service.name"], resource["service.instance.id"]) == ("yizhan", "north")


@pytest.mark.parametrize(
    ("number", "step", "outcome"),
    [
        pytest.param("13800000001", "report", "failed", id="reported as failed"),
        pytest.param("13800000005", "submit", "refused", id="refused by the carrier"),
        pytest.param("13800000007", "submit", "busy", id="the carrier is busy"),
        pytest.param("13800000008", "submit", "uncertain", id="the answer is lost"),
    ],
)
def test_what_fails(
    program: Program, account: Customer, collector: Collector, number: str, step: str, outcome: str
) -> None:
    submission = program.send(account, Mobile=number)
    look = {"yizhan.submission": submission, "yizhan.outcome": outcome}
    (found, *_) = eventually(lambda: [span for span in collector.spans if look.items() <= span.about.items()])
    assert (found.name, found.failed) == (step, True)
    (line, *_) = eventually(lambda: lines(program, step, submission=submission, outcome=outcome))
    assert (line["account"], line["operation"], line["channel"]) == ("C1", "IntlSend", "simulator")


def test_every_line_names_the_submission(program: Program, account: Customer) -> None:
    submission = program.send(account, Mobile="13800000011,13800000012", Content=TEXT * 10)
    eventually(lambda: len(lines(program, "report", submission=submission)) == 6)
    (call,) = lines(program, "call", submission=submission)
    assert (call["account"], call["operation"], call["messages"], call["parts"]) == ("C1", "IntlSend", 2, 3)
    assert call["took_ms"] > 0
    submits = lines(program, "submit", submission=submission)
    assert len({line["message"] for line in submits}) == 2 and {line["parts"] for line in submits} == {3}


def test_a_refused_call(program: Program, account: Customer, collector: Collector) -> None:
    assert program.send(account, Mobile="13800000013", Content="没有签名") < 0
    eventually(lambda: lines(program, "call", outcome="signature_missing", account="C1"))
    missing = {"yizhan.outcome": "signature_missing"}
    (span,) = eventually(lambda: [one for one in collector.spans if missing.items() <= one.about.items()])
    assert span.failed and "yizhan.submission" not in span.about
    stranger = Customer("my password by mistake", "x")
    assert program.send(stranger) < 0
    (line,) = eventually(lambda: lines(program, "call", outcome="account_unknown"))
    assert "account" not in line


def test_other_calls_and_other_transports(program: Program, account: Customer, collector: Collector) -> None:
    program.post("GetBalance", form(CorpID=account.corp_id, Pwd=md5(account.password)))
    eventually(lambda: lines(program, "call", operation="GetBalance", outcome="answered", account="C1"))
    message = {"account": "C1", "to": ["13800000014"], "text": TEXT}
    sent = [program.api("POST", "/messages", json=message, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    submission = sent[0]["submission"]
    assert sent[1]["repeated"] and whole(collector, submission, STEPS)["call"].about["yizhan.transport"] == "api"
    outcomes = [line["outcome"] for line in lines(program, "call", submission=submission)]
    assert outcomes == ["accepted", "answered"]


def test_the_texts_of_a_file(tmp_path: Path) -> None:
    followed = {"YIZHAN_LOG__CALLS": "true"}
    with (
        collecting() as collector,
        running(tmp_path / "data", **FAST, **LISTEN, **collector.environ, **followed) as program,
    ):
        settle_in(program)
        with Browser(url_of(program)) as cui:
            cui.log_in("cui")
            path = drafted(cui, "手机号,姓名\n13800000010,王\n13800000020,李", f"{{姓名}}{TEXT}")
            cui.fill(path, step="send")
            done(cui, path)
        for message in program.wait_for("delivered", 2):
            spans = whole(collector, message["submission"], STEPS)
            call = spans.pop("call")
            assert (call.about["yizhan.account"], call.about["yizhan.messages"]) == ("C1", 1)
            assert {span.parent for span in spans.values()} == {call.id}
            assert [line["outcome"] for line in lines(program, "call", submission=message["submission"])] == [
                "accepted"
            ]


def test_a_trace_goes_on_in_another_process(tmp_path: Path) -> None:
    with collecting() as collector, running(tmp_path / "data", **FAST, **collector.environ) as program:
        account = program.account("C1")
        program.api("POST", "/channels/simulator/pause")
        submission = program.send(account)
        call = whole(collector, submission, {"call"})["call"]
        assert program.stop() == 0
        before = len(collector.spans)
        program.start()
        program.api("POST", "/channels/simulator/resume")
        spans = whole(collector, submission, STEPS)
        later = [spans[name] for name in ("wait", "submit", "report")]
        assert all(span in collector.spans[before:] for span in later)
    assert {(span.trace, span.parent) for span in later} == {(call.trace, call.id)}
    assert {span.resource["service.instance.id"] for span in later} != {call.resource["service.instance.id"]}


def test_no_number_and_no_text_leaves(program: Program, account: Customer, collector: Collector) -> None:
    program.send(account, Mobile="13912345678", Content=f"秘密的内容{TEXT}")
    eventually(lambda: lines(program, "report"))
    program.wait_for("delivered", 1, number="13912345678")
    time.sleep(0.3)
    for text in ("13912345678", "秘密的内容", "验证码", md5(account.password), account.password):
        assert text.encode() not in collector.raw, text
        assert text not in program.said(), text


@pytest.mark.parametrize("share", ["0", "1"])
def test_sampling_holds_for_the_whole_trace(tmp_path: Path, share: str) -> None:
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share}
    with collecting() as collector:
        with running(tmp_path / "data", **FAST, **collector.environ, **sampler, OTEL_SERVICE_NAME="sms") as program:
            program.send(program.account("C1"))
            program.wait_for("delivered")
        assert {span.name for span in collector.spans} == (STEPS if share == "1" else set()), (
            "sent at the latest at the end"
        )
    assert {span.resource["service.name"] for span in collector.spans} <= {"sms"}


def test_a_collector_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    away = {"YIZHAN_OTEL__ENABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with running(tmp_path / "data", **FAST, **away) as program:
        program.send(program.account("C1"))
        program.wait_for("delivered")
        begun = time.monotonic()
        assert program.stop() == 0
        assert time.monotonic() - begun < PATIENCE_S / 2


def test_without_the_extra(tmp_path: Path) -> None:
    gone = "import sys; sys.modules['opentelemetry.sdk'] = sys.modules['opentelemetry.exporter'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(gone)
    without = {"PYTHONPATH": str(tmp_path)}
    with running(tmp_path / "data", **without) as program:
        assert httpx.get(program.url.replace("/sdk2/", "/livez")).status_code == 200
    lacking = Program(tmp_path / "data", environ={**without, "YIZHAN_OTEL__ENABLED": "true"})
    with pytest.raises(AssertionError, match=r"cannot start: .* pip install 'yizhan"):
        lacking.start()
    assert lacking.log is not None
    lacking.log.close()


def test_nobody_is_told_by_default(tmp_path: Path) -> None:
    with running(tmp_path / "data", **FAST) as program:
        program.send(program.account("C1"))
        program.wait_for("delivered")
        assert not any(lines(program, name) for name in ("call", "submit", "report"))
