"""What befalls a hub beside its consoles: people write at it and erase there, its log is lost and salvaged; from one seed.

The rest of a history is that of `simulator.py`. Nothing is set back here, for an erasure nobody had heard of goes with its hub.
"""

import contextlib
import json
from unittest import mock

from app.engine.sync import erase as erasing
from app.engine.sync import sealing
from app.engine.sync.merge import ERASED
from tests.engine.sync.checks import PAIR, Broken, played
from tests.engine.sync.simulator import BACKUP, CLOCK, COMPACT, IDS, RESTORE, TIME, World


class MemoryScrub:
    """The verbs of `store/scrub.py` over a shelf in memory, which stands for its own connection."""

    @staticmethod
    def cut_log(_conn):
        """No file has a log here."""

    @staticmethod
    def log(shelf, table, row_id, plain):
        hit = (table, row_id)
        shelf.d["log"] = [{**e, "op": plain(e["op"])} if (e["table_name"], e["row_id"]) == hit else e for e in shelf.d["log"]]

    @staticmethod
    def own(shelf, key, plain):
        shelf.d["own"] = [
            {**e, "op": plain(e["op"], e["chain"])} if (e["table_name"], e["row_id"]) == key else e for e in shelf.d["own"]
        ]

    @staticmethod
    def later(shelf, of_row):
        shelf.d["later"] = [entry for entry in shelf.d["later"] if not of_row(entry["op"])]

    @staticmethod
    def conflicts(shelf, table, row_id, settled):
        rows = shelf.d["rows"]
        about = [
            key
            for key, row in rows.items()
            if key[0] == "sync_conflicts" and (row["table_name"], row["row_id"]) == (table, row_id)
        ]
        for key in about:
            rows[key] = {**rows[key], "kept": None, "lost": None, "title": "", **settled}
        return [key[1] for key in about]


def numbers_left(shelf, floor):
    """Return the greatest number given away, which the log of a salvaged store goes on behind; see `store/salvage.py`."""
    return max(shelf.d["log_seq"], floor)


class HubWorld(World):
    """One history in which a hub is written at, erased at and salvaged."""

    def __init__(self, seed):
        self.erased = {}  # row → what was written in it
        super().__init__(seed, favour=(COMPACT, TIME), events=(TIME, CLOCK, BACKUP, RESTORE, COMPACT))

    def befall(self):
        self.backups = []
        if self.draw.random() < 0.7:
            self.draw.choice((self.write_at_hub, self.erase_one, self.lose_the_log))()
        else:
            super().befall()

    def push(self, machine, most=4):
        if self.bad(0.2):
            self.write_at_hub()  # between a hello and what follows it
        return super().push(machine, most)

    def write(self, machine):
        """Write as people do: a row that is erased here cannot be found any more, so nobody changes it."""
        before, rows, count = machine.shelf, set(self.written), (self.hits, self.count)
        twin = machine.shelf.copy()
        machine.shelf = twin
        super().write(machine)
        if any(ERASED in cells and key in twin.d["rows"] for key, cells in twin.d["cells"].items()):
            machine.shelf, self.hits = before, count[0]
            for token in set(self.written) - rows:
                del self.written[token]

    def write_at_hub(self):
        self.count += 1
        token, id_, twin = f"hub#{self.count}", self.draw.choice(IDS[len(PAIR) :]), self.hub.copy()
        if "gone" in twin.d["cells"].get(("things", id_), ""):
            return
        twin.write([(id_, {"a": token, "deleted_us": None})], now_us=self.now_us, txn=f"t{self.count}")
        if self.bad(0.5):
            sealing.seal(twin)  # as an erasure does, or a bundle
        self.hub, self.written[token] = twin, (id_, "a")

    def erase_one(self):
        """Erase a row at the hub or at a console."""
        machine = self.draw.choice([None, *self.machines])
        twin = (self.hub if machine is None else machine.shelf).copy()
        living = [key for key in twin.d["rows"] if key[0] == "things" and key[1] not in (*PAIR, "r4")]
        if not living or len(self.erased) >= 2:
            return
        key = self.draw.choice(sorted(living))
        erasing.erase(twin, key, actor="sim", now_us=self.now_us + (machine.skew_us if machine else 0))
        if machine is None:
            self.hub = twin
        else:
            machine.shelf = twin
        self.erased.setdefault(key, set())

    def lose_the_log(self):
        """The hub's log cannot be read any more, and the store goes on with all that can."""
        twin = self.hub.copy()
        hub = twin.d["plain"]["meta"]["sync.hub"]
        last = numbers_left(twin, hub["value"]["floor"])
        twin.d["log"], twin.d["log_seq"] = [], last
        twin.put("meta", {"id": "sync.hub", "value": {**hub["value"], "floor": last}})
        self.hub, self.restored = twin, True
        self._at_hub(lambda hub: hub.restored(pieced=True))

    def check(self):
        gone = {key[1] for key in self.erased}
        for token, (id_, _) in list(self.written.items()):
            if id_ in gone:
                self.erased["things", id_].add(token)
                del self.written[token]
        for shelf in (self.hub, *(machine.shelf for machine in self.machines)):
            self._check_erased(shelf)
        self._drop_settled(gone)
        super().check()

    def _drop_settled(self, gone):
        """Leave out of the comparison what met in rows that were erased: it is settled, and empty for who hears of it later."""
        told = [key for key, row in self.hub.d["rows"].items() if key[0] == "sync_conflicts" and row["row_id"] in gone]
        for shelf in (self.hub, *(machine.shelf for machine in self.machines)):
            for key in told:
                shelf.d["rows"].pop(key, None)

    def _check_erased(self, shelf):
        """Of an erased row nothing is left but that it is erased: no value, wherever it may have been written down."""
        held = {name: part for name, part in shelf.d.items() if name not in ("tap", "rows", "cells")}
        told = json.dumps([held, *([*key, row, shelf.d["cells"].get(key)] for key, row in shelf.d["rows"].items())])
        for key, tokens in self.erased.items():
            if key in shelf.d["rows"] or ERASED not in shelf.d["cells"].get(key, ""):
                raise Broken(f"erased: {key[1]} lives")
            if left := [token for token in tokens if f'"{token}"' in told or f'\\"{token}\\"' in told]:
                raise Broken(f"erased: {left[:2]} of {key[1]} can still be read")


def run(seed, steps=40):
    """Play the history of `seed` and check it; raise `Broken`."""
    with mock.patch.object(erasing, "scrub", MemoryScrub), mock.patch.object(erasing.capture, "quiet", contextlib.nullcontext):
        return played(HubWorld, "hub, ", seed, steps)
