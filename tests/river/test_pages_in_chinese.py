"""What the gateway says of channels, wrong values and refused wishes, in the language of the page; the API says it in
English.
"""

from collections.abc import Iterator
from html import unescape

import pytest

from .program import Program, eventually, running
from .test_console import LISTEN, PASSWORD, Browser, url_of

NOWHERE = {"kind": "smpp", "host": "127.0.0.1", "port": 1, "system_id": "x"}  # nobody listens at tcpmux


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With a channel that finds nobody."""
    with running(tmp_path_factory.mktemp("chinese") / "data", **LISTEN) as program:
        program.api("POST", "/people", json={"name": "ada", "role": "admin", "password": PASSWORD})
        program.api("POST", "/channels", json={"name": "sim", "settings": {"kind": "simulator"}})
        program.api("POST", "/channels", json={"name": "nowhere", "settings": NOWHERE})
        yield program


@pytest.fixture(scope="module", params=["zh-CN", "en"])
def browser(program: Program, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Somebody who reads one of the languages."""
    with Browser(url_of(program), language=request.param) as browser:
        browser.log_in("ada")
        yield browser


def expect(page: str, chinese: str, english: str) -> None:
    """The page says it in its own language, and not in the other one."""
    said, unsaid = (chinese, english) if '<html lang="zh-CN"' in page else (english, chinese)
    page = unescape(page)
    assert said in page and unsaid not in page, page


def test_how_a_channel_stands(program: Program, browser: Browser) -> None:
    eventually(lambda: "cannot connect" in program.api("GET", "/channels/nowhere")["channel"]["why"])
    for path in ("/channels", "/channels/nowhere", "/"):
        expect(browser.get(path).text, "无法连接：", "cannot connect: ")


def test_a_channel_is_tried(program: Program, browser: Browser) -> None:
    expect(browser.fill("/channels/sim/test").text, "内置通道：始终可用", "built in: always there")
    assert program.api("POST", "/channels/sim/test")[0]["said"] == "built in: always there"


@pytest.mark.parametrize(
    ("fields", "chinese", "english"),
    [
        pytest.param(
            {"port": "http"},
            "port：应为：1 到 65535 的整数，不能是 'http'",
            "port: must be a whole number from 1 to 65535, not 'http'",
            id="text for a number",
        ),
        pytest.param({"host": ""}, "必须填写 host 和 system_id", "needs host and system_id", id="no host"),
        pytest.param(
            {"window": "0", "binds": "x"},
            "'0'；binds：应为：",
            "'0'; binds: must be",
            id="two at once",
        ),
        pytest.param({"nodes": "2"}, "每个节点至少需要一个连接", "each needs a bind", id="what fits not together"),
    ],
)
def test_a_key_is_wrong(browser: Browser, fields: dict[str, str], chinese: str, english: str) -> None:
    typed = {key: str(value) for key, value in NOWHERE.items()} | fields
    answer = browser.fill("/channels/nowhere/settings", **typed)
    assert answer.status_code == 422
    expect(answer.text, chinese, english)


def test_a_rule_is_wrong(browser: Browser) -> None:
    for fields, chinese, english in (
        ({"prefix": "0138"}, "开头没有 0：不能是 '0138'", "without 0 in front: not '0138'"),
        ({"weight_sim": "1001"}, "权重是 1 到 1000 的整数", "a weight is a whole number from 1 to 1000"),
    ):
        answer = browser.fill("/routes/new", tier_sim="1", **fields)
        assert answer.status_code == 422
        expect(answer.text, chinese, english)


def test_a_wish_is_refused(program: Program, browser: Browser) -> None:
    customer = program.account(f"C{browser.headers['accept-language']}")
    program.send(customer, Mobile="13800000000", Content="你好【测试】")
    (message, *_) = program.wait_for("delivered", 1)
    program.api("POST", "/routes", json={"tiers": [{"nowhere": 1}], "account": customer.corp_id})
    for path, chinese, english in (
        (f"/messages/{message['id']}/resend", "不是结果不明", "is not held as uncertain"),
        (f"/messages/{message['id']}/give-up", "既不在等待人工处理", "is neither held nor queued"),
        ("/channels/nowhere/remove", "用到通道 nowhere", "names the channel nowhere"),
    ):
        answer = browser.fill(path)
        assert answer.status_code == 409, path
        expect(answer.text, chinese, english)
