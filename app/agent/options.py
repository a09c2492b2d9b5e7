"""What an agent is started with."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from app.engine.base.errors import BadInput

LOW_CADENCE_S: Final = 0.1
HIGH_CADENCE_S: Final = 3600.0
DEFAULT_SPOOL_BYTES: Final = 64 << 20
LOW_SPOOL_BYTES: Final = 64 << 10
LOW_TTL_S: Final = 1.0
_DEVICE: Final = re.compile(r"[0-9a-f]{32}")
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


@dataclass(frozen=True)
class Options:
    """Where an agent lives, what it is called and where it listens; port 0 lets the system choose one."""

    home: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 0
    cadence_s: float = 1.0
    mdns: bool = True
    spool_bytes: int = DEFAULT_SPOOL_BYTES
    pair: bool = False
    hub: str = ""

    @property
    def folder(self) -> Path:
        """Return the folder of the agent's own state; `home/data` beside it holds the site's data."""
        return self.home / "agent"

    @property
    def announced(self) -> bool:
        """Tell whether the agent makes itself known by mDNS: never when only this machine could reach it."""
        return self.mdns and not is_loopback(self.host)

    def check(self) -> None:
        """Raise `BadInput` for a name or host that cannot be."""
        if not _NAME.fullmatch(self.name):
            raise BadInput("A node's name has 1 to 64 characters", field="name")
        if not self.host:
            raise BadInput("The agent needs an address to listen on", field="host")
        if self.hub:
            hub_of(self.hub)


def hub_of(text: str) -> tuple[str, str]:
    """Return address and device id in host:port#device, the way a hub is named to a node; raise `BadInput`."""
    address, _, device = text.partition("#")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or not _DEVICE.fullmatch(device):
        raise BadInput("A hub is named host:port#device", field="hub", hint="The first line of outpost hub serve tells both.")
    return address, device


def is_loopback(host: str) -> bool:
    """Tell whether `host` can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hosts_of(host: str) -> list[str]:
    """Return by which addresses others reach what listens on `host`, the likeliest first."""
    if host not in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared with, not bound to
        return [host]
    from app.agent.adapters.machine import addresses

    return addresses() or ["127.0.0.1"]


def address_of(host: str, port: int) -> str:
    """Return host:port by which others most likely reach what listens on `host`."""
    told = hosts_of(host)[0]
    return f"[{told}]:{port}" if ":" in told else f"{told}:{port}"
