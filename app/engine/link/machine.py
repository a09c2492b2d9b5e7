"""Whether this home stands on the machine that its keys were made on, as far as a program can tell.

Compared are the addresses that makers gave to built-in network adapters and, where there are none on one of both sides, the id
of the installed system, which a copied disk takes along: a copy may go unnoticed here, a machine is not taken for another for
an adapter that was plugged in. Kept are digests, beside the keys.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from app.engine.base.platform import write_private

FILE: Final = "machine.json"
_ADAPTERS: Final = Path("/sys/class/net")
_SYSTEM: Final = Path("/etc/machine-id")


def note(folder: Path, device: str, *, anew: bool = False) -> None:
    """Write down which machine this is, for the keys of `device` in `folder`, once or `anew`; blocks."""
    if anew or not (folder / FILE).exists():
        write_private(folder / FILE, json.dumps({"schema": 1, **_digests(device)}).encode())


def is_elsewhere(folder: Path, device: str) -> bool:
    """Tell whether the keys of `device` in `folder` were made on another machine; False where nothing tells. Blocks."""
    try:
        kept: Any = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return False
    for name, now in _digests(device).items():
        before = kept.get(name) if isinstance(kept, dict) else None
        if before and now:
            return not set(before) & set(now)
    return False


def facts() -> dict[str, list[str]]:
    """Return what tells this machine from others: {adapters, system}, each empty where the system does not say."""
    system = _text(_SYSTEM)
    return {"adapters": _adapters(), "system": [system] if system else []}


def _digests(device: str) -> dict[str, list[str]]:
    return {
        name: sorted(hashlib.sha256(f"{device} {fact}".encode()).hexdigest()[:16] for fact in found)
        for name, found in facts().items()
    }


def _adapters() -> list[str]:
    if _ADAPTERS.is_dir():
        return [_text(one / "address") for one in _ADAPTERS.iterdir() if _is_built_in(one)]
    import psutil

    told = [each.address for some in psutil.net_if_addrs().values() for each in some if each.family == psutil.AF_LINK]
    return [one for one in (text.replace("-", ":").lower() for text in told) if _is_a_makers(one)]


def _is_built_in(adapter: Path) -> bool:
    """Tell whether an adapter is a device of its own, not plugged in, under the address that it came with."""
    device = adapter / "device"
    return device.exists() and "/usb" not in str(device.resolve()) and _text(adapter / "addr_assign_type") == "0"


def _is_a_makers(address: str) -> bool:
    """Tell whether a hardware address was given by a maker: neither for groups nor made up by a program (IEEE 802)."""
    first = address.partition(":")[0]
    return len(address) == 17 and not int(first, 16) & 3 and address.strip("0:") != ""


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
