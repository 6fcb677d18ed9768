"""TLS towards a carrier: its certificate is always checked, by the system's authorities or by the carrier's own."""

import ssl

from yizhan.model.channel import ChannelSettings


def tls_context(settings: ChannelSettings) -> ssl.SSLContext | None:
    """None for plain TCP. OSError or ssl.SSLError for files that cannot be used."""
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls_cert and settings.tls_key:
        # A password of "" keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    return context


def tls_name(settings: ChannelSettings) -> str | None:
    """The name that the carrier's certificate must have; None for plain TCP."""
    return (settings.tls_server_name or settings.host) if settings.tls else None
