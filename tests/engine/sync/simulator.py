"""A simulator of sync: consoles and a hub with virtual clocks, disks and a network that loses, repeats and cuts; from one seed.

Everything that decides is the product's own code (`Hub`, `Console`, the batches); only disks, clocks and the wire are made up.
`run(seed)` plays a history and raises `Broken` that names the invariant; the same seed plays the same history.
"""

import contextlib
import json
import random
from collections import defaultdict

from app.engine.base.errors import Conflict, OutpostError
from app.engine.sync import batch as batches
from app.engine.sync import carry, rewriting, rules
from app.engine.sync.console import Console
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.hub import Hub
from app.engine.sync.ownlog import AHEAD, COMPARE, MOVED
from app.engine.sync.reading import START
from app.engine.sync.records import HUB
from app.engine.sync.residency import staying
from app.engine.sync.sealing import SCHEMA, mark_of, replica_of
from tests.engine.sync import bundles
from tests.engine.sync.checks import DAY_US, PAIR, Broken, Checks, peer_of, played, stamps_of
from tests.engine.sync.memory import MemoryShelf, Twice

START_US = 1_700_000_000_000_000
IDS = (*PAIR, "r1", "r2", "r3", "r4")
MOST_AGAIN = 5


class Machine:
    """A console: a disk, a clock that may be wrong, and the identity of its device."""

    def __init__(self, name):
        self.name, self.device = name, name
        self.shelf = MemoryShelf()
        self.skew_us = 0
        self.half = False  # the hub that it had half a snapshot of is gone: the rest comes with those who have it


TIME, CLOCK, BACKUP, RESTORE, COMPACT, CLONE, STAYS, STICK, OLDER, ANEW = EVENTS = range(10)  # what may befall, for `favour`
KEPT_BACKUPS = 4


class World(Checks):
    """One history."""

    def __init__(self, seed, consoles=3, trouble=1.0, favour=(), events=EVENTS, *, hub_turns=False):
        self.draw = random.Random(seed)
        self.hub_clock = random.Random(f"hub {seed}") if hub_turns else None  # of chances its own, as `between` is
        self.hub_skew_us = 0
        self.between = random.Random(seed)
        self.cuts = random.Random(f"cut {seed}")
        self.sliced = 0  # slices of logs that were written anew
        self.now_us = START_US
        self.hub = MemoryShelf()
        self.machines = [Machine(f"console-{n}") for n in range(consoles)]
        self.backups = []
        self.sticks = []  # bundles on their way: who takes each, and how
        self.trouble, self.favour, self.events = trouble, favour, events
        self.written = {}  # token → (row, column), of every acknowledged write on a disk that still counts
        self.hits = 0
        self.count = 0
        self.term = None
        self.most_resent = self.resent = 0  # `resent`: since the last cut
        self.most_sent = MOST_AGAIN  # in one batch: rows that are handed over whole are one transaction
        self.purged = set()  # rows whose tombstone the hub let go of
        self.reached = {}  # machine → how far it had pulled
        self.stood = {}  # machine → which snapshot it has pages of, the head of the first, and where the last ended
        self.went_back = 0
        self.cloned = self.restored = False
        self.far = False  # the hub was set back behind what devices let go of, or left for another one
        self.ever = {}  # what any hub has taken, in any of its lives, with who saw whose value
        self.apart = defaultdict(set)  # machine → what was written on it while the table stays there
        self.covers = defaultdict(set)  # token → those written over it by somebody who saw it
        self.within = 0  # meetings within a snapshot within a meeting
        self._at_hub(lambda hub: hub.absorb())

    # transactions: on a copy of the disk, kept when they end

    def settle(self, machine):
        """Write what is left of a log that is written anew, with kills and writes of people in between; of chances its own."""
        draw, self.draw = self.draw, self.between
        while mark_of(machine.shelf):
            twin = machine.shelf.copy()
            rewriting.go_on(twin)
            self.sliced += 1
            if not self.bad(0.2):
                machine.shelf = twin
            for _ in range(self.between.randrange(1, 4) if self.bad(0.2) else 0):
                self.write(machine)
        self.draw = draw

    def _on(self, machine, step, crash=False):
        self.settle(machine)
        twin = machine.shelf.copy()
        if twin.get("sync_peers", "hub") is None:
            twin.put("sync_peers", {"id": "hub", "kind": HUB})
        result = step(Console(twin, "hub", self.now_us + machine.skew_us))
        if not crash:
            machine.shelf = twin
        return result

    def _at_hub(self, step, crash=False):
        twin = self.hub.copy()
        result = step(Hub(twin, self.now_us + self.hub_skew_us, self.term))
        if not crash:
            self.hub = twin
        return result

    def hub_time(self):
        """Return the latest time that the hub went by."""
        return self._at_hub(lambda hub: hub._now_us)

    def bad(self, chance):
        return self.draw.random() < chance * self.trouble

    def cut(self):
        """Tell whether a kill comes while a page of rows is taken."""
        return self.cuts.random() < 0.1 * self.trouble

    # what people do

    def write(self, machine):
        self.count += 1
        token, draw = f"{machine.name}#{self.count}", self.draw
        now_us = self.now_us + machine.skew_us
        kind = draw.randrange(10)
        if kind < 2:
            changes = [(id_, {"a": token, "deleted_us": None}) for id_ in PAIR]
        else:
            id_ = draw.choice(IDS[2:])
            row = machine.shelf.d["rows"].get(("things", id_))
            values = self._values(row, token, kind)
            if row is not None and row["deleted_us"] is not None:
                values["deleted_us"] = None
            if kind == 9 and row is not None and row["deleted_us"] is None:
                values = {"deleted_us": now_us}
            changes = [(id_, values)]
        self._note(machine, changes)
        machine.shelf.write(changes, now_us=now_us, txn=f"t{self.count}")
        self.hits += sum("hits" in values for _, values in changes)

    def _note(self, machine, changes):
        """Note what is about to be written, and what whoever writes it has seen."""
        stays = "things" in staying(machine.shelf)
        for id_, values in changes:
            row = machine.shelf.d["rows"].get(("things", id_)) or {}
            for column in ("a", "b"):
                if column in values:
                    self.covers[row.get(column)].add(values[column])
                    self.written[values[column]] = (id_, column)
                    self.apart[machine.name] |= {values[column]} if stays else set()

    def _values(self, row, token, kind):
        draw, row = self.draw, row or {}
        values = {draw.choice("ab"): token}
        if kind == 4:
            tags = set(row.get("tags", []))
            values["tags"] = sorted(tags ^ {draw.choice("xyz")})
        if kind == 5:
            marks = dict(row.get("marks", {}))
            marks[draw.choice("kl")] = token
            if draw.random() < 0.3:
                marks.pop("k", None)
            values["marks"] = marks
        if kind == 6:
            values["hits"] = row.get("hits", 0) + 1
        if kind == 7:
            values["stage"] = draw.choice(("open", "shut", "done"))
        if kind == 8:
            text = row.get("note", "")
            at = draw.randint(0, len(text))
            values["note"] = text[:at] + draw.choice("abc") + text[at + draw.randint(0, 1) :]
        return values

    # what the network does: any answer may be lost, any request come twice, any transaction be cut by a kill

    def hello(self, machine):
        replica = self._on(machine, lambda console: replica_of(console._shelf))
        hello = self._at_hub(lambda hub: hub.hello(replica, machine.device, machine.name, SCHEMA))
        if self.bad(0.1):
            return None
        due = self._on(machine, lambda console: console.met(hello), crash=self.bad(0.05))
        if machine.shelf.d["here"]["replica"] != replica or mark_of(machine.shelf):
            return self.hello(machine)
        return due

    def push(self, machine, most=4):
        batch = self._on(machine, lambda console: console.outgoing(most, 1 << 20))
        if batch is None:
            return False
        data = batches.encode(batch)
        self.most_sent = max(self.most_sent, len(batch.ops))
        if self.bad(0.05):
            data = data[: self.draw.randrange(len(data))]
        before = self.hub.d["plain"].get("sync_replicas", {}).get(batch.replica, {}).get("acked", 0)
        self.resent += min(before, batch.last) - batch.after
        self.most_resent = max(self.most_resent, self.resent)
        for _ in range(2 if self.bad(0.1) else 1):
            killed = self.bad(0.05)
            answer = self._at_hub(lambda hub: hub.receive(batches.decode(data), machine.device), crash=killed)
        if killed or self.bad(0.15):
            self.resent = 0
            return True  # nobody hears the answer
        cut = self.bad(0.05)
        self._on(machine, lambda console: console.receipt(answer), crash=cut)
        self.resent = 0 if cut else self.resent
        return True

    def pull(self, machine, most=3):
        peer = self._on(machine, lambda console: console.peer)
        replica = machine.shelf.d["here"]["replica"]
        self.went_back = max(self.went_back, self.reached.get(machine.name, 0) - peer["cursor"])
        page = self._at_hub(lambda hub: hub.page(replica, machine.device, peer["cursor"], peer["epoch"], most))
        page = json.loads(json.dumps(page))
        if self.bad(0.1):
            return True
        if page.get("snapshot"):
            self.snapshot(machine)
            return True
        for _ in range(2 if self.bad(0.1) else 1):
            cut = self.bad(0.1)
            self._on(machine, lambda console: console.take_page(page), crash=cut)
            if not cut and not self.restored and not self.cloned:
                self.reached[machine.name] = page["cursor"]
        return page["cursor"] < page["head"]

    def snapshot(self, machine):
        while True:
            at = self._on(machine, lambda console: console.place)
            self.check_place(machine, at)
            page = json.loads(json.dumps(self._at_hub(lambda hub, at=at: {**hub.snapshot(at, 2), "after": at})))
            if self.bad(0.1):
                return False
            ahead = peer_of(machine)["state"].get(AHEAD, 1 << 60)  # what is later came on a stick from a wrong clock
            since = peer_of(machine)["state"].get(MOVED, {})
            before = {
                key: stamp
                for key, stamp in stamps_of(machine.shelf).items()
                if stamp[0] <= ahead and stamp[0] < since.get(stamp[1], 1 << 60)
            }
            killed = self.cut()
            self._on(machine, lambda console, page=page: console.take_snapshot(page), crash=killed)
            if killed:
                return False
            if back := [key for key, stamp in stamps_of(machine.shelf).items() if stamp < before.get(key, stamp)]:
                raise Broken(f"I5 right winner: a snapshot took {back} back")
            while at is not None:
                killed = self.cut()
                at = self._on(machine, lambda console, page=page, at=at: console.left_out(page, at), crash=killed)
                if killed:
                    self.stood.pop(machine.name, None)  # where nothing is compared, the page was done with, perhaps the last
                    return False
            self.note_place(machine, page)
            self.reached.pop(machine.name, None)
            if self.bad(0.2) and self.within < 3:
                self.within += 1
                self.meet(self.draw.choice(self.machines))
                self.within -= 1
            if self._on(machine, lambda console: console.place) == START:
                return True

    def meet(self, machine, rounds=2):
        """Let one console and the hub talk for a while; what others do meanwhile is another meeting's."""
        around, self.resent = self.resent, 0
        try:
            self._talk(machine, rounds)
        finally:
            self.resent = around

    def _talk(self, machine, rounds):
        try:
            due = self.hello(machine)
            if due is None:
                return
            if due and not self.snapshot(machine):
                return
            for _ in range(rounds):
                pushed, pulled = self.push(machine), self.pull(machine)
                if not pushed and not pulled:
                    break
        except OutpostError:
            if self.trouble == 0 or self.draw.random() < 0.01:
                return
        except Broken:
            raise
        except Twice as error:
            raise Broken(f"I3 idempotent: {error} was merged again") from error
        except Exception as error:
            raise Broken(f"no crash: {type(error).__name__}: {error}") from error

    # what befalls disks and clocks

    def befall(self):
        draw = self.draw
        what = draw.choice(self.favour) if self.favour and draw.random() < 0.7 else draw.randrange(len(self.events))
        (self.pass_time, self.turn_clock, self.back_up, self.restore, self.compact, self.clone,
         self.stay, self.carry, self.restore_older, self.begin_anew)[what]()  # fmt: skip

    def pass_time(self):
        self.now_us += self.draw.choice((1_000_000, 3_600_000_000, 10 * DAY_US))

    def turn_clock(self):
        self.draw.choice(self.machines).skew_us = self.draw.choice((0, 0, -3 * DAY_US, 3 * DAY_US, 200_000_000))
        if self.hub_clock is not None and self.hub_clock.random() < 0.5:
            self.hub_skew_us = self.hub_clock.choice((0, 0, -3 * DAY_US, 3 * DAY_US, 200_000_000))

    def back_up(self):
        acked = self._at_hub(lambda hub: hub.acked())
        self.backups = [*self.backups, (self.hub.copy(), set(self.purged))][-KEPT_BACKUPS:]
        self._at_hub(lambda hub: hub.backed_up(acked))

    def restore(self, which=-1):
        if self.backups:
            self.remember()
            self.break_off()
            before_us = self.hub_time()
            self.hub, self.purged, self.restored = self.backups[which][0].copy(), set(self.backups[which][1]), True
            at_us, twin = max(self.now_us + self.hub_skew_us, before_us), self.hub.copy()
            Hub(twin, at_us, self.term).restored()
            self.hub = twin

    def restore_older(self):
        if len(self.backups) > 1:
            self.far = True
            self.restore(self.draw.randrange(len(self.backups) - 1))

    def begin_anew(self):
        """The hub is gone with its backups, and every console joins a fresh one, unless its clock had been ahead."""
        if self.hub_time() > self.now_us + self.hub_skew_us + DRIFT_US:
            return
        self.remember()
        self.hub, self.purged, self.backups, self.restored, self.far = MemoryShelf(), set(), [], True, True
        self.break_off()
        for machine in self.machines:
            machine.shelf.d["plain"].get("sync_peers", {}).pop("hub", None)
        self._at_hub(lambda hub: hub.absorb())

    def break_off(self):
        """Note who has half a snapshot of the hub, which is about to lose the rest."""
        for machine in self.machines:
            machine.half = not self.is_whole(machine)

    def remember(self):
        """Note what the hub has taken so far, for it is about to lose it."""
        self.ever |= {(replica, op): (replica, op, verdicts) for replica, op, verdicts in self.hub.d["tap"]}

    def compact(self):
        keep = self.draw.choice((0, DAY_US))
        before = set(self.hub.d["rows"])
        self._at_hub(lambda hub: hub.compact(keep_us=keep, expire_us=5 * DAY_US, tombstone_us=keep))
        self.purged |= before - set(self.hub.d["rows"])

    def clone(self):
        if len(self.machines) < 5:
            twin = Machine(f"clone-{self.count}-{len(self.machines)}")  # two may be made between two writes
            source = self.draw.choice(self.machines)
            twin.shelf, twin.device, twin.half = source.shelf.copy(), source.device, source.half
            self.machines.append(twin)
            self.cloned = True

    def stay(self, machine=None):
        """A table begins to stay on a machine, or may travel again."""
        machine = machine or self.draw.choice(self.machines)
        self.settle(machine)
        now_us, twin = self.now_us + machine.skew_us, machine.shelf.copy()
        self.apart[machine.name].clear()
        rules.change(twin, "things", stays="things" not in staying(twin), keep_days=None, now_us=now_us)
        machine.shelf = twin

    def carry(self):
        """A bundle is written, and taken now or later, once or twice; some are lost."""
        one, other = self.draw.sample(self.machines, 2)
        kind = self.draw.choice((self.from_peer, self.from_console, self.from_hub))
        try:
            taken = kind(one, other)
        except OutpostError:
            return
        self.sticks.append(taken)
        while self.sticks and self.draw.random() < 0.6:
            taken = self.draw.choice(self.sticks)
            if self.draw.random() < 0.7:
                self.sticks.remove(taken)
            with contextlib.suppress(OutpostError):
                taken()

    def from_peer(self, one, other):
        for place, peer in ((one, other.name), (other, one.name)):
            twin = place.shelf.copy()
            twin.put("sync_peers", {"id": peer, "kind": "bundle"})
            place.shelf = twin
        body, files = self._write(one, lambda shelf, now_us: bundles.from_peer(shelf, other.name, one.name, now_us))
        return lambda: self._write(other, lambda shelf, now_us: carry.to_peer(shelf, one.name, body, files, now_us))

    def from_console(self, one, _other):
        body, files = self._write(one, lambda shelf, now_us: bundles.from_console(shelf, "hub", one.name, now_us))
        at_us = self.now_us + one.skew_us

        def taken():
            try:
                self._write(None, lambda shelf, now_us: carry.to_hub(shelf, one.device, body, files, now_us, term=self.term))
            except Conflict as error:
                ahead_us = at_us - self.now_us - self.hub_skew_us
                if error.field == "hlc" and ahead_us > DRIFT_US:
                    told = {"ahead_us": ahead_us, "term": self.term}
                    self._write(None, lambda shelf, now_us: (carry.note_ahead(shelf, one.device, body, now_us, **told), {}))
                raise

        return taken

    def from_hub(self, one, _other):
        body, files = self._write(None, lambda shelf, now_us: bundles.from_hub(shelf, one.device, now_us, term=self.term))

        def taken():
            while not self._write(one, lambda shelf, now_us: carry.to_console(shelf, "hub", body, files, now_us)):
                pass

        return taken

    def _write(self, machine, step):
        """Do a step on a copy of a machine's disk (None: the hub's) and keep it; what it wrote goes through JSON."""
        if machine is not None:
            self.settle(machine)
        twin = (self.hub if machine is None else machine.shelf).copy()
        told = step(twin, self.now_us + (self.hub_skew_us if machine is None else machine.skew_us))
        if machine is None:
            self.hub = twin
        else:
            machine.shelf = twin
        if told is None:
            return None
        return json.loads(json.dumps(told[0])), list(told[1].values()) if isinstance(told[1], dict) else []

    def play(self, steps=40):
        """Play the history, and mend everything at its end."""
        for _ in range(steps):
            self.now_us += self.draw.randrange(1, 5_000_000)
            roll = self.draw.random()
            if self.favour and roll > 0.8:
                self.befall()
            elif roll < 0.45:
                self.write(self.draw.choice(self.machines))
            elif roll < 0.9 or self.trouble == 0:
                self.meet(self.draw.choice(self.machines))
            else:
                self.befall()
            self.check_pairs()
            self.check_apart()
        self.heal()

    def heal(self):
        self.trouble, self.hub_skew_us = 0.0, 0
        for machine in self.machines:
            machine.skew_us = 0
            if "things" in staying(machine.shelf):
                self.stay(machine)
        for _ in range(12):
            self.now_us += 1_000_000
            for machine in self.machines:
                self.meet(machine, rounds=400)
            if all(self.settled(machine) for machine in self.machines):
                return
        name = "I11 hub rollback" if self.restored else "I2 no lost write"
        raise Broken(f"{name}: writes stay on their consoles for ever")

    def settled(self, machine):
        d = machine.shelf.d
        peer = d["plain"]["sync_peers"]["hub"]
        return (
            COMPARE not in peer["state"]
            and not d["outbox"]
            and d["here"]["seq"] == peer["acked"]
            and peer["cursor"] == self._at_hub(lambda hub: hub._head())
        )


def run(seed, steps=40, **how):
    """Play the history of `seed` and check it; raise `Broken`."""
    return played(World, "", seed, steps, **{"hub_turns": True, **how})
