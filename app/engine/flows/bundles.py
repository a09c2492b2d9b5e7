"""A stick between the console and its nodes: updates out, telemetry and reports back, signed both ways.

What comes back is merged like any pull: by cursor, so that nothing is counted twice, whichever way it came first.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.service import FleetService
from app.engine.link.records import Batch
from app.engine.link.service import Link
from app.engine.models.service import ModelsService
from app.engine.store.threads import in_thread
from app.wire.bundles import read_bundle, write_bundle
from app.wire.documents import list_of, object_of, parse_object, text_of
from app.wire.status import Status
from app.wire.telemetry import TelemetryPage


async def export(
    fleet: FleetService, models: ModelsService, link: Link, file: Path, *, nodes: str, model_keys: Sequence[str], now_us: int
) -> dict[str, Any]:
    """Write the bundle of updates for `nodes`: their desired state, the model versions named, and where our cursors stand."""
    chosen = fleet.select(nodes)
    if not chosen:
        raise Missing("There is no node to write a bundle for", field="nodes")
    identity = await link.identity()
    sealed, files = [], {}
    for key in model_keys:
        model = models.find(key)
        sealed.append(await models.seal(model, identity))
        files[model.artifact.removeprefix("sha256:")] = await models.read(model)
    targets = {
        node.device_id: {
            "desired": fleet.twins.desired(node), "models": sealed, "cursor": {"epoch": node.epoch, "seq": node.seq},
        }
        for node in chosen
    }  # fmt: skip
    write = partial(write_bundle, file, identity, "updates", {"nodes": targets}, files, at_us=now_us)
    size = await in_thread(write, "bundle")
    return {"file": str(file), "size_bytes": size, "nodes": [{"id": node.id, "name": node.name} for node in chosen]}


async def take(fleet: FleetService, file: Path, *, now_us: int) -> dict[str, Any]:
    """Take a bundle of reports: what was measured joins the telemetry, and the twin shows what the node follows now."""
    bundle = await in_thread(partial(read_bundle, file, "reports", fleet.identity), "bundle")
    node = next((each for each in fleet.records if each.device_id == bundle.signer), None)
    if node is None or text_of(bundle.body, "device") != bundle.signer:
        raise BadInput("{file} is not of the node that signed it", file=file)
    document = parse_object(await in_thread(partial(bundle.read, "telemetry.json"), "bundle"))
    at_us = min(bundle.at_us, now_us)
    status = Status.from_json(object_of(bundle.body, "status"))
    count = lost = 0
    for told in list_of(document, "pages"):
        page = TelemetryPage.from_json(told)
        count += fleet.carry(Batch(node.id, at_us, page.epoch, page.cursor, page.items, page.lost, status))
        lost += sum(last - first + 1 for first, last in page.lost)
    await fleet.twins.carried(node, object_of(bundle.body, "twin"))
    done = object_of(bundle.body, "done")
    return {
        "node": node.name, "as_of_us": at_us, "measurements": count, "lost": lost, "twin": done.get("twin", ""),
        "models": list_of(done, "models"), "in_sync": fleet.twins.document(node)["in_sync"],
    }  # fmt: skip
