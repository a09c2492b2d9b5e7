"""Which parts an engine has and the order they start in; whoever imports this file loads all of them."""

from typing import TYPE_CHECKING

from app.engine.circuits.service import CircuitsService
from app.engine.control.service import ControlService
from app.engine.fleet.rollouts import RolloutService
from app.engine.fleet.service import FleetService
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.learning.service import LearningService
from app.engine.link.service import Link
from app.engine.models.service import ModelsService
from app.engine.observe.journal import Journal
from app.engine.observe.logs import LogFile
from app.engine.qubo.service import QuboService
from app.engine.store.store import Store

if TYPE_CHECKING:
    from app.engine.engine import Engine


async def build(engine: "Engine") -> None:
    """Open the store and start every part of `engine`."""
    engine.store = await Store.open(engine.place.store, engine.clock, troubled=engine.troubled)
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
    engine.control = ControlService(base)
    for part in (
        LogFile(engine.home), engine.journal, engine.jobs, engine.link, engine.models, engine.fleet, engine.rollouts,
        engine.qubo, engine.circuits, engine.learning, engine.control,
    ):  # fmt: skip
        engine.add(part)
        await part.start()
