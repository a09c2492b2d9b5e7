"""TLS contexts that trust pinned certificates and nothing else: TLS 1.3 only (RFC 8446), no certificate authorities."""

import os
import secrets
import ssl
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from app.engine.base.errors import Refused
from app.wire.identity import DeviceIdentity, PublicIdentity


def server_context(identity: DeviceIdentity) -> ssl.SSLContext:
    """Return a context that shows `identity` and asks for a client certificate; allow some with `pin`.

    A caller without a certificate gets in (to pair); one with a certificate that is not pinned does not.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 0
    _show(context, identity)
    return context


def client_context(identity: DeviceIdentity | None, server: PublicIdentity) -> ssl.SSLContext:
    """Return a context that accepts exactly the certificate of `server` and shows `identity` if one is given."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    pin(context, server)
    if identity is not None:
        _show(context, identity)
    return context


def pairing_context() -> ssl.SSLContext:
    """Return a client context for pairing alone: it accepts any certificate, which the code's proof then binds."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def pin(context: ssl.SSLContext, peer: PublicIdentity) -> None:
    """Let connections made from now on accept the certificate of `peer`; those open stay as they are."""
    context.load_verify_locations(cadata=peer.certificate_pem)


def peer_der(connection: Any) -> bytes | None:
    """Return the certificate (DER) that the other side of an `ssl_object` or SSL socket has shown, or None."""
    shown = connection.getpeercert(True) if connection is not None else None  # by place: httpcore hands out the inner object
    return bytes(shown) if shown else None


def require_peer(connection: Any, server: PublicIdentity) -> None:
    """Raise `Refused` unless the other side showed exactly the certificate of `server`."""
    if peer_der(connection) != server.certificate_der:
        raise Refused(
            "{name} showed another certificate than the one pinned at pairing",
            name=server.name, hint="Someone may stand in between. If the node was set up anew, remove it and pair again.",
        )  # fmt: skip


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST
    return context


def _show(context: ssl.SSLContext, identity: DeviceIdentity) -> None:
    """Load the certificate and its key; OpenSSL reads files only, so the key passes through one, encrypted."""
    password = secrets.token_bytes(24).hex().encode()
    key = identity.tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    handle, path = tempfile.mkstemp(prefix="outpost-", suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(identity.public.certificate_pem.encode("ascii") + key)
        context.load_cert_chain(path, password=password)
    finally:
        Path(path).unlink()
