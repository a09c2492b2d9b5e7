"""The arguments of `agent run`, once for the command table and once for the agent's own small parser."""

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.agent.options import DEFAULT_SPOOL_BYTES, HIGH_CADENCE_S, LOW_CADENCE_S, LOW_SPOOL_BYTES, Options
from app.engine.base.command import Arg
from app.engine.base.errors import BadInput
from app.engine.base.text import tr

ARGS: Final = (
    Arg("name", str, "What the node is called; the machine's name if empty.", ""),
    Arg("host", str, "Address to listen on; 127.0.0.1 keeps it to this machine, 0.0.0.0 opens it to the network.", "127.0.0.1"),
    Arg("port", int, "Port to listen on; 0 lets the system choose.", 0, low=0, high=65535),
    Arg("cadence_s", float, "Time between two measurements.", 1.0, unit="s", low=LOW_CADENCE_S, high=HIGH_CADENCE_S),
    Arg("mdns", bool, "Make the node known on the local network; never done when it listens to this machine alone.", True),
    Arg("spool_bytes", int, "Space for measurements nobody fetched yet.", DEFAULT_SPOOL_BYTES, unit="B", low=LOW_SPOOL_BYTES),
    Arg("pair", bool, "Show a code for one more console, even when one is paired.", False),
    Arg("hub", str, "A hub to call now and then, host:port#device, for a node that consoles cannot reach from outside.", ""),
)


def options_from(home: Path, given: dict[str, Any]) -> Options:
    """Return the options in checked arguments."""
    name = given.pop("name") or socket.gethostname()[:64] or "node"
    return Options(home=home, name=name, **given)


def options_of(words: Sequence[str]) -> Options:
    """Return the options in `words` (run --home DIR …); raise `BadInput` for a value out of range."""
    parser = argparse.ArgumentParser(prog="outpost-agent", description=tr("The program on an edge node."))
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help=tr("run the agent until it is stopped"))
    run.add_argument("--home", type=Path, required=True, help=tr("the folder the node keeps everything in"))
    for arg in ARGS:
        flag = "--" + arg.name.replace("_", "-")
        if arg.type is bool:
            run.add_argument(flag, action=argparse.BooleanOptionalAction, default=arg.default, dest=arg.name, help=tr(arg.help))
        else:
            run.add_argument(flag, default=arg.default, dest=arg.name, help=tr(arg.help))
    asked = vars(parser.parse_args(words))
    given: dict[str, Any] = {}
    for arg in ARGS:
        try:
            given[arg.name] = arg.take(asked[arg.name])
        except BadInput as error:
            raise BadInput("--{flag}: {reason}", flag=arg.name.replace("_", "-"), reason=str(error), field=arg.name) from None
    return options_from(asked["home"], given)
