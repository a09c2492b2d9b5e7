import os

import pytest

from app.engine.base.errors import Missing
from app.engine.models import keeping
from app.engine.models.service import ModelsService
from app.engine.models.workshop import Trial
from app.engine.store import artifacts
from tests.engine.models.nets import linear_model

WHO = {"actor": "me@here"}
HOUR_S = 3600


def onnx(number):
    return linear_model([[number, 2], [3, 4]])


@pytest.fixture
async def versions(base, models):
    """Return what makes versions of rounds, each with parameters of its own, or those of `params`; all are old."""
    base.settings.set("models.keep_bytes", 0)

    async def make(*numbers, params=None):
        made = []
        for number in numbers:
            lineage = {"kind": "federated", "run_id": "r1", "rounds": number}
            lineage["params"] = artifacts.keep(base.home, params or b"parameters of %d" % number)
            made.append(await models.register("digits", onnx(number), {}, lineage, **WHO))
        age(base)
        return made

    return make


def age(base):
    for path in (base.home / "artifacts").rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 2 * HOUR_S))


def here(base, model):
    return [artifacts.path_of(base.home, name).exists() for name in (model.artifact, model.lineage["params"])]


async def test_files_of_versions_go_the_oldest_first_until_the_rest_fits_and_the_rows_say_so(base, models, versions):
    one, two, three = await versions(1, 2, 3)
    each = sum(artifacts.path_of(base.home, name).stat().st_size for name in (three.artifact, three.lineage["params"]))
    base.settings.set("models.keep_bytes", each + 1)
    gone = await models.keeping.let_go([one, two, three], set())
    assert [(model.title, model.file) for model in gone] == [("digits:1", "gone"), ("digits:2", "gone")]
    assert [here(base, model) for model in (one, two, three)] == [[False, False], [False, False], [True, True]]
    again = ModelsService(base)
    await again.start()
    assert [(model.version, model.file) for model in again.records] == [(1, "gone"), (2, "gone"), (3, None)]
    for use in (
        models.read(one),
        models.predict(one, [[1, 1]], **WHO),
        models.make_active(one, **WHO),
        models.export("digits:1", base.home / "x.onnx"),
        models.workshop.compare("digits:1", "digits:3", Trial(), **WHO),
    ):
        with pytest.raises(Missing, match="digits:1 was let go of"):
            await use
    assert await models.keeping.let_go([three], set()) == []


async def test_what_was_used_promoted_needed_or_just_written_stays(base, models, versions):
    used, active, needed, young = await versions(1, 2, 3, 4)
    await models.predict(used, [[1, 1]], **WHO)
    await models.make_active(active, **WHO)
    artifacts.keep(base.home, b"parameters of 4")
    choice = [used, active, needed, young]
    gone = await models.keeping.let_go(choice, {needed.lineage["params"]})
    assert [model.title for model in gone] == ["digits:3"]
    assert [here(base, model) for model in choice] == [[True, True], [True, True], [False, True], [True, True]]
    assert models.find("digits:1").file == "kept"


async def test_a_file_that_another_version_has_too_stays_until_that_one_goes(base, models, versions):
    one, two = await versions(1, 2, params=b"the same")
    await models.keeping.let_go([one], set())
    assert (here(base, one), here(base, two)) == ([False, True], [True, True])
    await models.keeping.let_go([two], set())
    assert here(base, two) == [False, False]


async def test_a_version_whose_file_was_let_go_of_has_it_again_when_the_same_file_comes(base, models, versions):
    (one,) = await versions(1)
    await models.keeping.let_go([one], set())
    again = await models.register("digits", onnx(1), {}, one.lineage, **WHO)
    assert (again.id, again.file, len(models.records)) == (one.id, None, 1)
    assert artifacts.load(base.home, again.artifact)
    await models.keeping.hold(again, **WHO)
    age(base)
    assert await models.keeping.let_go([again], set()) == []


async def test_a_version_to_go_back_to_is_one_whose_file_is_here(base, models, versions):
    one, two = await versions(1, 2)
    await models.make_active(two, **WHO)
    await models.keeping.let_go([one], set())
    await models.workshop.retire("digits:1", **WHO)
    with pytest.raises(Missing, match="no version to go back to"):
        await models.go_back("digits", **WHO)


async def test_a_file_that_is_written_at_the_moment_it_goes_stays(base, models, versions, monkeypatch):
    (one,) = await versions(1)
    look = keeping._old

    def looked(path, before_us):
        found = look(path, before_us)
        if found and not path.suffix:
            artifacts.keep(base.home, b"parameters of 1")
        return found

    monkeypatch.setattr(keeping, "_old", looked)
    await models.keeping.let_go([one], set())
    assert here(base, one) == [False, True]
    assert artifacts.load(base.home, one.lineage["params"]) == b"parameters of 1"
