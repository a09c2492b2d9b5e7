"""The manual pages that are read from the tables: docs/commands.md and docs/settings.md.

Run `python -m app.commands.manual` to write them anew; a test compares.
"""

from pathlib import Path

from app.commands.table import command_table
from app.engine.base.command import Arg, Command, CommandTable
from app.engine.base.errors import TREE
from app.engine.base.settings import ROWS

_HEAD = "<!-- Made by `python -m app.commands.manual`; change the tables, not this page. -->\n\n"
_INTRODUCTION = """# Commands

Every command is `outpost NOUN VERB`, and the same row is a menu entry in the window. `--home DIR`, `--json` and
`--verbose` may stand before or after the command. With `--json` one object is printed on standard output, or
`{"error": …}`; everything else goes to standard error.

## Exit status

| status | name | meaning |
|---|---|---|
| 0 | – | Done; for `tour` and `selftest`, every check held. |
| 1 | – | `tour` or `selftest` ran, and not every check held. |
"""


def commands_page(table: CommandTable) -> str:
    """Return the manual of all commands as Markdown."""
    exits = "\n".join(f"| {kind.exit_code} | {kind.title} | {(kind.__doc__ or '').splitlines()[0]} |" for kind in TREE)
    parts = [_HEAD + _INTRODUCTION + exits + "\n"]
    parts += [_command(row) for row in table]
    return "\n".join(parts)


def _command(row: Command) -> str:
    words = " ".join(["outpost", *row.id.split("."), *(_usage(arg) for arg in row.args)])
    lines = [f"## {row.id.replace('.', ' ')}\n", f"**{row.title}.** {row.help}\n", f"```\n{words}\n```\n"]
    if row.args:
        lines.append("| argument | type | default | meaning |\n|---|---|---|---|")
        lines += [_line(arg) for arg in row.args]
        lines.append("")
    told = [f"Role: {row.role.name.lower()}", f"danger: {row.danger.value}"]
    if row.returns:
        told.append(f"returns: `{row.returns}`")
    return "\n".join([*lines, "; ".join(told) + ".\n"])


def _usage(arg: Arg) -> str:
    name = arg.name.upper()
    word = name if arg.positional else f"--{arg.name.replace('_', '-')}" + ("" if arg.type is bool else f" {name}")
    return word if arg.required else f"[{word}]"


def _line(arg: Arg) -> str:
    kind = " \\| ".join(arg.choices) or ("file" if arg.type is Path else arg.type.__name__)
    if arg.low is not None:
        kind += f", at least {arg.low:g}"
    if arg.high is not None:
        kind += f", at most {arg.high:g}"
    unit = f" {arg.unit}" if arg.unit else ""
    default = "required" if arg.required else "–" if arg.default in (None, "") else f"{arg.default}{unit}"
    return f"| `{arg.name}` | {kind} | {default} | {arg.help} |"


def settings_page() -> str:
    """Return the manual of all settings as Markdown."""
    lines = [
        _HEAD + "# Settings\n",
        "Values live in `settings.toml` in the home folder; change one with `outpost settings set KEY VALUE`.\n",
        "| setting | type | default | meaning |\n|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_line(row) for row in ROWS), ""])


def main() -> None:
    """Write both pages."""
    docs = Path(__file__).parents[2] / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "commands.md").write_text(commands_page(command_table()), "utf-8")
    (docs / "settings.md").write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    main()
