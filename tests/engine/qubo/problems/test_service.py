import threading

import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.qubo.problems import load, registry
from app.engine.qubo.problems.service import Problems
from app.engine.store.store import Store

WHO = {"actor": "me@here", "cause": "test"}
TAKE = {"file": None, "text": "", "kind": "auto", "name": "", "replace": False, **WHO}
VAN = "capacity = 5\nitem,value,weight\na,4,3\nb,3,3\n"


def fail(error):
    raise error


@pytest.fixture
async def problems(tmp_path):
    clock, bus, samples = SystemClock(), Bus(fail), Samples()
    settings = Settings(tmp_path / "settings.toml", str)
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    yield Problems(Base(tmp_path, clock, settings, bus, samples, store, jobs))
    await jobs.stop()
    await store.close()


async def test_a_typed_table_is_understood_kept_and_found_again(problems):
    told = await problems.take(**{**TAKE, "text": VAN.replace("\n", "\\n"), "name": "my van"})
    assert told["problem"]["kind"] == "knapsack"
    assert told["file"].endswith("my-van.csv")
    assert (await problems.list())["kept"] == [{"name": "my-van", "kind": "knapsack", "file": told["file"]}]
    again = await problems.show(file="my van", kind="auto", **WHO)
    assert again["problem"]["facts"] == told["problem"]["facts"]
    assert str(problems.named("my van")) == told["file"]
    assert problems.named("tsp") == registry.sample_of("tsp")
    assert problems.named("elsewhere") is None
    with pytest.raises(Conflict, match="my-van is kept already"):
        await problems.take(**{**TAKE, "text": VAN, "name": "my van"})
    await problems.take(**{**TAKE, "text": VAN, "name": "my van", "replace": True})


async def test_a_problem_is_kept_as_the_kind_it_was_imported_as(problems):
    ring = "4 4\n1 2 1\n2 3 1\n3 4 1\n1 4 1\n"
    for kind in ("partition", "coloring", "maxcut"):
        told = await problems.take(**{**TAKE, "text": ring, "kind": kind, "name": "ring", "replace": True})
        assert told["file"].endswith(f"ring.{kind}.csv")
        assert (await problems.list())["kept"] == [{"name": "ring", "kind": kind, "file": told["file"]}]
        again = await problems.show(file="ring", kind="auto", **WHO)
        assert again["problem"] == {**told["problem"], "name": again["problem"]["name"]}
        assert (await problems.show(file="ring", kind="maxcut", **WHO))["problem"]["kind"] == "maxcut"
    with pytest.raises(Conflict, match="ring is kept already"):
        await problems.take(**{**TAKE, "text": ring, "name": "ring"})


async def test_a_file_elsewhere_is_of_no_kind_by_its_name(problems, tmp_path):
    elsewhere = tmp_path / "ring.partition.txt"
    assert problems.kind_of(elsewhere, "auto") == "auto"
    assert problems.kind_of(problems.folder / elsewhere.name, "auto") == "partition"
    assert problems.kind_of(problems.folder / elsewhere.name, "coloring") == "coloring"
    assert problems.kind_of(problems.folder / "ring.txt", "auto") == "auto"


async def test_nothing_bad_is_kept(problems, tmp_path):
    with pytest.raises(BadInput, match=r"x, line 3: expected a whole number"):
        await problems.take(**{**TAKE, "text": VAN.replace("a,4,3", "a,4,three"), "name": "x"})
    with pytest.raises(BadInput, match="one of the two"):
        await problems.take(**TAKE)
    (tmp_path / "w.txt").write_text("what is this\n")
    with pytest.raises(BadInput, match=r"w.txt, line 1: this is none of the problems"):
        await problems.take(**{**TAKE, "file": tmp_path / "w.txt"})
    assert (await problems.list())["kept"] == []


async def test_what_was_kept_stays_until_the_new_one_is_written(problems, monkeypatch):
    kept = await problems.take(**{**TAKE, "text": VAN, "name": "van"})
    monkeypatch.setattr("pathlib.Path.write_text", lambda *_: fail(OSError(28, "no space left")))
    with pytest.raises(OSError, match="no space left"):
        await problems.take(**{**TAKE, "text": VAN, "name": "van", "kind": "knapsack", "replace": True})
    monkeypatch.undo()
    assert [path.name for path in problems.folder.iterdir()] == ["van.csv"]
    again = await problems.take(**{**TAKE, "text": VAN, "name": "van", "kind": "knapsack", "replace": True})
    assert [path.name for path in problems.folder.iterdir()] == ["van.knapsack.csv"]
    assert kept["file"] != again["file"]


async def test_the_list_reads_a_kept_file_once_and_off_the_loop(problems, monkeypatch):
    await problems.take(**{**TAKE, "text": VAN, "name": "van"})
    threads = []
    plain = load.check_file
    monkeypatch.setattr(load, "check_file", lambda *args: threads.append(threading.get_ident()) or plain(*args))
    assert await problems.list() == await problems.list()
    assert len(threads) == 1
    await problems.show(file="van", kind="auto", **WHO)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
    (problems.folder / "van.csv").write_text(VAN.replace("capacity = 5", "problem = tsp"), "utf-8")
    assert [row["kind"] for row in (await problems.list())["kept"]] == ["tsp"]


async def test_every_kind_is_listed_with_a_sample_that_exists(problems):
    told = (await problems.list())["kinds"]
    assert [kind["name"] for kind in told] == list(registry.KINDS)
    assert len(told) >= 14
    assert all(registry.sample_of(kind["name"]).is_file() for kind in told)


async def test_a_name_means_a_file_a_kept_problem_or_a_kind(problems):
    assert problems.file_of("qap") == registry.sample_of("qap")
    with pytest.raises(Missing):
        await problems.show(file="nowhere.txt", kind="auto", **WHO)
