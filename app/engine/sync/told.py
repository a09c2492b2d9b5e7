"""A conflict in words, of its plain JSON: why two values met, what held then, what gave way, and what holds now."""

import json
from typing import Any, Final

from app.engine.base.lines import aligned
from app.engine.base.text import tr
from app.engine.base.units import time_text
from app.engine.sync.merge import DELETED

_MOST_SIGNS: Final = 2000
_LINE_SIGNS: Final = 72


def value_text(value: Any) -> str:
    """Return a value for the eye."""
    if value is None or value in ("", {}):
        return tr("(nothing)")
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return told if len(told) <= _MOST_SIGNS else told[:_MOST_SIGNS] + "…"


def row_text(values: dict[str, Any]) -> str:
    """Return values of a row, or what was changed in it, for the eye: a line for each column."""
    told = "\n".join(f"{name}: {_part_text(name, value)}" for name, value in values.items())
    return told if len(told) <= _MOST_SIGNS else told[:_MOST_SIGNS] + "…"


def _part_text(name: str, value: Any) -> str:
    if name.endswith("_us") and isinstance(value, int):
        return time_text(value)
    if not isinstance(value, dict):
        return value_text(value)
    if value.keys() == {"from", "to"}:  # a step of a guarded state
        return value_text(value["to"])
    if not {"add", "seen", "del"} <= value.keys():
        return value_text(value)
    added = value["add"].values() if value.get("list") else (f"{key}={value_text(one)}" for key, one in value["add"].items())
    return ", ".join([*(f"+ {one}" for one in added), *(f"− {_key_text(key)}" for key in value["del"])])


def _key_text(key: str) -> str:
    """Return an element's key for the eye: that of a list is its JSON."""
    return key[2:-2] if key.startswith('["') and key.endswith('"]') else key


def column_text(column: str) -> str:
    """Return what two met in: a field, or the row as a whole."""
    return tr("(the row)") if column == DELETED else column


def held_text(met: dict[str, Any]) -> str:
    """Return what held when the two met; of a whole row that is whether it was there."""
    if met["column_name"] != DELETED:
        return value_text(met["kept"])
    return tr("(the older of both rows)") if met["reason"] == "twin" else tr("(the row was deleted)")


def lost_text(met: dict[str, Any]) -> str:
    """Return what gave way; of a row that was deleted over a change nobody can tell any more, the row itself."""
    if met["column_name"] == DELETED and not met["lost"]:
        return tr("(the row, as it was)")
    return _side_text(met, met["lost"])


def _side_text(met: dict[str, Any], value: Any) -> str:
    return row_text(value) if met["column_name"] == DELETED and isinstance(value, dict) else value_text(value)


def now_text(met: dict[str, Any]) -> str:
    """Return what holds now."""
    if met["now_state"] == "stands":
        return tr("(the row, as it is)") if met["now"] == {} else _side_text(met, met["now"])
    told = {"deleted": tr("(the row is deleted)"), "gone": tr("(the row is gone for good)")}
    return told.get(met["now_state"], tr("(this version does not know the field)"))


def change_text(met: dict[str, Any]) -> str:
    """Return how what holds now came from what held then, as a sentence; empty where that is not known."""
    if met["now_state"] == "stands" and met["changed"]:
        if met["column_name"] == DELETED:
            return tr("The row is there again.")
        return tr("The value that gave way holds by now.") if met["now"] == met["lost"] else tr("Changed since the two met.")
    return tr("The same as then.") if met["changed"] is False else ""


def seen_text(seen_us: int) -> str:
    """Return what the writer of one side of a conflict had before them."""
    return tr("had seen the value of {time}", time=time_text(seen_us)) if seen_us else tr("had seen no earlier value")


def written_text(who: str, at_us: int) -> str:
    """Return who wrote, and when."""
    return tr("{who}, {time}", who=who or tr("unknown"), time=time_text(at_us))


def reason_text(met: dict[str, Any]) -> str:
    """Return why two values met, as a sentence."""
    title, column = met["title"], met["column_name"]
    if met["reason"] == "deleted":
        return tr("One deleted {title} while the other changed it; neither knew of the other.", title=title)
    if met["reason"] == "twin":
        return tr("Both made a row for one thing, {title}; the older one stays.", title=title)
    if met["reason"] == "guarded":
        return tr("{title} had gone on to another state by then; the hub decided.", title=title)
    return tr("Both wrote {column} of {title} without knowing of the other; the later one held.", column=column, title=title)


def conflicts(result: dict[str, Any]) -> str:
    """Return what met as lines for a person: under each conflict what held then, what gave way, and what holds now."""
    lines = [tr("{n} conflicts", n=result["total_count"])]
    for met in result["conflicts"]:
        state = tr("▲ open") if met["state"] == "open" else tr("● resolved")
        lines += ["", f"{met['id']}  {state}", f"  {reason_text(met)}"]
        lines += ["  " + line for line in aligned([
            [tr("Held then"), _line(held_text(met)), written_text(met["kept_by"], met["kept_us"])],
            [tr("Gave way"), _line(lost_text(met)), written_text(met["lost_by"], met["lost_us"])],
            [tr("Holds now"), _line(now_text(met)), change_text(met)],
        ])]  # fmt: skip
    return "\n".join(lines)


def _line(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= _LINE_SIGNS else told[:_LINE_SIGNS] + "…"
