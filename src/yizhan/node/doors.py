"""The node's two doors: the port that clients call, and the admin socket that only its owner can open."""

import resource
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request

from yizhan.console.api.app import MAX_BODY_BYTES, make_admin_app
from yizhan.console.desk import Doorkeeper, Source
from yizhan.console.metrics import metrics_router
from yizhan.console.pages.send import Sending
from yizhan.console.pages.site import make_site
from yizhan.front.asgi import App, answers_of
from yizhan.front.caller import Callers, seen_url
from yizhan.front.gateway import Gateway
from yizhan.front.listener import Listener
from yizhan.kit.clock import SystemClock
from yizhan.kit.log import get_logger
from yizhan.kit.sockets import short_path
from yizhan.model.settings import ServerSettings, Settings, split_listen
from yizhan.node.build import House
from yizhan.node.note import Note
from yizhan.node.pulse import Pulse
from yizhan.node.stop import Stop

log = get_logger("node")

# Strangers reach the side doors before they have shown anything. A large body may be 16 MiB, and is held twice.
_CONNECTIONS, _LARGE_BODIES = 500, 8
_CONSOLE, _METRICS = "admin api", "metrics"


def allow_descriptors(wanted: int) -> None:
    """Raise the soft limit of open files, usually 1,024, as far as the hard one lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and best > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))


def bind_port(host: str, port: int) -> socket.socket:
    """A bound TCP socket that does not listen yet. OSError names the address."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise OSError(f"{host}:{port}: {error.strerror}") from error
    return sock


@asynccontextmanager
async def clients_door(house: House, port: socket.socket, stop: Stop) -> AsyncIterator[str]:
    """The port that clients call, open while this lasts: its address."""
    server = house.settings.server
    tls = (server.tls_cert, server.tls_key) if server.tls_cert and server.tls_key else None
    pulse = Pulse(house.database, SystemClock())
    gateway = Gateway(house.reception, server, house.settings.policy.max_batch_items, pulse.ready)
    listener = Listener(gateway, server, port, tls)
    await listener.start()
    try:
        yield f"{_url(listener, 'https' if tls else 'http')}/sdk2/"
    finally:
        await listener.drain(stop.left_s())


def admin_api(house: House) -> FastAPI:
    """The admin API and the metrics; made once for all doors, since it is a tenth of a start."""
    app = make_admin_app(
        house.operate, house.ask, house.play, explain=house.explain, send=house.send, about=house.about
    )
    app.include_router(metrics_router(house.metrics))
    return app


@asynccontextmanager
async def admin_door(house: House, api: FastAPI, stop: Stop) -> AsyncIterator[None]:
    """The admin API on its unix socket, which only its owner can open."""
    path = Note(admin_listen=house.settings.admin.listen).socket(house.data)
    path.unlink(missing_ok=True)  # we hold the lock, so nobody listens on what an earlier node has left
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(path) as short:
        sock.bind(short)
    path.chmod(0o600)
    limits = ServerSettings(max_body_bytes=MAX_BODY_BYTES)
    listener = Listener(answers_of(api, house.settings.admin.max_streams), limits, sock)
    await listener.start()
    try:
        yield
    finally:
        await listener.drain(min(1.0, stop.left_s()))
        path.unlink(missing_ok=True)


def bind_side_ports(settings: Settings) -> dict[str, socket.socket]:
    """The ports of the console and of the metrics, as far as they are wanted. The console's may be taken as long as
    nobody has asked for it by name: then the gateway goes on without.
    """
    ports: dict[str, socket.socket] = {}
    for name, listen in ((_CONSOLE, settings.admin.api_listen), (_METRICS, settings.metrics.listen)):
        if listen:
            try:
                ports[name] = bind_port(*split_listen(listen))
            except OSError as error:
                if name != _CONSOLE or "api_listen" in settings.admin.model_fields_set:
                    raise
                log.warning("no console: admin.api_listen can name another port", error=str(error))
    return ports


@asynccontextmanager
async def side_doors(
    house: House, api: FastAPI, ports: Mapping[str, socket.socket], stop: Stop
) -> AsyncIterator[str | None]:
    """What stands at the ports that are there: the console and the admin API for who logs in or has a token, and the
    metrics for whoever comes. The console's address.
    """
    doors: tuple[tuple[str, Callable[[House, FastAPI], App]], ...] = ((_CONSOLE, _guarded), (_METRICS, _metrics_app))
    streams, of_one = house.settings.admin.max_streams, house.settings.admin.max_streams_person
    limits = ServerSettings(max_body_bytes=MAX_BODY_BYTES, max_connections=_CONNECTIONS + streams)
    urls: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for name, make in doors:
            if name in ports:
                listener = Listener(
                    answers_of(make(house, api), streams, of_one), limits, ports[name], most_large=_LARGE_BODIES
                )
                await listener.start()
                stack.push_async_callback(listener.drain, min(1.0, stop.left_s()))
                urls[name] = _url(listener)
                log.info(name, at=urls[name])
        yield urls.get(_CONSOLE)


def _url(listener: Listener, scheme: str = "http") -> str:
    host, number = listener.address
    return f"{scheme}://[{host}]:{number}" if ":" in host else f"{scheme}://{host}:{number}"


def _metrics_app(house: House, _: FastAPI) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(metrics_router(house.metrics))
    return app


def _guarded(house: House, api: FastAPI) -> Doorkeeper:
    """The console and the API, over the network."""
    callers = Callers(house.settings.server.trusted_proxies)

    def source(request: Request) -> Source:
        peer, headers = request.client.host if request.client else "", request.headers.raw
        url = seen_url(request.url.scheme, None, headers, b"", callers.believes(peer))
        scheme, _, host = url.partition("://")
        return Source(callers.address(peer, headers), scheme == "https", host)

    sending = Sending(house.ask, house.explain, house.send, house.mailings)
    site = make_site(
        house.login,
        house.operate,
        house.ask,
        house.live,
        sending,
        about=house.about,
        source=source,
        play=house.play,
    )
    return Doorkeeper(api, house.ask.holder, house.login.visit, site)
