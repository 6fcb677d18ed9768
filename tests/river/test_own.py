"""What accounts change about themselves, and agents about theirs, over every transport (contract, section 4)."""

from collections.abc import Iterator

import pytest

from .program import TEXT, Customer, Program, running
from .test_family import Way, by_aspx, every_way

PROFILE = {"CorpName": "公司", "LinkMan": "张三", "Tel": "010", "Mobile": "13800000000", "Email": "a@b", "Memo": "备注"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway with every operation opened."""
    names = "Reg,UnReg,ChargeUp,AgentMakeAccount,agentchangeaccount"
    environ = {"YIZHAN_POLICY__OPEN_OPERATIONS": names, "YIZHAN_POLICY__REGISTRATIONS_PER_MINUTE": "20"}
    with running(tmp_path_factory.mktemp("own") / "data", **environ) as program:
        yield program


def who(customer: Customer) -> dict[str, str]:
    """The first two parameters."""
    return {"CorpID": customer.corp_id, "Pwd": customer.password}


@every_way
def test_a_new_password(opened: Program, way: Way) -> None:
    customer = opened.account(f"pwd-{id(way)}")
    assert way(opened, "UpdPwd", {**who(customer), "NewPwd": ""}) == "-2"
    assert way(opened, "UpdPwd", {**who(customer), "NewPwd": "neu 密"}) == "0"
    assert way(opened, "SelSum", who(customer)) == "-3"
    assert way(opened, "SelSum", {**who(customer), "Pwd": "neu 密"}) == "1000"


@every_way
def test_a_profile(opened: Program, way: Way) -> None:
    customer = opened.account(f"profile-{id(way)}")
    assert way(opened, "UpdReg", {**who(customer), **PROFILE}) == "0"
    kept = opened.api("GET", f"/accounts/{customer.corp_id}/profile")
    assert list(kept.values()) == list(PROFILE.values())
    assert way(opened, "UpdReg", {**who(customer), **PROFILE, "Memo": "x" * 501}) == "-2"
    changed = opened.api("PATCH", f"/accounts/{customer.corp_id}/profile", json={"memo": ""})
    assert changed == kept | {"memo": ""}
    (entry, first, *_) = opened.api("GET", "/audit")
    assert (entry["action"], entry["before"], entry["after"]) == (
        "account profile",
        '{"memo": "备注"}',
        '{"memo": ""}',
    )
    assert (first["actor"], first["action"]) == (f"account:{customer.corp_id}", "account profile")


@every_way
def test_registration(opened: Program, way: Way) -> None:
    new = Customer(f"new-{id(way)}", "geheim")
    assert way(opened, "Reg", {**who(new), **PROFILE}) == "0"
    assert way(opened, "Reg", {**who(new), **PROFILE}) == "-1"
    assert way(opened, "SelSum", who(new)) == "0"
    assert way(opened, "Reg", {**who(new), "CorpID": ""}) == "-2"
    assert way(opened, "Reg", {**who(new), "CorpID": "other", "Pwd": ""}) == "-2"


@every_way
def test_leaving(opened: Program, way: Way) -> None:
    customer = opened.account(f"leaves-{id(way)}", credit=7)
    assert way(opened, "UnReg", who(customer)) == "0"
    assert way(opened, "SelSum", who(customer)) == "-102"
    assert way(opened, "UnReg", who(customer)) == "-102"
    assert opened.balance(customer) == 7


@every_way
def test_recharge_cards(opened: Program, way: Way) -> None:
    customer = opened.account(f"card-{id(way)}", credit=1)
    card, other = opened.api("POST", "/cards", json={"count": 2, "credit": "100.5"})
    call = {**who(customer), "CardNo": card["number"], "CardPwd": card["password"]}
    assert way(opened, "ChargeUp", {**call, "CardPwd": other["password"]}) == "-7"
    assert way(opened, "ChargeUp", {**call, "Pwd": "wrong"}) == "-3"
    assert way(opened, "ChargeUp", call) == "0"
    assert way(opened, "ChargeUp", call) == "-7", "once"
    assert opened.balance(customer) == 101.5
    used = {row["number"]: row["used_by"] for row in opened.api("GET", "/cards", params={"limit": 1000})}
    assert (used[card["number"]], used[other["number"]]) == (customer.corp_id, None)
    assert opened.api("GET", "/ledger/check")["faults"] == []


def test_a_card_is_used_once_by_many_at_once(opened: Program) -> None:
    from concurrent.futures import ThreadPoolExecutor

    customer = opened.account("crowd", credit=0)
    (card,) = opened.api("POST", "/cards", json={"count": 1, "credit": "10"})
    call = {**who(customer), "CardNo": card["number"], "CardPwd": card["password"]}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: by_aspx(opened, "ChargeUp", call), range(24)))
    assert sorted(answers) == ["-7"] * 23 + ["0"]
    assert opened.balance(customer) == 10


@every_way
def test_agents(opened: Program, way: Way) -> None:
    agent = opened.account(f"agent-{id(way)}", credit=100, agent=True)
    login = {"LoginName": agent.corp_id, "LoginPwd": agent.password}
    theirs = Customer(f"theirs-{id(way)}", "pass")
    make = {**login, **PROFILE, "CorpID": theirs.corp_id, "Pass": theirs.password}
    assert way(opened, "AgentMakeAccount", {**make, "LoginPwd": "wrong"}) == "-3"
    assert way(opened, "AgentMakeAccount", {**make, "LoginName": "nobody"}) == "-1"
    assert way(opened, "AgentMakeAccount", make) == "OK"
    assert way(opened, "AgentMakeAccount", make) == "accounthasuse"
    give = {**login, "CorpID": theirs.corp_id, "SmsBalance": "60", "MmsBalance": "0"}
    assert way(opened, "AgentChangeAccount", give) == "OK"
    assert way(opened, "AgentChangeAccount", give) == "-5", "the agent has 40 left"
    assert way(opened, "AgentChangeAccount", {**give, "SmsBalance": "-10"}) == "OK"
    assert way(opened, "AgentChangeAccount", {**give, "SmsBalance": "-51"}) == "-5"
    assert way(opened, "AgentChangeAccount", {**give, "MmsBalance": "1"}) == "-2"
    assert (opened.balance(agent), opened.balance(theirs)) == (50, 50)
    entries = opened.api("GET", "/ledger", params={"account": theirs.corp_id})
    assert [(row["kind"], row["amount"], row["other"]) for row in entries] == [
        ("grant", -10, agent.corp_id),
        ("grant", 60, agent.corp_id),
    ]
    assert opened.api("GET", f"/accounts/{theirs.corp_id}")["made_by"] == agent.corp_id
    assert int(way(opened, "BatchSend2", {**who(theirs), "Mobile": "13800000000", "Content": TEXT})) > 0
    assert opened.api("GET", "/ledger/check")["faults"] == []


def test_an_agent_gives_only_to_accounts_of_its_own(opened: Program) -> None:
    agent, stranger = opened.account("agent", credit=5, agent=True), opened.account("stranger")
    give = {"LoginName": "agent", "LoginPwd": agent.password, "CorpID": "stranger", "SmsBalance": "1", "MmsBalance": ""}
    assert by_aspx(opened, "AgentChangeAccount", give) == "-1"
    login = {"LoginName": "stranger", "LoginPwd": stranger.password}
    assert by_aspx(opened, "AgentChangeAccount", {**give, **login, "CorpID": "agent"}) == "-2", "no agent"
    for number in ("x", "1.5", "99999999999", "2147483648", "--1", "１"):
        assert by_aspx(opened, "AgentChangeAccount", {**give, "SmsBalance": number}) == "-2", number


CLOSED = ("Reg", "UnReg", "ChargeUp", "AgentMakeAccount", "AgentChangeAccount")


@every_way
@pytest.mark.parametrize("operation", CLOSED)
def test_closed_until_opened(gateway: Program, way: Way, operation: str) -> None:
    assert way(gateway, operation, {"CorpID": "new", "Pwd": "new"}) == "-2"
    assert not [row for row in gateway.api("GET", "/accounts") if row["account"] == "new"]
