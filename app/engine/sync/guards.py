"""Which states may follow which, for columns that are decided in one place; other guarded columns take any."""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.fleet.rollout.states import ROLLOUT

GUARDED: Final = "guarded"  # the reason of a refusal
_MODEL: Final = frozenset({("draft", "active"), ("draft", "retired"), ("active", "retired"), ("retired", "active")})
STEPS: Final[Mapping[tuple[str, str], frozenset[tuple[str, str]]]] = {
    ("edge_deployments", "status"): frozenset((before, after) for before, _, after in ROLLOUT.rows),
    ("model_versions", "state"): _MODEL,
}


def refusal(table: str, column: str, now: Any, before: Any, after: Any) -> str:
    """Return the reason why a guarded column that is `now` cannot go from `before` to `after`; nothing when it can."""
    if now in (before, after) or (now, after) in STEPS.get((table, column), frozenset()):
        return ""
    return GUARDED
