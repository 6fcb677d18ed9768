"""``/metrics`` for Prometheus: what the flow has counted, and how things stand at this moment."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from yizhan import __version__
from yizhan.flow.live import Live
from yizhan.flow.meter import Meter
from yizhan.model.views import Overview

_CHANNEL = (
    ("bound", "Binds that are up.", lambda view: view.bound),
    ("binds", "Binds that there should be.", lambda view: view.binds),
    ("paused", "1 while an operator holds the channel.", lambda view: int(view.paused)),
    ("window", "Parts that may be without an answer on one bind.", lambda view: view.window),
    ("in_flight", "Parts without an answer.", lambda view: view.in_flight),
    ("errors_ratio", "Share of the newest answers that blame the channel.", lambda view: view.errors),
)


class _Moment(Collector):
    """How things stand."""

    def __init__(self, overview: Overview) -> None:
        self._backlog = overview.backlog
        self._channels = overview.channels

    def collect(self) -> Iterator[Metric]:
        """Every gauge."""
        yield InfoMetricFamily("yizhan_build", "The program.", {"version": __version__})
        waiting = GaugeMetricFamily("yizhan_waiting_messages", "Messages that no carrier has yet.", labels=["state"])
        for state, count in self._backlog.waiting.items():
            waiting.add_metric([state], count)
        yield waiting
        yield GaugeMetricFamily(
            "yizhan_oldest_queued_seconds", "How long the oldest queued message waits.", self._backlog.oldest_s
        )
        for name, words, value in _CHANNEL:
            gauge = GaugeMetricFamily(f"yizhan_channel_{name}", words, labels=["channel"])
            for view in self._channels:
                gauge.add_metric([view.name], value(view))
            yield gauge


class Metrics:
    """Writes the page."""

    def __init__(self, meter: Meter, live: Live) -> None:
        self._meter = meter
        self._live = live
        ProcessCollector(registry=meter.registry)

    async def page(self) -> bytes:
        """In Prometheus' text format."""
        moment = CollectorRegistry()
        moment.register(_Moment(await self._live.overview()))
        return bytes(generate_latest(self._meter.registry) + generate_latest(moment))


def metrics_router(metrics: Metrics) -> APIRouter:
    """``/metrics``, beside the API."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def show() -> Response:
        return Response(await metrics.page(), media_type=CONTENT_TYPE_LATEST)

    return router
