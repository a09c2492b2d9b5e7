"""Which parts an engine has and the order they start in; whoever imports this file loads all of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.engine.circuits.service import CircuitsService
from app.engine.control.service import ControlService
from app.engine.fleet.rollouts import RolloutService
from app.engine.fleet.service import FleetService
from app.engine.flows.train import Registry
from app.engine.jobs.base import Base
from app.engine.jobs.runs import RUNS
from app.engine.jobs.service import Jobs
from app.engine.learning.service import LearningService
from app.engine.link.service import Link
from app.engine.models.service import ModelsService
from app.engine.observe.journal import Journal
from app.engine.observe.logs import LogFile
from app.engine.qubo.service import QuboService
from app.engine.store.store import Store
from app.engine.sync.copied import part_ways
from app.engine.sync.followers import Refresh
from app.engine.sync.service import SyncService

if TYPE_CHECKING:
    from app.engine.engine import Engine


async def build(engine: "Engine") -> None:
    """Open the store and start every part of `engine`."""
    place = engine.place
    engine.store = await Store.open(place.store, engine.clock, troubled=engine.troubled, database=place.database)
    await part_ways(engine.store, engine.home / "identity", engine.clock.now_us())
    await _parts(engine)


async def _parts(engine: "Engine") -> None:
    engine.jobs = Jobs(engine.home, engine.clock, engine.settings, engine.bus, engine.samples, engine.store)
    base = Base(engine.home, engine.clock, engine.settings, engine.bus, engine.samples, engine.store, engine.jobs)
    engine.journal = Journal(base)
    engine.link = Link(base)
    engine.models = ModelsService(base)
    engine.fleet = FleetService(base, engine.link)
    engine.rollouts = RolloutService(base, engine.link, engine.models, engine.fleet)
    engine.qubo = QuboService(base)
    engine.circuits = CircuitsService(base)
    engine.learning = LearningService(base, engine.link)
    engine.learning.registrar = Registry(engine.learning, engine.models)
    engine.learning.is_away = engine.fleet.is_away
    engine.control = ControlService(base)
    engine.sync = SyncService(base, engine.link)
    engine.sync.followers.follow(dict.fromkeys(RUNS, engine.jobs.refresh))  # one that is erased takes its job with it
    engine.sync.followers.follow(_followers(engine))
    for part in (
        LogFile(engine.home), engine.journal, engine.jobs, engine.link, engine.models, engine.fleet, engine.rollouts,
        engine.qubo, engine.circuits, engine.learning, engine.control, engine.sync,
    ):  # fmt: skip
        engine.add(part)
        await part.start()


def _followers(engine: "Engine") -> Mapping[str, Refresh]:
    """Return, by table, the part that takes over what was changed elsewhere."""
    fleet, qubo, circuits = engine.fleet.refresh, engine.qubo.refresh, engine.circuits.refresh
    return {
        "edge_nodes": fleet, "edge_twins": fleet, "edge_layers": fleet, "saved_views": fleet,
        "edge_deployments": engine.rollouts.refresh, "model_versions": engine.models.start,
        "qubo_runs": qubo, "qubo_comparisons": qubo, "circuit_runs": circuits, "task_runs": circuits,
        "learning_runs": engine.learning.refresh,
        "federated_training_sessions": engine.learning.refresh, "control_runs": engine.control.refresh,
    }  # fmt: skip
