"""What every service stands on, handed over as one bundle."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine.base.clock import Clock
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings

if TYPE_CHECKING:
    from app.engine.jobs.service import Jobs
    from app.engine.store.store import Store


@dataclass(frozen=True)
class Base:
    """The ground every service is built on; all of it is used on the loop only."""

    home: Path
    clock: Clock
    settings: Settings
    bus: Bus
    samples: Samples
    store: "Store"
    jobs: "Jobs"
