"""The gate: who calls, is it them, and what guards it (contract, section 5, rows 1 to 6)."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yizhan.model.call import Call
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import PolicySettings
from yizhan.policy.addresses import parse_network
from yizhan.policy.credentials import md5_of

from .house import PWD, House, call

GUARDED = PolicySettings(
    failed_logins=3,
    failed_login_window_s=60,
    failed_login_block_s=600,
    slow_checks_waiting=2,
    slow_checks_per_account_minute=6,
)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[House]:
    """A house that blocks after three failures."""
    house = House(tmp_path / "guarded", GUARDED, proxies=(parse_network("203.0.113.0/24"),))
    house.add()
    yield house
    house.close()


def enter(house: House, one: Call) -> Reject | None:
    """What the gate says."""
    refusal = house.run(house.gate.enter(house.case(one)))
    return None if refusal is None else refusal.reject


def wrong(number: int = 0) -> str:
    """A wrong password."""
    return md5_of(f"guess {number}")


@pytest.mark.parametrize(
    ("one", "reject"),
    [
        pytest.param(call(), None, id="right"),
        pytest.param(call(pwd=PWD.upper()), None, id="upper case"),
        pytest.param(call(pwd=wrong()), Reject.PASSWORD_WRONG, id="wrong"),
        pytest.param(call(corpid="C2"), Reject.ACCOUNT_UNKNOWN, id="unknown account"),
        pytest.param(call(pwd="secret"), Reject.PASSWORD_NOT_MD5, id="IntlSend with the plain password"),
        pytest.param(call("GetBalance", pwd="secret"), Reject.PASSWORD_WRONG, id="GetBalance with the plain password"),
        pytest.param(call("GetBalance"), None, id="GetBalance"),
    ],
)
def test_who(guarded: House, one: Call, reject: Reject | None) -> None:
    assert enter(guarded, one) is reject
    assert enter(guarded, one) is reject, "and the same once more, out of the cache"


def test_failed_logins_block_the_address(guarded: House) -> None:
    assert enter(guarded, call(corpid="C2")) is Reject.ACCOUNT_UNKNOWN
    assert enter(guarded, call(pwd=wrong())) is Reject.PASSWORD_WRONG
    assert guarded.blocked == []
    assert enter(guarded, call(corpid="C3")) is Reject.ACCOUNT_UNKNOWN
    until_ms = guarded.clock.now_ms() + 600_000
    assert guarded.blocked == [("192.0.2.1", until_ms, "3 failed logins")]
    assert enter(guarded, call()) is Reject.ADDRESS_BLOCKED, "the right password does not help now"
    assert enter(guarded, call(address="::ffff:192.0.2.1")) is Reject.ADDRESS_BLOCKED
    assert enter(guarded, call(address="192.0.2.2")) is None
    guarded.clock.move(599.9)
    assert enter(guarded, call()) is Reject.ADDRESS_BLOCKED
    guarded.clock.move(0.1)
    assert enter(guarded, call()) is None, "the block ends by itself"


def test_failures_spread_over_time_do_not_block(guarded: House) -> None:
    for _ in range(6):
        assert enter(guarded, call(corpid="C2")) is Reject.ACCOUNT_UNKNOWN
        guarded.clock.move(30)
    assert guarded.blocked == []


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(call(corpid=""), id="-20"),
        pytest.param(call(pwd=""), id="-21"),
        pytest.param(call(pwd="x"), id="-23"),
        pytest.param(call(), id="a success"),
    ],
)
def test_only_unknown_accounts_and_wrong_passwords_count(guarded: House, one: Call) -> None:
    for _ in range(10):
        enter(guarded, one)
    assert guarded.blocked == []


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.8.9.10", id="all of loopback"),
        pytest.param("::1", id="loopback of IPv6"),
        pytest.param("::ffff:127.0.0.1", id="IPv4-mapped loopback"),
        pytest.param("203.0.113.9", id="a trusted proxy"),
        pytest.param("198.51.100.7", id="on an account's allow-list"),
        pytest.param("", id="no address: a unix socket"),
    ],
)
def test_exempt(guarded: House, address: str) -> None:
    guarded.add("C9", allow_ips=["198.51.100.0/24"])
    for _ in range(10):
        assert enter(guarded, call(address=address, corpid="C2")) is Reject.ACCOUNT_UNKNOWN
    assert guarded.blocked == []


def test_slow_checks_are_bounded(guarded: House) -> None:
    """Two may wait; the third caller is told to come back, and that is no failed login."""

    async def together() -> list[Refusal | None]:
        case: Callable[[int], Call] = lambda number: call(pwd=wrong(number))  # noqa: E731
        return await asyncio.gather(*(guarded.gate.enter(guarded.case(case(number))) for number in range(3)))

    rejects = [refusal.reject for refusal in guarded.run(together()) if refusal]
    assert sorted(rejects) == sorted([Reject.PASSWORD_WRONG, Reject.PASSWORD_WRONG, Reject.OTHER])
    assert guarded.blocked == []
    assert enter(guarded, call()) is None


def test_equal_checks_share_one(guarded: House) -> None:
    """Twenty calls with the same password at the same time take one of the two places and one of the allowance."""

    async def together() -> list[Refusal | None]:
        return await asyncio.gather(*(guarded.gate.enter(guarded.case(call())) for _ in range(20)))

    assert guarded.run(together()) == [None] * 20


def test_a_caller_that_goes_away_does_not_end_the_check_of_another(guarded: House) -> None:
    async def together() -> Refusal | None:
        gone = asyncio.ensure_future(guarded.gate.enter(guarded.case(call())))
        stays = asyncio.ensure_future(guarded.gate.enter(guarded.case(call())))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert guarded.run(together()) is None


def test_slow_checks_of_an_account_are_rationed(tmp_path: Path) -> None:
    house = House(tmp_path, PolicySettings(slow_checks_per_account_minute=2))
    house.add()
    house.add("C2")
    rejects = [enter(house, call(pwd=wrong(number))) for number in range(3)]
    assert rejects == [Reject.PASSWORD_WRONG, Reject.PASSWORD_WRONG, Reject.OTHER]
    assert enter(house, call(corpid="C2")) is None, "another account has its own"
    house.clock.move(30)
    assert enter(house, call()) is None
    for number in range(5):  # the right one is known now, so a wrong one needs no slow check
        assert enter(house, call(pwd=wrong(number))) is Reject.PASSWORD_WRONG
    house.close()


def test_a_changed_password_holds_for_the_next_call(guarded: House) -> None:
    assert enter(guarded, call()) is None
    guarded.run(guarded.operate.set_account("op", "C1", password_md5=wrong(1)))
    assert enter(guarded, call()) is Reject.PASSWORD_WRONG
    assert enter(guarded, call(pwd=wrong(1))) is None
