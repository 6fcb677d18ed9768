"""The files of ``deploy/`` as their programs read them, and what each of them says of one node."""

import json
import re
import shlex
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "schemas"
UNIT = DEPLOY / "yizhan.service"
HAPROXY_CFG = ROOT / "etc" / "haproxy.cfg"


def schema(name: str) -> dict[str, Any]:
    """One of ``schemas/``, without its ending."""
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return read


def compose() -> dict[str, Any]:
    """``compose.yaml`` with its anchors followed."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def kubernetes() -> list[dict[str, Any]]:
    """The documents of the manifest."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "yizhan.yaml").read_text()))


def unit() -> dict[str, list[str]]:
    """The keys of the unit, whatever their section, each with all its values."""
    keys = defaultdict[str, list[str]](list)
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text()):
        keys[key].append(value)
    return keys


def containerfile() -> list[tuple[str, tuple[str, ...]]]:
    """The commands of the Containerfile, each with its words; RUN's are one."""
    text = re.sub(r"(?m)^#.*\n", "", (DEPLOY / "Containerfile").read_text()).replace("\\\n", "")
    commands = []
    for name, rest in re.findall(r"(?m)^(\w+) (.+)$", text):
        words = json.loads(rest) if rest.startswith("[") else [rest] if name == "RUN" else rest.split()
        commands.append((name, tuple(words)))
    return commands


def image() -> dict[str, tuple[str, ...]]:
    """The words of each command that stands there once."""
    return dict(containerfile())


def copies() -> list[tuple[str, str]]:
    """What the image takes of this repository, and where it is then: a file keeps its name in a folder."""
    pairs = []
    for *sources, place in (words for name, words in containerfile() if name == "COPY"):
        pairs += [(source, place + Path(source).name if place.endswith("/") else place) for source in sources]
    return pairs


@dataclass(frozen=True)
class Node:
    """What a manifest says of one node. ``environ`` has None for what a secret gives; times in seconds."""

    environ: dict[str, str | None]
    data: str  # its directory
    port: int
    uid: int | None
    grace_s: float  # from the first notice of a stop to SIGKILL
    before_s: float  # of these, before SIGTERM
    start_s: float  # from the start until it has to be ready
    probes: dict[str, str]  # path by purpose


def in_compose(name: str = "node1") -> Node:
    """A service of ``compose.yaml``."""
    service = compose()["services"][name]
    environ = {key: None if value.startswith("${") else value for key, value in service["environment"].items()}
    ((volume, data),) = (mount.split(":") for mount in service["volumes"])
    assert volume in compose()["volumes"]
    probe = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", service["healthcheck"]["test"][-1])
    assert probe
    return Node(environ, data, int(probe[1]), None, _seconds(service["stop_grace_period"]), 0, inf, {"alive": probe[2]})


def in_kubernetes() -> Node:
    """The container of the StatefulSet."""
    (pod,) = (kind["spec"]["template"]["spec"] for kind in kubernetes() if kind["kind"] == "StatefulSet")
    (container,) = pod["containers"]
    (port,) = container["ports"]
    environ = {item["name"]: item.get("value") for item in container["env"]}
    (data,) = (mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "data")
    probes = {}
    for purpose, key in {"started": "startupProbe", "alive": "livenessProbe", "ready": "readinessProbe"}.items():
        assert container[key]["httpGet"]["port"] == port["name"]
        probes[purpose] = container[key]["httpGet"]["path"]
    before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    start = container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"]
    grace, uid = pod["terminationGracePeriodSeconds"], pod["securityContext"]["runAsUser"]
    return Node(environ, data, port["containerPort"], uid, grace, before, start, probes)


def in_image() -> Node:
    """What the image says for itself: the times are its users'."""
    data, listen = options(image()["ENTRYPOINT"])["--data"], options(image()["ENTRYPOINT"])["--listen"]
    return Node({}, data, int(listen.rpartition(":")[2]), int(image()["USER"][0]), 0, 0, inf, {})


def in_unit() -> Node:
    """The unit of systemd; its port is the configuration's."""
    (state,), (command,) = unit()["StateDirectory"], unit()["ExecStart"]
    (grace,), (start,) = unit()["TimeoutStopSec"], unit()["TimeoutStartSec"]
    data = options(shlex.split(command))["--data"]
    assert data == f"/var/lib/{state}", "systemd.exec(5): a state directory of the system's is under /var/lib"
    return Node({}, data, 0, None, float(grace), 0, float(start), {})


def options(words: tuple[str, ...] | list[str]) -> dict[str, str]:
    """``--name value`` pairs of a command line."""
    return {name: value for name, value in pairwise(words) if name.startswith("--")}


def _seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration[:-1])
