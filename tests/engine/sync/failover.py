"""Two hosts of one hub: one takes the lead from the other, or goes on from a backup of what the other has; from one seed.

The other does not know. On the same store it is refused by its term; on a store of its own it goes on answering whoever
still comes to it. The rest of a history is that of `simulator.py`.
"""

from app.engine.base.errors import Conflict
from app.engine.sync.hub import Hub
from tests.engine.sync.checks import Broken, played
from tests.engine.sync.simulator import BACKUP, CLOCK, CLONE, COMPACT, RESTORE, STAYS, TIME, World

_FORMER = 0.1  # how often a request goes to the host that lost the store


class Failover(World):
    """One history in which hosts of a hub take over from each other."""

    def __init__(self, seed):
        self.former = None  # the term of who led this store before
        self.other = None  # (store, term) of who went on apart
        self.talking = False
        self.apart_twice = False  # two hosts went on from backups, neither from the other's: the last to be started leads
        super().__init__(seed, favour=(BACKUP, BACKUP, TIME), events=(TIME, CLOCK, BACKUP, RESTORE, COMPACT, CLONE, STAYS))
        self.lead()

    def lead(self):
        self.term = None
        self.term = self._at_hub(lambda hub: hub.lead())

    def befall(self):
        if self.draw.random() < 0.7:
            met = (self.meet_other,) * (6 if self.other else 0)
            self.draw.choice((self.take_over, self.fail_over, self.fail_over, *met))()
        else:
            super().befall()

    def take_over(self):
        """Another host leads the store from now on."""
        self.former = self.term
        self.lead()

    def fail_over(self):
        """Another host leads from a backup of the store from now on; the one before goes on with what it has."""
        if not self.backups:
            self.back_up()
        hub, term = self.hub, self.term
        self.restore()
        self.other = hub, term

    def restore(self, which=-1):
        if not self.backups:
            return
        self.far, self.former, self.other, self.term = True, None, None, None
        super().restore(which)
        self.lead()

    def meet_other(self):
        """Somebody comes to the host that others have left: whoever has heard of the later one is to leave it alone."""
        machine, hub, term, former = self.draw.choice(self.machines), self.hub, self.term, self.former
        follows = _meta(self.other[0])["epoch"] in [each[0] for each in _meta(hub)["past"]]
        knows_better = follows and self._stand(machine)["epoch"] == _meta(hub)["epoch"]
        self.apart_twice |= not follows
        before, log = self._stand(machine), len(self.other[0].d["log"])
        (self.hub, self.term), self.former = self.other, None
        try:
            if self.draw.random() < 0.5:
                self.lead()  # started anew, with a later term than that of whoever took its place
            self.meet(machine)
        finally:
            self.remember()
            self.other, self.hub, self.term, self.former = (self.hub, self.term), hub, term, former
        if knows_better and (before, log) != (self._stand(machine), len(self.other[0].d["log"])):
            raise Broken(f"I15 fencing: {machine.name} goes on with a hub that was replaced")

    def heal(self):
        if self.apart_twice:
            self.lead()
        super().heal()

    def _stand(self, machine):
        peer = machine.shelf.d["plain"].get("sync_peers", {}).get("hub", {})
        return {name: peer.get(name) for name in ("acked", "durable", "cursor", "epoch")}

    def _talk(self, machine, rounds):
        around, self.talking = self.talking, True
        try:
            super()._talk(machine, rounds)
        finally:
            self.talking = around

    def _at_hub(self, step, crash=False):
        if self.talking and self.former is not None and self.bad(_FORMER):
            twin = self.hub.copy()
            try:
                step(Hub(twin, self.now_us, self.former))
            except Conflict as error:
                if error.field == "term":
                    raise
            raise Broken("I15 fencing: a host answers for a store that another one leads")
        return super()._at_hub(step, crash)


def _meta(hub):
    return hub.d["plain"]["meta"]["sync.hub"]["value"]


def run(seed, steps=40):
    """Play the history of `seed` and check it; raise `Broken`."""
    return played(Failover, "failover, ", seed, steps)
