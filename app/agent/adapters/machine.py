"""The machine seen through psutil: one batched read per measurement, and an inventory."""

import platform
import socket
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from app import __version__
from app.wire.status import Inventory

_TINY_S = 1e-3
_ELSEWHERE = "192.0.2.1"  # RFC 5737: nobody's


class Machine:
    """Reads this machine and this process; ratios of CPU are since the read before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = psutil.Process()
        psutil.cpu_percent(None)
        self._since_s, self._spent_s = time.monotonic(), time.process_time()

    def read(self) -> dict[str, Any]:
        """Return one measurement's fields: ratios 0 to 1, and gauges with their unit in the name. Blocks shortly."""
        memory = psutil.virtual_memory()
        traffic = psutil.net_io_counters(nowrap=False)
        now_s, spent_s = time.monotonic(), time.process_time()
        busy_ratio = (spent_s - self._spent_s) / max(now_s - self._since_s, _TINY_S)
        self._since_s, self._spent_s = now_s, spent_s
        return {
            "cpu_ratio": min(psutil.cpu_percent(None) / 100, 1.0),
            "mem_ratio": memory.percent / 100,
            "resources": {
                "mem_bytes": memory.total - memory.available,
                "disk_free_bytes": psutil.disk_usage(str(self._folder)).free,
                "net_received_bytes": traffic.bytes_recv if traffic else 0,
                "net_sent_bytes": traffic.bytes_sent if traffic else 0,
                "process_mem_bytes": self._process.memory_info().rss,
                "process_cpu_ratio": round(busy_ratio, 4),
                "process_cpu_s": round(spent_s, 3),
            },
        }

    def inventory(self, device: str, name: str, labels: dict[str, Any]) -> Inventory:
        """Return what this machine is made of."""
        return Inventory(
            device=device,
            name=name,
            hostname=socket.gethostname(),
            system=f"{platform.system()} {platform.release()}",
            machine=platform.machine(),
            cpu_count=psutil.cpu_count() or 1,
            mem_bytes=psutil.virtual_memory().total,
            disk_bytes=psutil.disk_usage(str(self._folder)).total,
            python_version=sys.version.split()[0],
            program_version=__version__,
            runtimes={what: found for what in ("onnxruntime", "numpy") if (found := _version_of(what))},
            labels=labels,
        )


def addresses() -> list[str]:
    """Return this machine's IPv4 addresses that others may reach, the one its own connections go out from first."""
    found = (each for several in psutil.net_if_addrs().values() for each in several if each.family == socket.AF_INET)
    own = _outward()
    return sorted({each.address for each in found if not each.address.startswith("127.")}, key=lambda at: (at != own, at))


def _outward() -> str:
    """Return the address that a connection to elsewhere would go out from; nothing is sent. Empty where there is no way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ELSEWHERE, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
