"""A simulator of sync: consoles and a hub with virtual clocks, disks and a network that loses, repeats and cuts; from one seed.

Everything that decides is the product's own code (`Hub`, `Console`, the batches); only disks, clocks and the wire are made up.
`run(seed)` plays a history and raises `Broken` that names the invariant; the same seed plays the same history.
"""

import json
import random
from collections import defaultdict
from functools import partial

from app.engine.base.errors import OutpostError
from app.engine.sync import batch as batches
from app.engine.sync import sealing
from app.engine.sync.console import Console
from app.engine.sync.hub import Hub
from app.engine.sync.sealing import SCHEMA, replica_of
from tests.engine.sync.memory import THINGS, MemoryShelf, Twice

START_US = 1_700_000_000_000_000
PAIR = ("pair-1", "pair-2")
IDS = (*PAIR, "r1", "r2", "r3", "r4")
DAY_US = 86_400_000_000
MOST_AGAIN = 5


class Broken(AssertionError):
    """Invariants that do not hold; the message tells each, its name first, and `names` has the names."""

    def __init__(self, *told):
        super().__init__("; ".join(told))
        self.names = {one.split(" ")[0] for one in told}


def anew(error, place):
    """Return the error with the place where it was seen."""
    again = Broken(f"{error} ({place})")
    again.names = error.names
    return again


class Machine:
    """A console: a disk, a clock that may be wrong, and the identity of its device."""

    def __init__(self, name):
        self.name, self.device = name, name
        self.shelf = MemoryShelf()
        self.skew_us = 0
        self.alone = False  # it has left for good: nothing of it is promised


TIME, CLOCK, BACKUP, RESTORE, COMPACT, CLONE = range(6)  # what may befall, for `favour`


class World:
    """One history."""

    def __init__(self, seed, consoles=3, trouble=1.0, favour=()):
        self.draw = random.Random(seed)
        self.now_us = START_US
        self.hub = MemoryShelf()
        self.machines = [Machine(f"console-{n}") for n in range(consoles)]
        self.backup = None
        self.backup_acked = {}
        self.trouble, self.favour = trouble, favour
        self.written = {}  # token → (row, column), of every acknowledged write on a disk that still counts
        self.hits = 0
        self.count = 0
        self.term = None
        self.most_resent = self.resent = 0  # `resent`: since the last cut
        self.purged = set()  # rows whose tombstone the hub let go of
        self.reached = {}  # machine → how far it had pulled
        self.went_back = 0
        self.cloned = self.restored = False
        self.within = 0  # meetings within a snapshot within a meeting
        self._at_hub(lambda hub: hub.absorb())

    # transactions: on a copy of the disk, kept when they end

    def _on(self, machine, step, crash=False):
        twin = machine.shelf.copy()
        result = step(Console(twin, "hub", self.now_us + machine.skew_us))
        if not crash:
            machine.shelf = twin
        return result

    def _at_hub(self, step, crash=False):
        twin = self.hub.copy()
        result = step(Hub(twin, self.now_us, self.term))
        if not crash:
            self.hub = twin
        return result

    def bad(self, chance):
        return self.draw.random() < chance * self.trouble

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
        machine.shelf.write(changes, now_us=now_us, txn=f"t{self.count}")
        for id_, values in changes:
            for column in ("a", "b"):
                if column in values:
                    self.written[values[column]] = (id_, column)
        self.hits += sum("hits" in values for _, values in changes)

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
        if machine.shelf.d["here"]["replica"] != replica:
            return self.hello(machine)
        return due

    def push(self, machine, most=4):
        batch = self._on(machine, lambda console: console.outgoing(most, 1 << 20))
        if batch is None:
            return False
        data = batches.encode(batch)
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
        after, head = ["", ""], -1
        while after is not None:
            at = tuple(after)
            page = json.loads(json.dumps(self._at_hub(lambda hub, at=at: hub.snapshot(at, 2))))
            head = page["head"] if head < 0 else head
            if self.bad(0.1):
                return
            self._on(machine, lambda console, page=page, head=head: console.take_snapshot(page, head))
            after = page["next"]
            self.reached.pop(machine.name, None)
            if self.bad(0.2) and self.within < 3:
                self.within += 1
                self.meet(self.draw.choice(self.machines))
                self.within -= 1

    def meet(self, machine, rounds=2):
        """Let one console and the hub talk for a while."""
        self.resent = 0
        try:
            due = self.hello(machine)
            if due is None:
                return
            if due:
                self.snapshot(machine)
            for _ in range(rounds):
                pushed, pulled = self.push(machine), self.pull(machine)
                if not pushed and not pulled:
                    break
        except OutpostError:
            if self.trouble == 0 or self.draw.random() < 0.01:
                return
        except Twice as error:
            raise Broken(f"I3 idempotent: {error} was merged again") from error
        except Exception as error:
            raise Broken(f"no crash: {type(error).__name__}: {error}") from error

    # what befalls disks and clocks

    def befall(self):
        draw = self.draw
        what = draw.choice(self.favour) if self.favour and draw.random() < 0.7 else draw.randrange(6)
        if what == 0:
            self.now_us += draw.choice((1_000_000, 3_600_000_000, 10 * DAY_US))
        elif what == 1:
            draw.choice(self.machines).skew_us = draw.choice((0, 0, -3 * DAY_US, 3 * DAY_US, 200_000_000))
        elif what == 2:
            acked = self._at_hub(lambda hub: hub.acked())
            self.backup = (self.hub.copy(), set(self.purged))
            self._at_hub(lambda hub: hub.backed_up(acked))
        elif what == 3 and self.backup is not None:
            self.hub, self.purged, self.restored = self.backup[0].copy(), set(self.backup[1]), True
            self._at_hub(lambda hub: hub.restored())
        elif what == 4:
            keep = draw.choice((0, DAY_US))
            before = set(self.hub.d["rows"])
            self._at_hub(lambda hub: hub.compact(keep_us=keep, expire_us=5 * DAY_US, tombstone_us=keep))
            self.purged |= before - set(self.hub.d["rows"])
        elif what == 5 and len(self.machines) < 5:
            twin = Machine(f"clone-{self.count}")
            source = draw.choice(self.machines)
            twin.shelf, twin.device = source.shelf.copy(), source.device
            self.hits += 0
            self.machines.append(twin)
            self.cloned = True

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
        self.heal()

    def heal(self):
        self.trouble = 0.0
        for machine in self.machines:
            machine.skew_us = 0
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
        return not d["outbox"] and d["here"]["seq"] == peer["acked"] and peer["cursor"] == self._at_hub(lambda hub: hub._head())

    # what must hold

    def check_pairs(self):
        for shelf in (self.hub, *(machine.shelf for machine in self.machines if self.is_whole(machine))):
            one, two = (shelf.d["rows"].get(("things", id_)) for id_ in PAIR)
            if (one or {}).get("a") != (two or {}).get("a"):
                raise Broken("I4 atomic: half of a transaction is visible")

    def is_whole(self, machine):
        """Tell whether a console is past its snapshot: until then its rows are of different moments."""
        peer = machine.shelf.d["plain"].get("sync_peers", {}).get("hub", {"state": {}, "cursor": 0})
        whole_at = peer["state"].get("whole_at", 0)
        return 0 <= whole_at <= peer["cursor"]

    def check(self):
        """Raise `Broken` that names every invariant that does not hold at the end."""
        ops, told = self._ops(), {}
        for look in (
            self._check_converged, partial(self._check_none_lost, ops), partial(self._check_winners, ops),
            partial(self._check_losers, ops), self._check_gone, self._check_counts, self._check_resumed, self._check_clocks, self._check_bounded,
        ):  # fmt: skip
            try:
                look()
            except Broken as error:
                told[str(error)] = None
            except OutpostError as error:
                told[f"no refusal: {error}"] = None
        if told:
            raise Broken(*told)

    def _ops(self):
        return [(replica, json.loads(op), verdicts) for replica, op, verdicts in self.hub.d["tap"]]

    def _check_converged(self):
        # What a copied disk hands over under both its names may count twice: told in docs/sync.md.
        without = ("note", "hits") if self.cloned else ()
        hub = visible(self.hub, without)
        for machine in self.machines:
            if visible(machine.shelf, without) != hub:
                raise Broken(f"I1 convergence: {machine.name} {differences(visible(machine.shelf, without), hub)}")

    def _check_none_lost(self, ops):
        there = {
            value
            for _, op, _ in ops
            for column, value in op["fields"].items()
            if column in ("a", "b") and op["table"] == "things"
        }
        lost = set(self.written) - there
        if lost:
            raise Broken(f"{'I11 hub rollback' if self.restored else 'I2 no lost write'}: {sorted(lost)[:3]} went")
        seqs = [(replica, op["seq"]) for replica, op, _ in ops]
        if len(seqs) != len(set(seqs)):
            raise Broken("I3 idempotent: an operation was taken twice")

    def _check_winners(self, ops):
        gone = {key[1] for key, cells in self.hub.d["cells"].items() if "gone" in cells}
        best = {}
        for replica, op, _ in ops:
            if op["table"] != "things" or op["row"] in gone:
                continue
            for column, stamp in op["seen"].items():
                if tuple(stamp) >= (op["hlc"], replica):
                    raise Broken(f"I5 right winner: {op['row']}.{column} is beaten by what its writer had seen")
            for column in ("a", "b", "deleted_us"):
                if column in op["fields"]:
                    best[op["row"], column] = max(
                        best.get((op["row"], column), ((0, ""), None)),
                        ((op["hlc"], replica), op["fields"][column]),
                        key=lambda one: one[0],
                    )
        for (id_, column), (_, value) in best.items():
            row = self.hub.d["rows"]["things", id_]
            if row[column] != value:
                raise Broken(f"I5 right winner: {id_}.{column} is {row[column]}, not {value}")

    def _check_gone(self):
        """Rows whose tombstone was let go of live nowhere, whatever was written about them by those who had not heard."""
        for key in self.purged:
            rows = [shelf.d["rows"].get(key) for shelf in (self.hub, *(machine.shelf for machine in self.machines))]
            if any(row is not None and row["deleted_us"] is None for row in rows):
                raise Broken(f"I9 no zombie: {key[1]} lives")

    def _check_losers(self, ops):
        """Every value that did not win was overwritten by one who had seen it, or lies in the inbox."""
        if self.restored:
            return  # what a hub had noted and nobody had pulled goes with the hub
        inbox = json.dumps([row for (table, _), row in self.hub.d["rows"].items() if table == "sync_conflicts"])
        value_at, seen = {}, defaultdict(set)
        for replica, op, _ in ops:
            for column in ("a", "b"):
                if op["table"] == "things" and column in op["fields"]:
                    value_at[op["row"], column, op["hlc"], replica] = op["fields"][column]
                    if column in op["seen"]:
                        seen[op["row"], column].add(tuple(op["seen"][column]))
        known = {value_at.get((row, column, *stamp)) for (row, column), stamps in seen.items() for stamp in stamps}
        for (id_, column, _, _), value in value_at.items():
            row = self.hub.d["rows"].get(("things", id_))
            if value and value not in known and f'"{value}"' not in inbox and row is not None and row[column] != value:
                raise Broken(f"I6 loser kept: {value} of {id_}.{column} is nowhere")

    def _check_counts(self):
        total = sum(row["hits"] for (table, _), row in self.hub.d["rows"].items() if table == "things")
        purged = any("gone" in cells for cells in self.hub.d["cells"].values())
        if not self.cloned and not purged and total != self.hits:
            raise Broken(f"I3 idempotent: counted {total} instead of {self.hits}")

    def _check_resumed(self):
        """What was handed over or taken over before a cut comes again as part of one batch at most (4 changes and a pair)."""
        if self.most_resent > MOST_AGAIN:
            raise Broken(f"I7 resumable: {self.most_resent} operations were handed over again")
        if self.went_back > 0 and not self.restored and not self.cloned:
            raise Broken(f"I7 resumable: {self.went_back} entries were asked for again")

    def _check_bounded(self):
        """The log ends where the slowest of those who came lately stands; who stayed away longer takes a snapshot."""
        here, *away = self.machines
        self.now_us += 10 * DAY_US
        for turn in range(3):
            here.shelf.write([("r4", {"a": f"late-{turn}", "deleted_us": None})], now_us=self.now_us, txn=f"late-{turn}")
            self.meet(here, rounds=400)
        self.now_us += 1
        self._at_hub(lambda hub: hub.compact(keep_us=0, expire_us=5 * DAY_US, tombstone_us=1 << 60))
        replicas = self.hub.d["plain"]["sync_replicas"].values()
        needed = min(row["cursor"] for row in replicas if row["seen_us"] >= self.now_us - 5 * DAY_US)
        kept = [entry["hub_seq"] for entry in self.hub.d["log"] if entry["hub_seq"] <= needed]
        if kept:
            raise Broken(f"I8 bounded: {len(kept)} entries that nobody needs are kept")
        if away:
            self.heal()
            self._check_converged()

    def _check_clocks(self):
        """With clocks mended, whoever writes last wins everywhere: no clock of the past owns a field."""
        for machine in self.machines:
            self.now_us += 60_000_000
            token = f"last-{machine.name}"
            machine.shelf.write([("pair-1", {"a": token, "deleted_us": None}), ("pair-2", {"a": token, "deleted_us": None})],
                                now_us=self.now_us, txn=token)  # fmt: skip
            self.heal()
            for other in (self.hub, *(each.shelf for each in self.machines)):
                row = other.d["rows"].get(("things", "pair-1"))
                gone = "gone" in self.hub.d["cells"].get(("things", "pair-1"), "")
                if not gone and (row is None or row["a"] != token):
                    raise Broken(f"I10 skew: {token} did not win against {row and row['a']}")


def visible(shelf, without=()):
    """Return what a person sees of a disk: living rows, their columns that travel, lists without their order."""
    found = {}
    for (table, id_), row in shelf.d["rows"].items():
        if row["deleted_us"] is not None:
            continue  # a tombstone is let go of at the hub first
        kinds = THINGS if table == "things" else {"lost": "", "kept": "", "state": "", "reason": ""}
        told = {name: row[name] for name, kind in kinds.items() if kind != "local" and name not in without}
        found[table, id_] = {name: sorted(value) if isinstance(value, list) else value for name, value in told.items()}
    return found


def differences(one, other):
    keys = [key for key in {*one, *other} if one.get(key) != other.get(key)]
    told = []
    for key in keys[:2]:
        a, b = one.get(key) or {}, other.get(key) or {}
        told.append((key, {name: (a.get(name), b.get(name)) for name in {*a, *b} if a.get(name) != b.get(name)}))
    return told


def run(seed, steps=40, **how):
    """Play the history of `seed` and check it; raise `Broken`."""
    real = sealing.fresh_name
    names = random.Random(seed)
    sealing.fresh_name = lambda: f"{names.getrandbits(64):016x}"
    try:
        world = World(seed, **how)
        world.play(steps)
        world.check()
    except Broken as error:
        raise anew(error, f"seed {seed}, {steps} steps") from error
    finally:
        sealing.fresh_name = real
    return world
