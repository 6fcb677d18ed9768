"""Logging: structlog, JSON unless on a terminal."""

import logging
import sys
from typing import TextIO

import structlog

from yizhan.kit.discretion import keep_quiet, trace_of


def set_up_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (standard error by default): coloured on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        keep_quiet,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if stream.isatty():
        renderer: structlog.types.Processor = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    # Libraries log through the standard module; their warnings take the same road.
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # What nobody caught ends the process, in the same words as a log line would have.
    sys.excepthook = lambda _kind, error, _trace: print(f"yizhan broke: {trace_of(error)}", file=sys.stderr)


def get_logger(station: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines name the ``station`` of the river they come from."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(station=station)
    return logger
