import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.link.discover import Found
from app.engine.link.records import Batch
from app.engine.store import rows
from app.wire.telemetry import Measurement
from tests.engine.fleet.ground import until

ME = {"actor": "me@here"}


async def three(fleet):
    return [
        await fleet.pair(f"10.0.0.{at}:1", name, about={"name": name, "site": name[0]}, **ME)
        for at, name in enumerate(("north", "south", "nord"), 1)
    ]


async def test_what_is_found_waits_until_somebody_has_its_code(fleet, opened):
    known = (await three(fleet))[0]
    found = [Found("north", known.address, known.device_id), Found("new", "10.0.0.9:1", "e" * 32)]
    assert [each.name for each in await fleet.roster.offer(found, "mdns")] == ["new"]
    await fleet.roster.offer([Found("new", "10.0.0.10:1", "e" * 32)], "mdns")
    async with opened() as again:
        (waiting,) = again.roster.queue
        assert (waiting.address, waiting.source, waiting.state) == ("10.0.0.10:1", "mdns", "waiting")
        node = await again.roster.accept("new", "fresh", **ME)
        assert (node.address, node.state, len(again.roster.queue)) == ("10.0.0.10:1", Health.ONLINE, 0)
        with pytest.raises(Missing, match="No queued"):
            again.roster.candidate("new")
        await again.roster.offer([Found("odd", "10.0.0.11:1", "")], "mdns")
        await again.roster.reject("odd")
        assert await again.roster.offer([Found("odd", "10.0.0.11:1", "")], "mdns") == []


async def test_an_import_says_what_became_of_each_line_and_none_stops_another(fleet, tmp_path):
    north, *_ = await three(fleet)
    file = tmp_path / "nodes.csv"
    file.write_text(
        "address,name,code,site,labels\n"
        "10.0.0.1:1,north,,new place,gpu=yes\n"
        "10.0.0.2:1,south,,s,\n"
        "10.0.0.7:1,seven,code-7,x,\n"
        "10.0.0.8:1,eight,,y,far\n"
        "nonsense,,,,\n"
    )
    told = await fleet.roster.import_file(file, **ME)
    assert [(row["line"], row["outcome"]) for row in told["nodes"]] == [
        (2, "amended"), (3, "unchanged"), (4, "paired"), (5, "queued"), (6, "refused"),
    ]  # fmt: skip
    assert told["counts"] == {"amended": 1, "unchanged": 1, "paired": 1, "queued": 1, "refused": 1}
    changed = fleet.records.need(north.id)
    assert (changed.site, dict(changed.labels)) == ("new place", {"gpu": "yes"})
    eight = await fleet.roster.accept("10.0.0.8:1", "code-8", **ME)
    assert (eight.name, eight.site, dict(eight.labels)) == ("eight", "y", {"far": "yes"})
    with pytest.raises(Missing, match="no file"):
        await fleet.roster.import_file(tmp_path / "none.csv", **ME)
    file.write_bytes(b"address\n\xff")
    with pytest.raises(BadInput, match="UTF-8"):
        await fleet.roster.import_file(file, **ME)


async def test_a_change_over_many_skips_those_that_are_so_already(fleet, opened):
    await three(fleet)
    told = await fleet.roster.label('site == "n"', "gpu=yes", "", **ME)
    assert [(row["name"], row["changed"]) for row in told["nodes"]] == [("north", True), ("nord", True)]
    again = await fleet.roster.label("all", "gpu=yes", "", **ME)
    assert (again["changed_count"], again["skipped_count"]) == (1, 2)
    await fleet.roster.label("south", "", "gpu", **ME)
    await fleet.roster.place("all", {"tier": "tier-2", "link_bytes_s": 1000}, **ME)
    async with opened() as fresh:
        assert [node.name for node in fresh.search("label.gpu and tier == tier-2 and budget < 1MB")] == ["north", "nord"]
    with pytest.raises(BadInput, match="tier must be"):
        await fleet.roster.place("all", {"tier": "tier-9"}, **ME)
    with pytest.raises(BadInput, match="Nothing"):
        await fleet.roster.place("all", {}, **ME)
    with pytest.raises(BadInput, match="No label"):
        await fleet.roster.label("all", "", "", **ME)


async def test_a_change_over_many_is_one_item_with_its_progress(fleet, base):
    nodes = [Node(f"n{at}", f"{at:032x}", f"n{at}", "x:1") for at in range(1100)]
    fleet.records.put(*nodes)
    known = [{"id": node.id, "node_identifier": node.device_id, "name": node.name} for node in nodes]
    await base.store.write(lambda conn: [rows.put(conn, "edge_nodes", row, actor="me", cause="", now_us=1) for row in known])
    told = await fleet.roster.hold("all", Health.MAINTENANCE, **ME)
    assert (told["changed_count"], told["skipped_count"]) == (1100, 0)
    (job,) = base.jobs.records
    assert (job.title, job.state, job.done, job.total, job.unit) == ("Maintenance for 1100 nodes", "done", 1100, 1100, "nodes")
    assert {node.state for node in fleet.records} == {Health.MAINTENANCE}


async def test_maintenance_stays_over_a_restart_and_out_of_service_means_not_asked(fleet, link, clock, opened):
    north, south, _ = await three(fleet)
    await fleet.roster.hold("north", Health.MAINTENANCE, **ME)
    await fleet.roster.hold("south", Health.DECOMMISSIONED, **ME)
    assert south.id not in link.targets
    link.bring(Batch(north.id, clock.now_us(), "e", 1))
    assert fleet.records.need(north.id).state is Health.MAINTENANCE
    assert [node.name for node in fleet.select("all")] == ["nord"]
    async with opened() as again:
        assert {again.find(name).state for name in ("north", "south")} == {Health.MAINTENANCE, Health.DECOMMISSIONED}
        told = await again.roster.hold("all", None, **ME)
        assert (told["changed_count"], told["skipped_count"]) == (2, 1)
        assert south.id in link.targets
        link.bring(Batch(north.id, clock.now_us(), "e", 2))
        assert again.find("north").state is Health.ONLINE


async def test_a_silent_node_that_a_neighbour_reaches_is_told_so(fleet, link, clock):
    north, south, _ = await three(fleet)
    clock.advance(60)
    item = Measurement(1, clock.now_us(), metrics={"peers": {south.device_id: 1.0}})
    link.bring(Batch(north.id, clock.now_us(), "e", 1, (item,)))
    await until(lambda: fleet.records.need(south.id).state is Health.VIA_PEER)
    clock.advance(60)
    await until(lambda: fleet.records.need(south.id).state is Health.OFFLINE)
