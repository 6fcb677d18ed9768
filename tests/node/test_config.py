"""The configuration: defaults, the file, the environment, and what every mistake is told."""

import itertools
import re
import shutil
import subprocess
import tomllib
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from yizhan.model.channel import ChannelSettings, channel_of_share, shares_of
from yizhan.model.settings import RefundRule, Settings, without_password
from yizhan.node.config import ConfigError, read_settings

SAMPLE = Path(__file__).parents[2] / "etc" / "yizhan.toml"


def write(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "yizhan.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def mistakes(file: Path | None, environ: dict[str, str] | None = None, listen: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(file, environ or {}, listen)
    assert str(caught.value).splitlines() == caught.value.mistakes
    return caught.value.mistakes


def test_nothing_means_defaults() -> None:
    assert read_settings(None, {}) == Settings()
    assert [channel.name for channel in read_settings(None, {}).channels] == ["simulator"]


def test_file_then_environment_then_listen(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nlisten = "127.0.0.1:1"\ndrain_s = 3\n[policy]\nmax_numbers = 7\n')
    assert read_settings(file, {}).server.listen == "127.0.0.1:1"
    environ = {"YIZHAN_SERVER__LISTEN": "127.0.0.1:2", "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
    both = read_settings(file, environ)
    assert (both.server.listen, both.server.drain_s) == ("127.0.0.1:2", 3)
    assert (both.policy.max_numbers, both.policy.query_interval_s) == (7, 0)
    assert read_settings(file, environ, "[::1]:0").server.listen == "[::1]:0"


def test_byte_order_mark_is_tolerated(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, b'\xef\xbb\xbf[log]\nlevel = "debug"\n'), {}).log.level == "debug"


@pytest.mark.parametrize(
    "name, value, picked",
    [
        pytest.param("YIZHAN_POLICY__MAX_NUMBERS", "12", lambda s: s.policy.max_numbers == 12, id="whole number"),
        pytest.param("YIZHAN_STORE__BATCH_MS", "0.5", lambda s: s.store.batch_ms == 0.5, id="number"),
        pytest.param("YIZHAN_POLICY__REFUND", "never", lambda s: s.policy.refund is RefundRule.NEVER, id="word"),
        pytest.param("yizhan_log__level", "error", lambda s: s.log.level == "error", id="lower-case name"),
        pytest.param("YIZHAN_LOG__LEVEL", "", lambda s: s.log.level == "info", id="empty is not set"),
        pytest.param(
            "YIZHAN_SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8, ::1",
            lambda s: s.server.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128")),
            id="list with commas",
        ),
        pytest.param(
            "YIZHAN_SERVER__TRUSTED_PROXIES",
            '["10.0.0.0/8"]',
            lambda s: s.server.trusted_proxies == (ip_network("10.0.0.0/8"),),
            id="list as JSON",
        ),
        pytest.param(
            "YIZHAN_CHANNELS",
            '[{"name": "a", "window": 2}, {"name": "b"}]',
            lambda s: s.channels == (ChannelSettings(name="a", window=2), ChannelSettings(name="b")),
            id="channels",
        ),
        pytest.param(
            "YIZHAN_PRICES",
            '{"852": 2, "1": 0.125}',
            lambda s: s.prices == {"852": Decimal(2), "1": Decimal("0.125")},
            id="prices",
        ),
    ],
)
def test_environment_sets(name: str, value: str, picked: Any) -> None:
    assert picked(read_settings(None, {name: value}))


@pytest.mark.parametrize(
    "name",
    [
        "YIZHAN_DATA",
        "YIZHAN_CONFIG",
        "YIZHAN_PASSWORD",
        "YIZHAN_SERVER",
        "YIZHAN_SERVER_PORT",
        "YIZHAN_FOO__BAR",
        "PATH",
    ],
)
def test_variables_of_others_are_left_alone(name: str) -> None:
    assert read_settings(None, {name: "anything"}) == Settings()


def test_channels_and_prices_are_replaced_as_a_whole(tmp_path: Path) -> None:
    file = write(tmp_path, '[[channels]]\nname = "a"\n[prices]\n1 = 2\n')
    got = read_settings(file, {"YIZHAN_CHANNELS": '[{"name": "b"}]', "YIZHAN_PRICES": '{"44": 3}'})
    assert [channel.name for channel in got.channels] == ["b"]
    assert got.prices == {"44": Decimal(3)}


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("[policy]\nmax numbers = 3", "must be valid TOML: .*line 2, column 5", id="syntax, with its line"),
        pytest.param(b'[log]\nlevel = "\xff"', "must be UTF-8, byte 15 is not", id="not UTF-8"),
        pytest.param("a = 1", "a: unknown key, allowed here: server, ", id="unknown key"),
        pytest.param("[polcy]", "polcy: unknown key, did you mean policy[?]", id="unknown section"),
        pytest.param("[policy]\nrefnd = 1", "policy.refnd: unknown key, did you mean refund[?]", id="near miss"),
        pytest.param(
            "[server]\nlevel = 1",
            r"server.level: unknown key here, did you mean level in \[log\][?]",
            id="key of another section",
        ),
        pytest.param("policy = 5", "policy: must be a table, not 5", id="section is no table"),
        pytest.param('[policy]\nmax_numbers = "9"', "policy.max_numbers: .* whole number .*'9'", id="text as number"),
        pytest.param("[policy]\nmax_numbers = true", "policy.max_numbers: .* whole number .*True", id="bool as number"),
        pytest.param("[policy]\nmax_numbers = 0", "policy.max_numbers: .*at least 1, not 0", id="too small"),
        pytest.param("[policy]\nquery_interval_s = nan", "policy.query_interval_s: .*from 0 to 86400", id="nan"),
        pytest.param("[store]\nbatch_ms = 0", "store.batch_ms: .*above 0, at most 1000", id="exclusive bound"),
        pytest.param(
            '[policy]\nrefund = "x"', 'policy.refund: must be one of "failed", "refused", "never", not', id="word"
        ),
        pytest.param('[server]\nlisten = "x"', "server.listen: must be HOST:PORT .*, not 'x'", id="listen"),
        pytest.param(
            '[server]\ntrusted_proxies = ["::1", "10.0.0.1/8"]',
            r"server.trusted_proxies\[1\]: must be an IPv4 or IPv6 network .*, not '10.0.0.1/8'",
            id="network with host bits",
        ),
        pytest.param('[store]\nurl = "x"', "store.url: must be sqlite:PATH", id="store"),
        pytest.param(
            '[store]\nreplica_url = "postgresql://h/d"', "store: replica_url must be .* replica", id="replica"
        ),
        pytest.param('[store]\ndirect_url = "sqlite:x"', "store.direct_url: must be postgresql://", id="past a pooler"),
        pytest.param('[[channels]]\nkind = "simulator"', r"channels\[0\].name: is missing, must be", id="missing key"),
        pytest.param(
            '[[channels]]\nname = "a"\n[[channels]]\nname = "a"', "channels: every channel needs a name", id="same name"
        ),
        pytest.param("[prices]\na = 1", "prices.a: the key must be text that matches", id="prefix"),
        pytest.param("[prices]\n1 = 1001", "prices.1: must be a number from 0 to 1000, not 1001", id="price"),
        pytest.param("[prices]\n1 = 0.0001", "prices.1: must have at most 3 decimals, not", id="decimals"),
    ],
)
def test_every_mistake_in_the_file_names_file_key_and_remedy(tmp_path: Path, text: str | bytes, expected: str) -> None:
    file = write(tmp_path, text)
    (line,) = mistakes(file)
    assert re.fullmatch(f"{re.escape(str(file))}: {expected}.*", line), line


@pytest.mark.parametrize(
    "name, value, expected",
    [
        pytest.param("YIZHAN_POLICY__QUERY", "1", "policy.query: unknown key", id="unknown key"),
        pytest.param("YIZHAN_POLICY__A__B", "1", "policy.a: unknown key", id="too deep"),
        pytest.param("YIZHAN_POLICY__", "1", "policy.: unknown key", id="no key"),
        pytest.param("YIZHAN_POLICY__MAX_NUMBERS", "many", "policy.max_numbers: .*whole number.*'many'", id="type"),
        pytest.param("YIZHAN_CHANNELS", '[{"name":', "channels: must be a list in JSON", id="broken JSON"),
        pytest.param("YIZHAN_CHANNELS", '[{"name": "?"}]', r"channels\[0\].name: .*matches", id="inside JSON"),
        pytest.param("YIZHAN_PRICES", "2", "prices: must be a table, not 2", id="JSON of another type"),
        pytest.param("YIZHAN_CHANNELS__0__NAME", "a", "channels: must be set as a whole, in JSON", id="piecemeal"),
        pytest.param("YIZHAN_SERVER__TRUSTED_PROXIES", "x", r"server.trusted_proxies\[0\]: .*network", id="list item"),
    ],
)
def test_every_mistake_in_the_environment_names_the_variable(name: str, value: str, expected: str) -> None:
    (line,) = mistakes(None, {name: value})
    assert re.fullmatch(f"{name}: {expected}.*", line), line


def test_all_mistakes_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, '[log]\nlevel = "loud"\n[policy]\nmax_numbers = -1\n')
    lines = mistakes(file, {"YIZHAN_STORE__READERS": "65"}, "nowhere")
    assert [line.partition(": ")[0] for line in lines] == [str(file), str(file), "YIZHAN_STORE__READERS", "--listen"]


@pytest.mark.parametrize("name", [pytest.param("none.toml", id="missing"), pytest.param(".", id="directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    lines = mistakes(tmp_path / name, {"YIZHAN_LOG__LEVEL": "loud"})
    assert lines[0].startswith(f"{tmp_path / name}: must be a readable TOML file: ")
    assert lines[1].startswith("YIZHAN_LOG__LEVEL: ")


def test_tls_files_are_checked_at_the_start(tmp_path: Path) -> None:
    file = write(tmp_path, f'[server]\ntls_cert = "{tmp_path / "cert.pem"}"\n')
    key = {"YIZHAN_SERVER__TLS_KEY": str(tmp_path)}
    assert mistakes(file)[0] == f"{file}: server.tls_cert: is set without server.tls_key; set both or neither"
    unreadable = mistakes(file, key)
    assert unreadable[0].startswith(f"{file}: server.tls_cert: must be a readable PEM file, {tmp_path / 'cert.pem'} ")
    assert unreadable[1].startswith(f"YIZHAN_SERVER__TLS_KEY: server.tls_key: must be a readable PEM file, {tmp_path} ")
    (tmp_path / "cert.pem").write_text("no certificate")
    (garbage,) = mistakes(file, {"YIZHAN_SERVER__TLS_KEY": str(tmp_path / "cert.pem")})
    assert garbage.startswith(f"{file}: server.tls_cert: must be a PEM certificate, with its unencrypted PEM key")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with the openssl command")
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_real_certificate(tmp_path: Path, encrypted: bool) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    secret = ["-passout", "pass:secret"] if encrypted else ["-nodes"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=localhost", "-days", "1", *secret]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True, timeout=60)
    environ = {"YIZHAN_SERVER__TLS_CERT": str(cert), "YIZHAN_SERVER__TLS_KEY": str(key)}
    if encrypted:
        assert "unencrypted" in mistakes(None, environ)[0]
    else:
        assert read_settings(None, environ).server.tls_key == key


def test_the_sample_file_changes_nothing_as_it_stands() -> None:
    assert read_settings(SAMPLE, {}) == Settings()


def test_the_sample_file_names_every_key_with_its_default(tmp_path: Path) -> None:
    """Uncommented from top to bottom it is Settings() again, key by key, and no key is absent."""
    text = re.sub(r"^#(?=[a-z\[])", "", SAMPLE.read_text(), flags=re.MULTILINE)
    assert read_settings(write(tmp_path, text), {}) == Settings()
    document = tomllib.loads(text)
    assert document.keys() == Settings.model_fields.keys()
    for name, default in Settings():
        if isinstance(default, BaseModel):
            assert document[name].keys() == type(default).model_fields.keys(), name
    assert document["channels"][0].keys() == ChannelSettings.model_fields.keys()


def test_every_sample_key_is_explained() -> None:
    """No key stands without a sentence above it, or above the key that it belongs to."""
    lines = SAMPLE.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"#[a-z\[]", line):
            assert above.startswith("#"), line


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "YIZHAN_CHANNELS",
                "YIZHAN_PRICES",
                "YIZHAN_LOG__LEVEL",
                "YIZHAN_POLICY__X",
                "YIZHAN_SERVER__TRUSTED_PROXIES",
                "YIZHAN_STORE__BATCH_MS",
            ]
        ),
        st.text(),
    )
)
def test_any_environment_gives_settings_or_config_error(environ: dict[str, str]) -> None:
    try:
        assert isinstance(read_settings(None, environ), Settings)
    except ConfigError as error:
        assert error.mistakes
        assert all(line.partition(":")[0] in environ for line in error.mistakes)


SMPP = '{"name": "a", "kind": "smpp", "host": "h", "system_id": "s", '


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ('{"name": "a", "kind": "smpp", "password": "hunter2"}', 'channels[0]: a channel of kind "smpp" needs host'),
        (SMPP + '"password": "hunter2\\u0001"}', "channels[0].password: must be text that matches"),
        (SMPP + '"password": "hunter2", "password_file": "x"}', "password, password_file, password_env: one of them"),
        (SMPP + '"password": "hunter2", "password_env": "X"}', "password, password_file, password_env: one of them"),
        (SMPP + '"password_env": "no name"}', "channels[0].password_env: must be text that matches"),
        ('{"name": "a", "password": "hunter2"}', 'password: only with kind = "smpp", and this is a simulator'),
        ('{"name": "a", "host": "smsc", "port": 3}', 'host, port: only with kind = "smpp", and this is a simulator'),
        (SMPP + '"receipt_delay_s": 3}', 'receipt_delay_s: only with kind = "simulator", and this is a smpp'),
        (SMPP + '"binds": 2, "nodes": 3}', "nodes: each needs a bind, and there are 2 (binds)"),
        ('{"name": "a", "nodes": 2}', 'nodes: only with kind = "smpp", and this is a simulator'),
        ('"hunter2"', "channels[0]: must be a table"),
        ('{"name": "a", "kind": "smtp"}', 'one of "simulator", "smpp"'),
    ],
)
def test_mistakes_in_a_channel_tell_no_password(channel: str, said: str) -> None:
    (mistake,) = mistakes(None, {"YIZHAN_CHANNELS": f"[{channel}]"})
    assert said in mistake and "hunter2" not in mistake


def test_a_list_of_channels_that_is_no_json_is_not_repeated() -> None:
    (mistake,) = mistakes(None, {"YIZHAN_CHANNELS": '[{"name": "a", "password": "hunter2"'})
    assert mistake == "YIZHAN_CHANNELS: channels: must be a list in JSON"


def test_settings_show_no_password() -> None:
    channel = ChannelSettings(name="a", kind="smpp", host="h", system_id="s", password="hunter2")
    assert "hunter2" not in repr(channel) and "hunter2" not in repr(Settings(channels=(channel,)))


def test_the_window_of_each_kind() -> None:
    environ = {"YIZHAN_CHANNELS": '[{"name": "a"}, {"name": "b", "kind": "smpp", "host": "h", "system_id": "s"}]'}
    assert [channel.window for channel in read_settings(None, environ).channels] == [1_000, 32]


@pytest.mark.parametrize(
    ("binds", "nodes", "rate_per_s", "shares"),
    [
        pytest.param(5, 1, 10, {"a": (5, 10)}, id="whole"),
        pytest.param(5, 2, 10, {"a/1of2": (3, 6), "a/2of2": (2, 4)}, id="the first has one more"),
        pytest.param(4, 2, 0, {"a/1of2": (2, 0), "a/2of2": (2, 0)}, id="no limit"),
        pytest.param(2, 2, 1, {"a/1of2": (1, 0.5), "a/2of2": (1, 0.5)}, id="less than one a second"),
        pytest.param(3, 3, 100, {f"a/{place}of3": (1, 100 / 3) for place in (1, 2, 3)}, id="what does not divide"),
    ],
)
def test_shares_are_the_contract(
    binds: int, nodes: int, rate_per_s: float, shares: dict[str, tuple[int, float]]
) -> None:
    smpp: Any = {"name": "a", "kind": "smpp", "host": "h", "system_id": "s"}
    channel = ChannelSettings(**smpp, binds=binds, nodes=nodes, rate_per_s=rate_per_s)
    found = shares_of(channel)
    assert list(found) == list(shares)
    assert [(one.binds, one.rate_per_s) for one in found.values()] == [pytest.approx(one) for one in shares.values()]
    assert sum(one.binds for one in found.values()) == binds
    assert {channel_of_share(name) for name in found} == {one.name for one in found.values()} == {"a"}


@pytest.mark.parametrize("binds", range(1, 65))
def test_no_division_is_more_than_the_whole(binds: int) -> None:
    smpp: Any = {"name": "a", "kind": "smpp", "host": "h", "system_id": "s"}
    for nodes in range(1, binds + 1):
        shares = shares_of(ChannelSettings(**smpp, binds=binds, nodes=nodes, rate_per_s=99.9)).values()
        assert sum(one.binds for one in shares) == binds and min(one.binds for one in shares) >= 1
        assert sum(one.rate_per_s for one in shares) == pytest.approx(99.9, rel=1e-12)


def test_nothing_waits_to_be_fetched_that_is_gone() -> None:
    (mistake,) = mistakes(None, {"YIZHAN_RETENTION__MESSAGES_DAYS": "10"})
    assert "unfetched_days must be at least 1 and at most messages_days (10)" in mistake


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("postgresql://u:p@h/d", "postgresql://u:***@h/d", id="plain"),
        pytest.param("postgresql://u:a/b:c@d@h:5432/d", "postgresql://u:***@h:5432/d", id="nothing is escaped"),
        pytest.param("postgresql://u@h/d?password=x&a=b", "postgresql://u@h/d?password=***&a=b", id="behind it"),
        pytest.param("postgresql://u@h/d?a=b&sslpassword=x", "postgresql://u@h/d?a=b&sslpassword=***", id="a key's"),
        pytest.param("postgresql://h:5432/d", "postgresql://h:5432/d", id="none"),
        pytest.param("sqlite:yizhan.db", "sqlite:yizhan.db", id="no server"),
    ],
)
def test_a_database_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
