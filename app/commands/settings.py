"""Rows about settings: see them, change one."""

from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.events import SettingChanged
from app.engine.base.text import tr

if TYPE_CHECKING:
    from app.engine.engine import Call


async def list_settings(call: "Call") -> dict[str, Any]:
    """Return every setting with its value, unit, default and help."""
    settings = call.engine.settings
    rows = [
        {"key": row.name, "value": settings[row.name], "unit": row.unit, "default": row.default, "help": tr(row.help)}
        for row in settings.rows.values()
    ]
    return {"settings": rows}


async def set_setting(call: "Call", key: str, value: str) -> dict[str, Any]:
    """Store one setting and return what was taken."""
    taken = call.engine.settings.set(key, value)
    call.engine.publish(SettingChanged(at_us=call.engine.clock.now_us(), actor=call.actor, cause=call.cause, key=key))
    return {"key": key, "value": taken}


async def list_profiles(call: "Call") -> dict[str, Any]:
    """Return the names of the profiles."""
    return {"profiles": call.engine.settings.profiles}


async def keep_profile(call: "Call", name: str) -> dict[str, Any]:
    """Keep the settings in use under a name."""
    call.engine.settings.keep_profile(name)
    return {"name": name}


async def use_profile(call: "Call", name: str) -> dict[str, Any]:
    """Take the settings of a profile and tell every part whose setting changed."""
    changed = call.engine.settings.use_profile(name)
    for key in changed:
        call.engine.publish(SettingChanged(at_us=call.engine.clock.now_us(), actor=call.actor, cause=call.cause, key=key))
    return {"name": name, "changed": changed}


_NAME = Arg("name", str, "The profile, as in field laptop.", positional=True)
ROWS = (
    Command(
        "settings.list", "List settings", "Every setting with its value, unit, default and meaning.", list_settings,
        role=Role.OBSERVER, danger=Danger.READ, returns="{settings: [{key, value, unit, default, help}]}",
    ),
    Command(
        "settings.set", "Change a setting", "Checks the value against the setting's type and range, then stores it.",
        set_setting,
        args=(
            Arg("key", str, "The setting, as in fleet.cadence_s.", positional=True),
            Arg("value", str, "Its new value.", positional=True),
        ),
        role=Role.OBSERVER, returns="{key, value}",
    ),
    Command(
        "settings.profiles", "List profiles", "The named sets of settings kept on this machine.", list_profiles,
        role=Role.OBSERVER, danger=Danger.READ, returns="{profiles: [name]}",
    ),
    Command(
        "settings.keep", "Keep settings as a profile",
        "Keeps the settings in use under a name, less who you are; a profile of this name is replaced.", keep_profile,
        args=(_NAME,), role=Role.OBSERVER, returns="{name}",
    ),
    Command(
        "settings.use", "Use a profile", "Takes all settings of a profile, and the defaults where it has none.", use_profile,
        args=(_NAME,), role=Role.OBSERVER, returns="{name, changed: [key]}",
    ),
)  # fmt: skip
