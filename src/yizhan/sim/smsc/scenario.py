"""What the SMSC does: one TOML file, ``etc/smsc.toml`` has every key. What depends on chance is drawn from the seed."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from yizhan.model.section import Section

Share = Annotated[float, Field(ge=0, le=1)]
Wait = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=0)]
StatusCode = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
Spread = Literal["constant", "uniform", "exponential"]


class Binds(Section):
    """``[bind]``: who is let in."""

    accounts: dict[str, str] = Field(default_factory=dict)  # system_id -> password; empty: everybody
    refuse_status: StatusCode = 0x0D
    refuse_first: Count = 0
    refuse_for_s: Wait = 0
    refuse_share: Share = 0


class Errors(Section):
    """``[[errors]]``: a status for some numbers, or for a share of all."""

    status: StatusCode
    number_ends: str = ""
    share: Share = 1
    first: Count = 0  # only so many times; 0: always


class Answers(Section):
    """``[answer]``: how submits are answered."""

    delay_s: Wait = 0
    spread: Spread = "constant"
    swallow_share: Share = 0  # taken, counted, never answered
    swallow_number_ends: str = ""


class Throttle(Section):
    """``[throttle]``: too much at a time."""

    status: StatusCode = 0x58
    above_per_s: Count = 0  # 0: never
    every_s: Wait = 0  # a burst of refusals so often, 0: never,
    for_s: Wait = 0  # so long


class Receipts(Section):
    """``[receipts]``: what is reported, when and how."""

    delay_s: Wait = 0.1
    spread: Spread = "constant"
    words: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=lambda: {"DELIVRD": 1})  # word -> weight
    none_share: Share = 0
    early_share: Share = 0  # before the answer to the submit
    duplicate_share: Share = 0
    malformed_share: Share = 0
    without_id_share: Share = 0
    tlv_only_share: Share = 0  # no text, only receipted_message_id and message_state
    ids: Literal["same", "hex", "decimal", "padded"] = "same"
    other_bind: bool = False  # never on the bind that the submit came over, if there is another
    window: Annotated[int, Field(ge=1, le=10_000)] = 100
    repeat_after_s: Annotated[float, Field(gt=0, le=86_400)] = 30  # not acknowledged by then: once more


class Trouble(Section):
    """``[trouble]``: what goes wrong with connections."""

    disconnect_every: Count = 0  # submits
    disconnect_every_s: Wait = 0
    abrupt: bool = True  # else with an unbind
    half_open_after: Count = 0  # submits, then the connection stays and nothing is answered any more
    stop_reading_after: Count = 0  # submits


class Scenario(Section):
    """The whole file."""

    bind: Binds = Binds()
    errors: tuple[Errors, ...] = ()
    answer: Answers = Answers()
    throttle: Throttle = Throttle()
    receipts: Receipts = Receipts()
    trouble: Trouble = Trouble()


def read_scenario(file: Path | None) -> Scenario:
    """From a file, or what is usual. OSError, tomllib.TOMLDecodeError, pydantic.ValidationError."""
    if file is None:
        return Scenario()
    return Scenario.model_validate(tomllib.loads(file.read_text(encoding="utf-8-sig")))
