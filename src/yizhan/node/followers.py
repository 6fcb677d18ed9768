"""Who follows calls and messages on their way: the log, traces, both; most nodes have nobody who does."""

from yizhan import __version__
from yizhan.flow.trail import LogFollower
from yizhan.kit.steps import Follower
from yizhan.model.settings import Settings


class Missing(Exception):
    """Something is configured that is not installed."""


def make_followers(settings: Settings, node: str) -> list[Follower]:
    """As configured; ``node`` is how this one is called. Raises Missing."""
    followers: list[Follower] = [LogFollower()] if settings.log.calls else []
    if settings.otel.enabled:
        try:
            from yizhan.kit.spans import Spans  # an optional extra
        except ImportError as error:
            raise Missing("[otel] enabled needs OpenTelemetry: pip install 'yizhan[otel]'") from error
        followers.append(Spans(__version__, node))
    return followers
