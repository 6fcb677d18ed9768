"""Which channels may carry a message now, and why not the others. Pure: rules, states and the message are given."""

from collections.abc import Mapping, Sequence

from yizhan.model.carriage import ChannelState
from yizhan.model.route import Decision, Obstacle, Passenger, Rejected, Route, Tier

# A channel that refuses so much is passed over while another one of its tier can do the work.
UNHEALTHY_ERRORS = 0.5
UNHEALTHY_DELIVERED = 0.1


def matches(route: Route, who: Passenger) -> bool:
    """Whether the rule speaks of this message."""
    return (
        (route.account_id is None or route.account_id == who.account_id)
        and who.prefix.startswith(route.prefix)
        and route.country in ("", who.country)
        and route.network in (None, who.network)
        and route.text_class in (None, who.text_class)
    )


def first_match(routes: Sequence[Route], who: Passenger) -> Route | None:
    """The rule that decides: the first one that matches."""
    return next((route for route in routes if matches(route, who)), None)


def decide(routes: Sequence[Route], states: Mapping[str, ChannelState], who: Passenger) -> Decision:
    """The channels of the first tier that can take the message now, each with its weight.

    Unhealthy ones count only where nothing healthier in any tier can: a bad channel is better than none.
    """
    route = None if who.only else first_match(routes, who)
    tiers: Sequence[Tier] = route.tiers if route else (dict.fromkeys([who.only] if who.only else states, 1),)
    rejected: dict[str, Rejected] = {}
    unhealthy: dict[str, int] = {}
    chosen: dict[str, int] = {}
    for tier in tiers:
        for channel, weight in tier.items():
            why = _closed(channel, states.get(channel), who)
            if why is None and chosen and channel not in chosen:
                why = Rejected(channel, Obstacle.SPARE)
            if why is None and (ill := _illness(states[channel])):
                unhealthy.setdefault(channel, weight)
                why = ill
            if why is not None:
                rejected.setdefault(channel, why)
        chosen = chosen or {channel: weight for channel, weight in tier.items() if channel not in rejected}
    if not chosen and unhealthy:
        chosen = unhealthy
        for channel in chosen:
            del rejected[channel]
    known = {channel for tier in tiers for channel in tier if channel in states}
    exhausted = bool(known) and known <= who.tried
    return Decision(route, chosen, tuple(rejected.values()), exhausted)


def ways_of(routes: Sequence[Route], channels: Sequence[str], who: Passenger) -> set[str]:
    """All channels that may ever carry the message by the rules, however they stand now."""
    route = first_match(routes, who)
    named = {channel for tier in route.tiers for channel in tier} & set(channels) if route else set(channels)
    return named - who.tried


def _closed(channel: str, state: ChannelState | None, who: Passenger) -> Rejected | None:
    """Why the channel cannot take the message at all; None when it can."""
    if state is None:
        return Rejected(channel, Obstacle.MISSING)
    if channel in who.tried:
        return Rejected(channel, Obstacle.REFUSED)
    if state.paused:
        return Rejected(channel, Obstacle.PAUSED)
    if not state.up:
        return Rejected(channel, Obstacle.UNBOUND_FOR if state.why else Obstacle.UNBOUND, state.why)
    if state.free <= 0:
        return Rejected(channel, Obstacle.FULL)
    return None


def _illness(state: ChannelState) -> Rejected | None:
    if state.errors >= UNHEALTHY_ERRORS:
        return Rejected(state.name, Obstacle.REFUSING, f"{state.errors:.0%}")
    if state.delivered is not None and state.delivered < UNHEALTHY_DELIVERED:
        return Rejected(state.name, Obstacle.UNDELIVERING, f"{state.delivered:.0%}")
    return None


def share_out(slots: int, weights: Mapping[str, int], room: Mapping[str, int], chance: float) -> dict[str, int]:
    """Divide ``slots`` among channels by weight, none beyond its room; what a full one leaves goes to the others.

    ``chance`` (0 to 1) decides who gets the slots that do not divide, so that over many calls the weights hold.
    """
    shares = dict.fromkeys(weights, 0)
    left = min(slots, sum(room[channel] for channel in weights))
    while left > 0:
        open_ = {channel: weight for channel, weight in weights.items() if shares[channel] < room[channel]}
        total = sum(open_.values())
        given = 0
        for channel, weight in open_.items():
            part = min(left * weight // total, room[channel] - shares[channel])
            shares[channel] += part
            given += part
        left -= given
        if given == 0:
            # Fewer slots than weights: one by lot.
            mark = chance * total
            for channel, weight in open_.items():
                mark -= weight
                if mark < 0 or channel == next(reversed(open_)):
                    shares[channel] += 1
                    left -= 1
                    chance = (chance * 7.31 + 0.17) % 1
                    break
    return {channel: share for channel, share in shares.items() if share}


def split(count: int, rooms: Sequence[int]) -> list[int]:
    """Divide ``count``, at most the sum of the rooms, in proportion to them, and none beyond its own."""
    parts, left = [], sum(rooms)
    for room in rooms:
        part = -(-count * room // left) if left else 0
        parts.append(part)
        count, left = count - part, left - room
    return parts
