"""A stick at the node: a signed bundle of updates is followed, and a signed bundle of reports goes back.

`exchange` works for the agent that runs in a folder (through its inbox) and for one that does not (by itself).
"""

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Missing, OutpostError, Timeout
from app.engine.base.platform import make_private, replace_file, try_lock, unlock
from app.wire.bundles import Bundle, read_bundle, write_bundle
from app.wire.documents import list_of, object_of, text_of, to_bytes, whole_of
from app.wire.limits import PAGE_ITEMS

if TYPE_CHECKING:
    from app.agent.node import Node
    from app.agent.options import Options

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
_MOST_PAGES: Final = 200
_WAIT_S: Final = 120.0
_LOOK_S: Final = 0.1


async def follow(node: "Node", path: Path, out: Path) -> dict[str, Any]:
    """Do what the bundle at `path` asks of this node and write its reports to `out`; return what was done.

    Raises `Refused` for a bundle of a console that is not paired, or older than one followed before.
    """
    bundle = read_bundle(path, "updates", node.pinned)
    mine = bundle.body.get("nodes", {}).get(node.device)
    if not isinstance(mine, dict):
        raise Missing("The bundle holds nothing for this node", hint="Export it again with this node among the targets.")
    await node.disk.do(node.state.take_bundle, bundle.signer, bundle.at_us)
    done: dict[str, Any] = {"twin": await _twin(node, object_of(mine, "desired")), "models": []}
    for sealed in list_of(mine, "models"):
        done["models"].append(await _model(node, bundle, sealed))
    await _report(node, out, done, object_of(mine, "cursor"))
    return done


async def _twin(node: "Node", desired: dict[str, Any]) -> str:
    if desired == node.desired:
        return "unchanged"
    try:
        await node.set_desired(node.twin_version + 1, desired)
    except OutpostError as error:
        return str(error)
    return "applied"


async def _model(node: "Node", bundle: Bundle, sealed: dict[str, Any]) -> dict[str, Any]:
    """Bring one model in, by the same checks as over a link; what goes wrong is told and changes nothing."""
    manifest = object_of(sealed, "manifest")
    name, artifact = text_of(manifest, "name", ""), text_of(manifest, "artifact", "")
    told: dict[str, Any] = {"name": name, "version": manifest.get("version"), "state": "succeeded", "error": ""}

    def bring() -> None:
        active = node.models.slots(name)
        if active.manifest is not None and active.committed and active.manifest.artifact == artifact:
            told["state"] = "already_installed"
            return
        node.intake.change(name, "announce", sealed)
        node.shelf.keep(artifact, bundle.read(artifact.removeprefix("sha256:")))
        node.intake.change(name, "prepare", sealed)
        node.intake.change(name, "activate", {"version": manifest.get("version")})
        node.intake.change(name, "commit", {})

    try:
        await node.files.do(bring)
    except OutpostError as error:
        told |= {"state": "failed", "error": str(error)}
    return told


async def _report(node: "Node", out: Path, done: dict[str, Any], cursor: dict[str, Any]) -> None:
    """Write what was measured after the console's cursor, and how the node is, signed."""
    epoch, after = text_of(cursor, "epoch", ""), whole_of(cursor, "seq", 0)
    pages = []
    for _ in range(_MOST_PAGES):
        page = await node.disk.do(node.spool.page, epoch or node.spool.epoch, after, PAGE_ITEMS)
        if not page.items and not page.lost:
            break
        pages.append(page.to_json())
        epoch, after = page.epoch, page.cursor
    files = {"telemetry.json": to_bytes({"schema": 1, "pages": pages})}
    body = {"device": node.device, "done": done, "twin": node.twin(), "status": node.status().to_json()}
    at_us = node.clock.now_us()
    await node.files.do(lambda: write_bundle(out, node.identity, "reports", body, files, at_us=at_us))


async def serve_inbox(node: "Node") -> None:
    """Follow every bundle in the inbox; what goes wrong with one is written beside where its reports would stand."""
    inbox, outbox = node.options.folder / INBOX, node.options.folder / OUTBOX
    for path in await node.files.do(_waiting, inbox):
        out = outbox / path.name
        try:
            await follow(node, path, out)
        except OutpostError as error:
            await node.files.do(replace_file, out.with_suffix(".problem"), to_bytes(error.problem()))
        finally:
            await node.files.do(path.unlink, missing_ok=True)


def _waiting(inbox: Path) -> list[Path]:
    return sorted(inbox.glob("*.bundle")) if inbox.is_dir() else []


async def exchange(options: "Options", file: Path, out: Path) -> dict[str, Any]:
    """Have the agent of a folder follow `file` and write its reports to `out`, whether it runs or not."""
    from app.agent.node import Node

    folder = make_private(options.folder)
    lock = try_lock(folder / "agent.lock")
    if lock is None:
        return await _by_inbox(folder, file, out)
    try:
        if not (folder / "device.key").exists():
            raise Missing("No agent has ever run in {home}", home=options.home, hint="Run it once, and pair it.")
        node = Node(options, SystemClock())
        try:
            return await follow(node, file, out)
        finally:
            await node.close()
    finally:
        unlock(lock)


async def _by_inbox(folder: Path, file: Path, out: Path) -> dict[str, Any]:
    data = await asyncio.to_thread(file.read_bytes)
    name = hashlib.sha256(data).hexdigest()[:32] + ".bundle"
    for place in (INBOX, OUTBOX):
        make_private(folder / place)
    told = folder / OUTBOX / name
    problem = told.with_suffix(".problem")
    for old in (told, problem):
        old.unlink(missing_ok=True)
    await asyncio.to_thread(replace_file, folder / INBOX / name, data)
    try:
        async with asyncio.timeout(_WAIT_S):
            while not told.exists() and not problem.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise Timeout("The agent in {folder} did not take the bundle up", folder=folder) from None
    if problem.exists():
        raise _problem_in(problem)
    await asyncio.to_thread(replace_file, out, told.read_bytes())
    told.unlink()
    return {"by": "the running agent"}


def _problem_in(path: Path) -> OutpostError:
    from app.engine.base.errors import from_problem
    from app.wire.documents import parse_object

    return from_problem(parse_object(path.read_bytes()))
