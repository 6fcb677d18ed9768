"""What is counted of reports: how long they took, and what the newest say."""

from prometheus_client import generate_latest

from yizhan.flow.meter import Meter
from yizhan.model.carriage import Receipt


def reports(*words: str) -> list[Receipt]:
    """One for each word."""
    return [Receipt((str(n),), word, 0) for n, word in enumerate(words)]


def test_delays() -> None:
    meter = Meter()
    meter.reported(
        "east", reports(*["DELIVRD"] * 95, *["UNDELIV"] * 5), [*range(1_000, 96_000, 1_000), *[7_200_000] * 5]
    )
    newest = meter.newest_reports()["east"]
    assert (newest.delivered, newest.p50_s, newest.p95_s) == (0.95, 50, 95)
    page = generate_latest(meter.registry).decode()
    for bound, count in (("0.5", 0), ("1.0", 1), ("60.0", 60), ("300.0", 95), ("7200.0", 100), ("+Inf", 100)):
        assert f'yizhan_report_delay_seconds_bucket{{channel="east",le="{bound}"}} {count}.0' in page
    assert 'yizhan_report_delay_seconds_sum{channel="east"} 40560.0' in page
    assert (meter.delivered_parts, meter.failed_parts) == (95, 5)


def test_only_the_newest_count_and_only_final_ones() -> None:
    meter = Meter()
    meter.reported("east", reports(*["UNDELIV"] * 10_000), [1_000] * 10_000)
    meter.reported("east", reports(*["DELIVRD"] * 400, "ACCEPTD"), [3_000] * 400)
    assert meter.newest_reports()["east"].delivered == 0.8
    assert meter.newest_reports()["east"].p50_s == 3


def test_reports_of_parts_that_nobody_knows() -> None:
    meter = Meter()
    meter.reported("east", reports("DELIVRD"), [])
    newest = meter.newest_reports()["east"]
    assert (newest.delivered, newest.p50_s, newest.p95_s) == (1, None, None)
    meter.reported("west", reports("ENROUTE"), [])
    assert "west" not in meter.newest_reports()
