"""What Outpost promises beside what was measured of it; unmet is said as unmet. Shown under Help."""

from typing import Any

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.observe.claims import form
from app.views.shell.context import Context
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.table import TablePanel

Claim = dict[str, Any]
_TOKENS = {"met": "ok", "unmet": "bad", "not measured": "stale"}
_SHAPES = {"met": "●", "unmet": "■", "not measured": "◌"}


def verdict_words() -> dict[str, str]:
    """Return the word for each verdict."""
    return {"met": tr("met"), "unmet": tr("unmet"), "not measured": tr("not measured")}


def kind_words() -> dict[str, str]:
    """Return the word for each kind of figure."""
    return {"measured": tr("measured"), "simulated": tr("simulated"), "proved": tr("proved"), "assumed": tr("assumed")}


def columns() -> list[Column[Claim]]:
    """Return the columns of the claims."""
    verdicts, kinds = verdict_words(), kind_words()
    return [
        Column("promise", tr("Promise"), lambda row: row["promise"], width=330),
        Column(
            "verdict", tr("Verdict"), lambda row: row["verdict"], lambda word: f"{_SHAPES.get(word, '')} {verdicts[word]}", 116,
            token=lambda row: _TOKENS.get(row["verdict"], "stale"),
        ),
        Column("target", tr("Target"), lambda row: row["target"], width=130),
        Column("value", tr("Value"), _value_text, width=150, right=True),
        Column("interval", tr("Interval"), lambda row: row["interval"], width=110),
        Column("kind", tr("Kind"), lambda row: row["kind"], lambda word: kinds.get(word, word), 90),
        Column("peer", tr("Peer"), lambda row: row["peer"], width=200),
        Column("setting", tr("Setting"), lambda row: row["setting"], width=220),
        Column("date", tr("Date"), lambda row: row["date"], width=140),
    ]  # fmt: skip


def _value_text(row: Claim) -> str:
    floor = "≥\u2009" if row.get("at_least") else ""
    return "–" if row["value"] is None else f"{floor}{number_text(row['value'], form(row['value']))}\u2009{row['unit']}"


class ClaimsView(TablePanel[Claim]):
    """The table of claims; call `ask` when it comes into view."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.claims: Records[Claim] = Records(lambda row: str(row["id"]), "claim")
        empty = EmptyState("gauge", tr("No claims here"), tr("The table of promises did not come with this installation."))
        super().__init__(self.claims, columns(), name=tr("Claims"), empty=empty)
        self._asked = False

    def ask(self) -> None:
        """Read the claims, once."""
        if not self._asked:
            self._asked = True
            self._context.start("support.claims", lambda answer: self.claims.replace_all(answer["claims"]))
