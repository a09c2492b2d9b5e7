"""The support bundle: what somebody who helps must know, in one file that holds no secret and no measurement of yours.

The same state gives the same bytes: names in order, one fixed date inside the archive (the first a zip can hold), keys
sorted. Every text passes `base.redact`, with the secrets this console knows of handed in.
"""

import io
import json
import platform
import sys
import zipfile
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from app.engine.base.clock import iso_of
from app.engine.base.platform import replace_file
from app.engine.base.redact import redact, redact_json
from app.engine.base.settings import Settings
from app.engine.observe import logs, timeline
from app.engine.store import rows

SCHEMA: Final = 1
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_TABLES: Final = ("jobs", "audit", "events", "outbox", "edge_nodes", "edge_telemetry", "model_versions", "artifacts")
_JOB_FIELDS: Final = ("id", "kind", "title", "state", "created_us", "started_us", "ended_us", "error", "cause", "actor")
_NODE_FIELDS: Final = ("id", "name", "site", "status", "last_heartbeat", "connectivity_type", "hardware_profile")
_PACKAGES: Final = ("numpy", "PySide6-Essentials", "SQLAlchemy", "httpx", "qiskit", "onnxruntime", "cryptography", "dimod")
_MOST_ENTRIES: Final = 500
_MOST_LOG_BYTES: Final = 1_000_000


def read_store(conn: rows.Conn) -> dict[str, Any]:
    """Return what the bundle tells of the store: sizes of tables, the newest jobs, nodes without keys, the time line."""
    jobs = rows.select(conn, "jobs", order="created_us", descending=True, limit=_MOST_ENTRIES)
    return {
        "counts": {table: rows.count(conn, table) for table in _TABLES},
        "jobs": [{name: row[name] for name in _JOB_FIELDS} for row in jobs],
        "nodes": [{name: row[name] for name in _NODE_FIELDS} for row in rows.select(conn, "edge_nodes", order="name")],
        "activity": timeline.find(conn, timeline.Filter(), _MOST_ENTRIES),
    }


def parts(
    home: Path, *, version: str, at_us: int, settings: Settings, store: Mapping[str, Any], more: Mapping[str, Any],
    secrets: Collection[str],
) -> dict[str, bytes]:  # fmt: skip
    """Return the files of a bundle by name, redacted; `more` are further documents by name."""
    places = {str(home): "HOME"}
    about = {
        "schema": SCHEMA, "version": version, "made": iso_of(at_us), "python": sys.version.split()[0],
        "system": platform.system(), "release": platform.release(), "machine": platform.machine(), "packages": _packages(),
    }  # fmt: skip
    given = {
        key: {"value": settings[key], "default": settings.is_default(key)}
        for key in sorted(settings.rows)
        if key != "user.name"
    }
    documents: dict[str, Any] = {"about": about, "settings": given, **store, **more}
    made = {
        f"{name}.json": _json(redact_json(document, secrets=secrets, places=places)) for name, document in documents.items()
    }
    for file in logs.files(home):
        text = file.read_bytes()[-_MOST_LOG_BYTES:].decode("utf-8", "replace")
        made[f"logs/{file.name}"] = redact(text, secrets=secrets, places=places).encode()
    made["README.txt"] = (
        b"A support bundle of Outpost. It holds versions, settings, counts, the newest jobs and activity, and the log.\n"
        b"Keys, codes, tokens, passwords and the names of your folders were taken out; read it before you hand it on.\n"
    )
    return made


def write(file: Path, made: Mapping[str, bytes]) -> int:
    """Write the bundle, whole or not at all, and return its size in bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(made):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            archive.writestr(info, made[name])
    replace_file(file, held.getvalue())
    return len(held.getvalue())


def known_secrets(home: Path) -> list[str]:
    """Return the texts of key files in `home`, so that they are taken out even where no rule would know them."""
    found: list[str] = []
    for file in sorted((home / "identity").glob("*")) if (home / "identity").is_dir() else []:
        if file.is_file() and file.stat().st_size < 100_000:
            text = file.read_bytes().decode("utf-8", "ignore")
            found += [part for part in text.replace('"', " ").replace(",", " ").split() if len(part) >= 24]
    return found


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _json(document: Any) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, default=str).encode()
