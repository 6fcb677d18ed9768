"""TLS towards a carrier: its own CA, its name, our certificate; and nothing in clear when any of it is wrong."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from yizhan.carrier.channel import SmppChannel
from yizhan.kit.clock import SystemClock
from yizhan.model.channel import ChannelSettings
from yizhan.sim.smsc.scenario import Scenario
from yizhan.sim.smsc.smsc import Smsc

from .harness import Notebook, letter

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with openssl")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, a server certificate for "smsc" and a client certificate, as PEM files."""
    folder = tmp_path_factory.mktemp("papers")

    def openssl(words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)

    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    openssl(f"req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2 -addext keyUsage=keyCertSign")
    for name in ("smsc", "esme"):
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\n")
        openssl(f"req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}")
        openssl(
            f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2"
            f" -extfile {name}.ext"
        )
    return folder


async def use(papers: Path, client_certificate: bool, **changes: Any) -> tuple[Notebook, str]:
    """A message over TLS, or why there is no bind."""
    clock, notebook = SystemClock(), Notebook()
    smsc = Smsc(Scenario(), seed=1, clock=clock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "smsc.pem", papers / "smsc.key")
    if client_certificate:
        context.load_verify_locations(papers / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.get_running_loop().create_server(smsc.make_link, "127.0.0.1", 0, ssl=context)
    wanted = {"name": "one", "kind": "smpp", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    wanted |= {"system_id": "esme", "tls": True, "tls_ca": papers / "ca.pem", "tls_server_name": "smsc"}
    settings = ChannelSettings.model_validate({**wanted, **changes})
    channel = SmppChannel(settings, notebook, clock, lambda: None)
    tasks = [asyncio.ensure_future(smsc.run()), asyncio.ensure_future(channel.run())]
    try:
        async with asyncio.timeout(10):
            while not channel.state().up and channel.state().why == "not connected yet":
                await asyncio.sleep(0.01)
            if channel.state().up:
                channel.hand_over([letter(1)])
                while not notebook.reported and channel.state().up:
                    await asyncio.sleep(0.01)
        return notebook, channel.state().why
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        smsc.disconnect(abrupt=True)
        await asyncio.sleep(0)


def test_its_own_authority(papers: Path) -> None:
    notebook, why = asyncio.run(use(papers, client_certificate=False))
    assert notebook.reported and why == ""


def test_our_certificate(papers: Path) -> None:
    ours = {"tls_cert": papers / "esme.pem", "tls_key": papers / "esme.key"}
    notebook, _ = asyncio.run(use(papers, client_certificate=True, **ours))
    assert notebook.reported


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another name": ({"tls_server_name": "other"}, "certificate"),
    "an authority that we do not know": ({"tls_ca": None}, "certificate"),
    "a file that is not there": ({"tls_ca": Path("/does/not/exist.pem")}, "cannot connect"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_without_trust_nothing_is_sent(papers: Path, changes: dict[str, Any], said: str) -> None:
    notebook, why = asyncio.run(use(papers, client_certificate=False, **changes))
    assert said in why and notebook.answered == []


def test_a_carrier_that_wants_our_certificate_gets_none(papers: Path) -> None:
    notebook, _ = asyncio.run(use(papers, client_certificate=True))
    assert notebook.reported == []
