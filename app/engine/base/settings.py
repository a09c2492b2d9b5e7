"""Settings as data: each is a row with type, default, range, unit and help; values live in one TOML file."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.engine.base.command import Arg
from app.engine.base.errors import BadInput, Missing
from app.engine.base.platform import replace_file
from app.engine.base.text import tr

ROWS: tuple[Arg, ...] = (
    Arg("fleet.cadence_s", float, "How often each node is asked for news.", 2.0, unit="s", low=0.5, high=3600),
    Arg("fleet.suspect_s", float, "Silence after which a node is suspect.", 4.0, unit="s", low=1, high=3600),
    Arg("fleet.offline_s", float, "Silence after which a node is offline.", 8.0, unit="s", low=2, high=86400),
    Arg("fleet.link_process_nodes", int, "Above this many nodes their links move to a process of their own.", 50, low=0),
    Arg("fleet.keep_telemetry_s", float, "Telemetry older than this is let go.", 86400.0, unit="s", low=60, high=31_622_400),
    Arg("fleet.approvers", str, "Devices whose consoles may approve rollouts, by device id, parted by commas.", ""),
    Arg(
        "models.keep_bytes",
        int,
        "Room for the files of versions that nobody used and that were neither best nor last of their session; the oldest go.",
        2 << 30,
        unit="B",
        low=0,
        high=1 << 50,
    ),
    Arg("jobs.workers", int, "Worker processes at most; 0 means one per core, less one.", 0, low=0, high=256),
    Arg("jobs.idle_s", float, "An idle worker process ends after this time.", 60.0, unit="s", low=1, high=3600),
    Arg(
        "view.theme",
        str,
        "Colours of the window; system follows the desktop where it tells.",
        "dark",
        choices=("dark", "light", "contrast", "system"),
    ),
    Arg("view.density", str, "Height of rows and buttons.", "comfortable", choices=("comfortable", "compact")),
    Arg("view.scale_ratio", float, "Size of everything in the window; from the next start on.", 1.0, low=0.75, high=3),
    Arg("view.still", bool, "Reduce motion: nothing glides, and plots are redrawn once a second.", default=False),
    Arg("view.map_tiles", str, "MBTiles file drawn below the nodes of the map; empty means the outline alone.", ""),
    Arg("view.frame_hz", float, "How often plots are redrawn.", 20.0, unit="Hz", low=1, high=30),
    Arg(
        "view.language",
        str,
        "Language of the texts; from the next start on.",
        "system",
        choices=("system", "en", "de", "pseudo"),
    ),
    Arg(
        "view.time", str, "Times of day in coordinated universal time, or in this place's own.", "utc", choices=("utc", "local")
    ),
    Arg(
        "view.hold_s",
        float,
        "A change that leaves this machine waits so long and can be taken back.",
        5.0,
        unit="s",
        low=0,
        high=60,
    ),
    Arg("view.quiet", bool, "Do not disturb: no messages from the tray; what is wrong stays on the Overview.", default=False),
    Arg("view.keys", str, "Shortcuts of your own, as palette=Ctrl+K; refresh=F5; those left out keep their defaults.", ""),
    Arg("activity.keep_s", float, "Events older than this are let go.", 7_776_000.0, unit="s", low=3600, high=315_360_000),
    Arg("sync.cadence_s", float, "How often changes are exchanged with a hub.", 15.0, unit="s", low=1, high=86400),
    Arg("sync.bytes_s", int, "Bytes per second that sync may use; 0 means all there is.", 0, low=0, high=1_000_000_000),
    Arg(
        "store.backup_s",
        float,
        "How often this home backs its store up; 0 for never.",
        86400.0,
        unit="s",
        low=0,
        high=31_622_400,
    ),
    Arg("hub.backup_s", float, "How often a serving hub backs itself up.", 86400.0, unit="s", low=60, high=31_622_400),
    Arg("hub.keep_s", float, "How long a hub keeps its log.", 604_800.0, unit="s", low=0, high=315_360_000),
    Arg(
        "hub.expire_s",
        float,
        "A console silent for so long no longer holds the hub's log back.",
        7_776_000.0,
        unit="s",
        low=60,
        high=315_360_000,
    ),
    Arg("user.name", str, "The name written beside your changes.", "operator"),
    Arg("user.role", str, "What you may do on this console.", "admin", choices=("observer", "operator", "admin")),
)


class Settings:
    """The settings of one home folder; unknown keys in the file are kept, a bad value names file, line and reason."""

    def __init__(self, path: Path, dump: Callable[[dict[str, Any]], str], rows: Iterable[Arg] = ROWS) -> None:
        self._path, self._dump = path, dump
        self.rows = {row.name: row for row in rows}
        self._given: dict[str, Any] = {}
        self.load()

    def load(self) -> None:
        """Read the file again; raise `BadInput` and keep the old values when it is malformed."""
        if not self._path.exists():
            self._given = {}
            return
        document = self._read()
        flat = dict(_flatten(document))
        for key, value in flat.items():
            whole = next((row for row in self.rows if row.startswith(f"{key}.")), "")
            part = next((row for row in self.rows if key.startswith(f"{row}.")), "")
            if whole or part:
                kind, found = ("a value", "a table") if part else ("a table", repr(value))
                raise self._wrong(
                    part or key, tr("{name} must be {kind}, not {value}", name=part or key, kind=kind, value=found)
                )
        for key, value in flat.items():
            if key in self.rows:
                try:
                    self.rows[key].take(value)
                except BadInput as error:
                    raise self._wrong(key, str(error)) from None
        self._given = flat

    def _read(self) -> dict[str, Any]:
        hint = "Correct the file, or remove it for the defaults."
        try:
            data = self._path.read_bytes()
            return tomllib.loads(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise BadInput("{file}, line {line}: not UTF-8 text", file=self._path, line=line, hint=hint) from None
        except (tomllib.TOMLDecodeError, OSError) as error:
            reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
            raise BadInput("{file}: {reason}", file=self._path, reason=reason, hint=hint) from None

    def __getitem__(self, key: str) -> Any:
        row = self._row(key)
        return row.take(self._given[key]) if key in self._given else row.default

    def set(self, key: str, value: Any) -> Any:
        """Check and store one value; the file is replaced whole or not at all. Returns the value taken."""
        taken = self._row(key).take(value)
        given = {**self._given, key: taken}
        replace_file(self._path, self._dump(_nest(given)).encode())
        self._given = given
        return taken

    @property
    def profiles(self) -> list[str]:
        """Return the names of the profiles kept."""
        return sorted(path.stem for path in (self._path.parent / "profiles").glob("*.toml"))

    def keep_profile(self, name: str) -> None:
        """Keep the values in use under `name`, less who you are and what you may."""
        given = {key: value for key, value in self._given.items() if not key.startswith("user.")}
        replace_file(self._profile(name), self._dump(_nest(given)).encode())

    def use_profile(self, name: str) -> list[str]:
        """Take all values of a profile, defaults where it has none; return the settings that changed."""
        path = self._profile(name)
        if not path.exists():
            raise Missing("There is no profile {name}", name=name, hint="See: outpost settings profiles")
        profile = Settings(path, self._dump, self.rows.values())
        before = {key: self[key] for key in self.rows}
        mine = {key: value for key, value in self._given.items() if key.startswith("user.")}
        kept = {key: value for key, value in profile._given.items() if not key.startswith("user.")}
        replace_file(self._path, self._dump(_nest({**kept, **mine})).encode())
        self._given = {**kept, **mine}
        return [key for key, value in before.items() if self[key] != value]

    def _profile(self, name: str) -> Path:
        if not re.fullmatch(r"\w[\w -]{0,39}", name):
            raise BadInput(
                "{name} is no name of a profile: use up to 40 letters, digits, spaces, - and _", field="name", name=name
            )
        return self._path.parent / "profiles" / f"{name}.toml"

    def is_default(self, key: str) -> bool:
        """Tell whether `key` has no value of its own."""
        return key not in self._given

    def _row(self, key: str) -> Arg:
        if key not in self.rows:
            raise Missing("There is no setting {key}", key=key, hint="See: outpost settings list")
        return self.rows[key]

    def _wrong(self, key: str, reason: str) -> BadInput:
        return BadInput(
            "{file}, line {line}: {reason}",
            file=self._path, line=self._line_of(key), reason=reason, field=key,
            hint="Correct the line, or remove it for the default.",
        )  # fmt: skip

    def _line_of(self, key: str) -> int:
        """Return the line that gives `key`, in its own table; the first where it cannot be found."""
        table = ""
        for number, line in enumerate(self._path.read_text("utf-8").splitlines(), 1):
            name = re.sub(r'[\s"\']', "", line.split("#")[0].split("=")[0])
            if name.startswith("["):
                table = name.strip("[]")
                if table == key:
                    return number
            elif f"{table}.{name}".lstrip(".") == key:
                return number
        return 1


def _flatten(document: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _nest(flat: dict[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for key, value in sorted(flat.items()):
        *parents, last = key.split(".")
        place = root
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return root
