"""Guessing at passwords from many addresses and for many accounts: what it may cost, and whom it may not hurt."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from yizhan.flow import gate as gate_module
from yizhan.model.call import Call
from yizhan.model.reject import Reject
from yizhan.model.settings import PolicySettings
from yizhan.policy.credentials import credential_matches, md5_of

from .house import PWD, House, call


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with short tempers, and two accounts."""
    limits = PolicySettings(
        failed_logins=5, failed_logins_per_account=8, slow_checks_per_account_minute=1_000, slow_checks_waiting=64
    )
    house = House(tmp_path / "house", limits)
    house.add()
    house.add("C2")
    yield house
    house.close()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every slow check that is really made: credential and MD5, in order. The check itself stays what it is."""
    made: list[tuple[str, str]] = []
    lock = threading.Lock()

    def counted(credential: str, password_md5: str) -> bool:
        with lock:
            made.append((credential, password_md5))
        return credential_matches(credential, password_md5)

    monkeypatch.setattr(gate_module, "credential_matches", counted)
    return made


def enter(house: House, one: Call) -> Reject | None:
    """What the gate says."""
    refusal = house.run(house.gate.enter(house.case(one)))
    return None if refusal is None else refusal.reject


def wrong(number: int = 0) -> str:
    """A wrong password."""
    return md5_of(f"guess {number}")


def test_many_addresses_at_one_account(house: House) -> None:
    """Each address fails once only; the account itself has enough in the end, and its known callers go on."""
    assert enter(house, call(address="198.51.100.1")) is None, "the customer"
    said = [enter(house, call(pwd=wrong(n), address=f"192.0.2.{n}")) for n in range(1, 21)]
    assert said == [Reject.PASSWORD_WRONG] * 8 + [Reject.OTHER] * 12
    assert enter(house, call(address="192.0.2.99")) is Reject.OTHER, "not even a right guess is told"
    assert enter(house, call(address="198.51.100.1")) is None
    assert enter(house, call(address="127.0.0.1")) is None
    assert enter(house, call(corpid="C2", address="192.0.2.99")) is None, "another account is not concerned"
    house.clock.move(600)
    assert enter(house, call(address="192.0.2.99")) is None


def test_many_accounts_from_one_address(house: House) -> None:
    said = [enter(house, call(corpid=f"C{n}", pwd=wrong())) for n in (1, 2, 3, 4, 5)]
    assert said[:2] == [Reject.PASSWORD_WRONG] * 2 and said[2:] == [Reject.ACCOUNT_UNKNOWN] * 3
    assert enter(house, call()) is Reject.ADDRESS_BLOCKED


def test_an_ipv6_network_is_one_address(house: House) -> None:
    for n in range(5):
        assert enter(house, call(pwd=wrong(n), address=f"2001:db8:0:1::{n + 1}")) is Reject.PASSWORD_WRONG
    assert [blocked[0] for blocked in house.blocked] == ["2001:db8:0:1::/64"]
    assert enter(house, call(address="2001:db8:0:1:ffff::9")) is Reject.ADDRESS_BLOCKED
    assert enter(house, call(address="2001:db8:0:2::1")) is None


def test_an_unknown_account_costs_what_a_wrong_password_costs(house: House, checks: list[tuple[str, str]]) -> None:
    for name, pwd in (("IntlSend", wrong()), ("Send", "plain"), ("Send", wrong()), ("GetBalance", "no md5")):
        checks.clear()
        assert enter(house, call(name, corpid="C1", pwd=pwd, address="192.0.2.1")) is Reject.PASSWORD_WRONG
        known, *_ = [list(checks)]
        checks.clear()
        assert enter(house, call(name, corpid="nobody", pwd=pwd, address="192.0.2.2")) is Reject.ACCOUNT_UNKNOWN
        assert [md5 for _, md5 in checks] == [md5 for _, md5 in known]
        real = house.living.standing.accounts["C1"].credential
        for decoy, _ in checks:
            assert decoy != real and decoy.split("$")[:4] == real.split("$")[:4], "another one, of the same cost"


def test_unknown_accounts_are_no_way_to_burn_the_processor(tmp_path: Path, checks: list[tuple[str, str]]) -> None:
    house = House(tmp_path, PolicySettings(slow_checks_per_account_minute=3, failed_logins=1_000))
    house.add()
    said = [enter(house, call(corpid=f"nobody {n}", pwd=wrong(n), address=f"192.0.2.{n}")) for n in range(10)]
    assert said == [Reject.ACCOUNT_UNKNOWN] * 10, "the answer stays true"
    assert len(checks) == 3
    assert enter(house, call()) is None, "a customer's check is not taken away by strangers"
    house.close()


def test_one_address_cannot_burn_the_processor_over_many_accounts(
    tmp_path: Path, checks: list[tuple[str, str]]
) -> None:
    house = House(tmp_path, PolicySettings(slow_checks_per_address_minute=4, failed_logins=1_000))
    for n in range(8):
        house.add(f"C{n}")
    said = [enter(house, call(corpid=f"C{n}", pwd=wrong(n))) for n in range(8)]
    assert said == [Reject.PASSWORD_WRONG] * 4 + [Reject.OTHER] * 4 and len(checks) == 4
    assert enter(house, call(address="192.0.2.2")) is None, "another address is not concerned"
    house.close()


def test_right_passwords_do_not_use_up_an_address(tmp_path: Path) -> None:
    house = House(tmp_path, PolicySettings(slow_checks_per_address_minute=2))
    for n in range(6):
        house.add(f"C{n}")
    assert [enter(house, call(corpid=f"C{n}")) for n in range(6)] == [None] * 6
    house.close()


def test_strangers_cannot_use_up_the_checks_of_allowed_callers(tmp_path: Path) -> None:
    house = House(tmp_path, PolicySettings(slow_checks_per_account_minute=2))
    house.add(allow_ips=["198.51.100.7"])
    said = [enter(house, call(pwd=wrong(n), address=f"192.0.2.{n}")) for n in range(4)]
    assert said == [Reject.PASSWORD_WRONG] * 2 + [Reject.OTHER] * 2
    assert enter(house, call(address="198.51.100.7")) is None
    house.close()


def test_new_passwords_are_rationed(tmp_path: Path) -> None:
    house = House(tmp_path, PolicySettings(password_changes_per_minute=2))
    house.add()
    said = []
    for n in range(3):
        pwd = PWD if n == 0 else f"new {n - 1}"
        refusal = house.run(house.reception.change_password(call("UpdPwd", pwd=pwd, newpwd=f"new {n}")))
        said.append(None if refusal is None else refusal.reject)
    assert said == [None, None, Reject.OTHER]
    house.close()
