"""What the files of ``deploy/`` say of a node is so, by the program's own settings, and they say it alike."""

import ipaddress
import re
import signal
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from yizhan.model.settings import Settings
from yizhan.node.config import read_settings

from .manifests import (
    HAPROXY_CFG,
    ROOT,
    Node,
    compose,
    copies,
    image,
    in_compose,
    in_image,
    in_kubernetes,
    in_unit,
    unit,
)

NODES = [
    pytest.param(in_compose("node1"), id="compose: node1"),
    pytest.param(in_compose("node2"), id="compose: node2"),
    pytest.param(in_kubernetes(), id="kubernetes"),
]
SUPERVISED = [*NODES, pytest.param(in_unit(), id="systemd")]
MIGRATION_S = 600  # ADR 0020: some seconds for ten million messages, and there may be a thousand million
SLACK_S = 5  # to close the store and to end
HTTPCHK = re.findall(r"option httpchk GET (\S+)", HAPROXY_CFG.read_text())[0]


def settings(node: Node, url: str = "postgresql://yizhan@database/yizhan") -> Settings:
    """What the program makes of the environment; ``url`` is the secret's, where one gives it."""
    environ = {name: url if value is None else value for name, value in node.environ.items()}
    return read_settings(None, {name: value for name, value in environ.items() if name.startswith("YIZHAN_")})


@pytest.mark.parametrize("node", NODES)
def test_every_variable_is_a_setting(node: Node) -> None:
    read = settings(node).model_dump()
    for name in node.environ:
        if name != "PGPASSWORD":
            section, key = name.removeprefix("YIZHAN_").lower().split("__")
            assert read[section][key] != Settings().model_dump()[section][key], f"{name} says nothing new"


@pytest.mark.parametrize("node", SUPERVISED)
def test_a_drain_ends_before_it_is_killed(node: Node) -> None:
    assert node.grace_s >= node.before_s + settings(node).server.drain_s + SLACK_S


@pytest.mark.parametrize("node", SUPERVISED)
def test_a_migration_ends_before_it_is_killed(node: Node) -> None:
    assert node.start_s >= MIGRATION_S


@pytest.mark.parametrize(
    "said",
    [
        pytest.param([in_image().port, in_compose().port, in_kubernetes().port], id="port"),
        pytest.param([in_image().port, int(image()["EXPOSE"][0])], id="exposed port"),
        pytest.param([in_image().uid, in_kubernetes().uid], id="user"),
        pytest.param([in_image().data, image()["VOLUME"][0]], id="volume"),
        pytest.param([node().data for node in (in_image, in_compose, in_kubernetes, in_unit)], id="data directory"),
        pytest.param([image()["STOPSIGNAL"][0], signal.SIGTERM.name], id="signal that stops it"),
        pytest.param([HTTPCHK, in_kubernetes().probes["ready"].removesuffix("?verbose")], id="path that says ready"),
    ],
)
def test_the_files_agree(said: list[object]) -> None:
    assert said == said[:1] * len(said)


def test_probes_ask_for_what_they_are_for() -> None:
    assert in_compose().probes == {"alive": "/livez"}
    assert in_kubernetes().probes == {"started": "/livez", "alive": "/livez", "ready": "/readyz?verbose"}


def test_the_proxy_of_compose_knows_its_nodes_and_they_know_it() -> None:
    services = compose()["services"]
    addresses = {name: services[name]["networks"]["default"]["ipv4_address"] for name in ("node1", "node2", "proxy")}
    (pool,) = compose()["networks"]["default"]["ipam"]["config"]
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network(pool["subnet"]) for address in addresses.values())
    port = in_image().port
    assert services["proxy"]["environment"] == {
        "NODE1": f"{addresses['node1']}:{port}",
        "NODE2": f"{addresses['node2']}:{port}",
    }
    for name in ("node1", "node2"):
        (proxy,) = settings(in_compose(name)).server.trusted_proxies
        assert str(proxy) == f"{addresses['proxy']}/32"
    (mount,) = services["proxy"]["volumes"]
    assert (ROOT / "deploy" / mount.split(":")[0]).resolve() == HAPROXY_CFG
    (port_outside,) = services["proxy"]["ports"]
    assert f"bind :{port_outside.split(':')[1]}\n" in HAPROXY_CFG.read_text()
    assert set(services["proxy"]["sysctls"].values()) == {int(port_outside.split(":")[1])}


def literals() -> Iterator[tuple[str, str]]:
    """Every variable of the files that has its value there."""
    for service in compose()["services"].values():
        yield from ((name, value) for name, value in service.get("environment", {}).items() if value[:2] != "${")
    yield from ((name, value) for name, value in in_kubernetes().environ.items() if value is not None)
    yield from ((name, value) for name, _, value in (item.partition("=") for item in unit()["Environment"]))


def test_no_password_stands_in_a_file() -> None:
    found = dict(literals())
    assert found, "there are some"
    assert not [name for name in found if re.search("PASS|SECRET|TOKEN", name)]
    assert not [value for value in found.values() if urlsplit(value).password]
    assert not {"ENV", "ARG"} & set(image()), "a build would keep it in the image"
    assert in_kubernetes().environ["PGPASSWORD"] is in_compose().environ["PGPASSWORD"] is None


def test_the_image_takes_what_it_builds_from() -> None:
    (base,) = image()["FROM"]
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim", base), "pinned by version"
    places = {place for source, place in copies() if (ROOT / source).exists()}
    assert len(places) == len(copies())
    wanted = set(re.findall(r"/src/\S+", image()["RUN"][0]))
    assert wanted and wanted <= places
    assert image()["USER"] == tuple(re.findall(r"useradd .*--uid (\d+)", image()["RUN"][0]))
    assert image()["ENTRYPOINT"][0] == "/opt/yizhan/bin/yizhan"
