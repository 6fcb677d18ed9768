"""What one node has counted counts at another that was told: each limit that is used up here is used up there."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from yizhan.model.call import Call
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import PolicySettings
from yizhan.policy.credentials import md5_of
from yizhan.policy.tally import Tallies

from .house import PWD, House, call

OFFICE = "203.0.113.7"  # stands on an allow-list
SOURCE = "192.0.2.200"


class Nodes:
    """Two that share what they count, and a third that nobody tells anything. All have the same accounts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._houses: list[House] = []

    def open(self, **limits: Any) -> list[House]:
        """With these limits."""
        policy = PolicySettings(open_operations=("Reg",), **limits)
        self._houses = [House(self._folder / name, policy) for name in ("one", "two", "three")]
        for house in self._houses:
            for number in range(4):
                house.add(f"C{number}", allow_ips=[OFFICE] if number == 0 else [])
        return self._houses

    def close(self) -> None:
        """All of them."""
        for house in self._houses:
            house.close()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Closed at the end."""
    made = Nodes(tmp_path)
    yield made
    made.close()


def says(house: House, calls: Sequence[Call]) -> Reject | None:
    """What becomes of the last of the calls."""
    refusal: Refusal | None = None
    for one in calls:
        act = {"Reg": house.reception.register, "UpdPwd": house.reception.change_password}.get(one.operation.name)
        refusal = house.run(act(one) if act else house.gate.enter(house.case(one)))
    return None if refusal is None else refusal.reject


def guess(number: int, corp_id: str = "C1", address: str = "") -> Call:
    """A wrong password; each comes from an address of its own unless it is said from where."""
    return call(corpid=corp_id, pwd=md5_of(f"guess {number}"), address=address or f"192.0.2.{number}")


@pytest.mark.parametrize(
    ("limits", "here", "there", "told", "untold"),
    [
        pytest.param(
            {"failed_logins": 6},
            [guess(n, "nobody", SOURCE) for n in range(5)],
            [guess(n, "nobody", SOURCE) for n in (5, 6)],
            Reject.ADDRESS_BLOCKED,
            Reject.ACCOUNT_UNKNOWN,
            id="failures by source",
        ),
        pytest.param(
            {"failed_logins_per_account": 5},
            [guess(n) for n in range(5)],
            [call(address=SOURCE)],
            Reject.OTHER,
            None,
            id="failures by account",
        ),
        pytest.param(
            {"slow_checks_per_account_minute": 4},
            [guess(n) for n in range(4)],
            [guess(4)],
            Reject.OTHER,
            Reject.PASSWORD_WRONG,
            id="slow checks by account",
        ),
        pytest.param(
            {"slow_checks_per_account_minute": 4},
            [guess(n, address=OFFICE) for n in range(4)],
            [guess(4, address=OFFICE)],
            Reject.OTHER,
            Reject.PASSWORD_WRONG,
            id="slow checks by account, of exempt callers",
        ),
        pytest.param(
            {"slow_checks_per_account_minute": 4},
            [guess(n) for n in range(4)],
            [guess(4, address=OFFICE)],
            Reject.PASSWORD_WRONG,
            Reject.PASSWORD_WRONG,
            id="exempt callers have their own",
        ),
        pytest.param(
            {"slow_checks_per_address_minute": 2},
            [guess(n, f"C{n}", SOURCE) for n in range(2)],
            [guess(2, "C2", SOURCE)],
            Reject.OTHER,
            Reject.PASSWORD_WRONG,
            id="slow checks by source",
        ),
        pytest.param(
            {"slow_checks_per_address_minute": 2},
            [call(corpid=f"C{n}", address=SOURCE) for n in range(3)],
            [guess(3, "C3", SOURCE)],
            Reject.PASSWORD_WRONG,
            Reject.PASSWORD_WRONG,
            id="right passwords do not count",
        ),
        pytest.param(
            {"failed_logins_per_account": 5},
            [call(address=SOURCE)],
            [*[guess(n) for n in range(5)], call(address=SOURCE)],
            None,
            Reject.OTHER,
            id="a source that the account knows",
        ),
        pytest.param(
            {"registrations_per_minute": 2},
            [call("Reg", corpid=f"new {n}") for n in range(2)],
            [call("Reg", corpid="another")],
            Reject.OTHER,
            None,
            id="registrations",
        ),
        pytest.param(
            {"password_changes_per_minute": 2},
            [call("UpdPwd", newpwd="new"), call("UpdPwd", pwd="new", newpwd="newer")],
            [call("UpdPwd", pwd=PWD, newpwd="another")],
            Reject.OTHER,
            None,
            id="new passwords",
        ),
    ],
)
def test_limits_hold_at_all_nodes(
    nodes: Nodes,
    limits: dict[str, int],
    here: Sequence[Call],
    there: Sequence[Call],
    told: Reject | None,
    untold: Reject | None,
) -> None:
    one, two, three = nodes.open(**limits)
    tallies = [Tallies(house.reception.tallies) for house in (one, two)]
    says(one, here)
    tallies[1].hear(tallies[0].tell(), two.clock.monotonic_s())
    assert says(two, there) is told
    assert says(three, there) is untold
