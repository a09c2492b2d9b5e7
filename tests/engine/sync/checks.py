"""What must hold of a history that the simulator played: the invariants of docs/sync.md, against what it knows of its own."""

import json
import random
from collections import defaultdict
from functools import partial
from unittest import mock

from app.engine.base.errors import OutpostError
from app.engine.sync import sealing
from app.engine.sync.join import WHOLE
from app.engine.sync.ownlog import CARRIED, COMPARE, MOVED
from tests.engine.sync.memory import THINGS

PAIR = ("pair-1", "pair-2")
DAY_US = 86_400_000_000


class Broken(AssertionError):
    """Invariants that do not hold; the message tells each, its name first, and `names` has the names."""

    def __init__(self, *told):
        super().__init__("; ".join(told))
        self.names = {one.split(" ")[0].strip(":") for one in told}


def _anew(error, place):
    """Return the error with the place where it was seen."""
    again = Broken(f"{error} ({place})")
    again.names = error.names
    return again


def played(world_of, kind, seed, steps, **how):
    """Play the history of `seed` in a world of its own and check it; return the world, or raise `Broken` that tells which."""
    names = random.Random(seed)

    def fresh_name():
        return f"{names.getrandbits(64):016x}"

    with mock.patch.object(sealing, "fresh_name", fresh_name):
        try:
            world = world_of(seed, **how)
            world.play(steps)
            world.check()
        except Broken as error:
            raise _anew(error, f"{kind}seed {seed}, {steps} steps") from error
    return world


def breaks(run, invariants, most, **how):
    """Tell whether some seed of the first `most` finds one of `invariants` broken."""
    for seed in range(most):
        try:
            run(seed, **how)
        except Broken as error:
            if error.names & invariants:
                return True
    return False


def peer_of(machine):
    """Return how a console stands with the hub."""
    return machine.shelf.d["plain"].get("sync_peers", {}).get("hub", {"state": {}, "cursor": 0, "acked": 0})


class Checks:
    """The looks at a world; `simulator.World` plays it."""

    def check_pairs(self):
        apart = self.trouble and (self.far or self._is_handed_over())  # rows it is handed whole come one after the other
        hubs = [] if apart else [self.hub]
        for shelf in (*hubs, *(machine.shelf for machine in self.machines if self.is_whole(machine, pairs=True))):
            one, two = (shelf.d["rows"].get(("things", id_)) for id_ in PAIR)
            if (one or {}).get("a") != (two or {}).get("a"):
                raise Broken("I4 atomic: half of a transaction is visible")

    def check_apart(self):
        """What is written while a table stays is nowhere else; a copied disk has it, and hands it over when it likes."""
        told = {machine.name: machine.shelf for machine in self.machines} | {"hub": self.hub}
        for name, tokens in () if self.cloned else self.apart.items():
            held = {row.get(column) for other, shelf in told.items() if other != name and tokens
                    for row in shelf.d["rows"].values() for column in ("a", "b")}  # fmt: skip
            if tokens & held:
                raise Broken(f"residency: {sorted(tokens & held)} left {name}")

    def is_whole(self, machine, *, pairs=False):
        """Tell whether a console is past its snapshot: until then its rows are of different moments.

        `pairs`: nor does a hub hand on at present what it is handed row by row.
        """
        peer = peer_of(machine)
        whole_at = peer["state"].get("whole_at", 0)
        apart = pairs and self.trouble and self._is_handed_over(peer["cursor"])
        return 0 <= whole_at <= peer["cursor"] and not machine.half and not apart

    def _is_handed_over(self, cursor=1 << 60):
        """Tell whether a hub that was set back is being handed rows of the pair whole, one by one, or was behind `cursor`.

        Who has not met it since may have the row that another, with half a snapshot of before, could not hand over.
        """
        if not self.restored:
            return False
        coming = [entry["op"] for entry in self.hub.d["log"] if entry["row_id"] in PAIR and entry["hub_seq"] > cursor]
        for machine in self.machines:
            peer = peer_of(machine)
            coming += [row["op"] for row in machine.shelf.d["own"] if row["row_id"] in PAIR and row["seq"] > peer["acked"]]
            yet_to_meet = peer.get("epoch") != self.hub.d["plain"]["meta"]["sync.hub"]["value"]["epoch"]
            coming += [f'"{WHOLE}":'] if COMPARE in peer["state"] or yet_to_meet else []
        return any(f'"{WHOLE}":' in op for op in coming)

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
        """Return what the hubs have taken as operations; a row that was handed over whole as a write of each of its columns."""
        self.remember()
        told = self.ever.values() if self.far else self.hub.d["tap"]
        return [one for replica, op, verdicts in told for one in _writes(replica, json.loads(op), verdicts)]

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
        inboxes = json.dumps([
            row for machine in self.machines for (table, _), row in machine.shelf.d["rows"].items() if table == "sync_conflicts"
        ])  # fmt: skip
        waiting = [token for token in self.written if token in there or f'"{token}"' in inboxes]
        there |= {*waiting}
        lost = {token for token in self.written if not self._is_told(token, there)}
        if lost:
            raise Broken(f"{'I11 hub rollback' if self.restored else 'I2 no lost write'}: {sorted(lost)[:3]} went")
        seqs = [(replica, op["seq"]) for replica, op, _ in ops if op["seq"] and not self.far]
        if len(seqs) != len(set(seqs)):
            raise Broken("I3 idempotent: an operation was taken twice")

    def _covered(self, there):
        """Yield values overwritten by those who had seen them, where a row handed over whole does not name each of them."""
        if any(f'"{WHOLE}":' in op for _, op, _ in self.hub.d["tap"]):
            for value, later in list(self.covers.items()):
                if any(self._is_told(other, there) for other in later):
                    yield value

    def _is_told(self, token, there):
        """Tell whether a write arrived, or one by somebody who had seen it; the latter is all that a row handed over whole tells."""
        return token in there or any(self._is_told(other, there) for other in self.covers.get(token, ()))

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
        """Every value that holds no more was overwritten or deleted by one who had seen it, or lies in the inbox."""
        if self.restored:
            return  # what a hub had noted and nobody had pulled goes with the hub
        inbox = json.dumps([row for (table, _), row in self.hub.d["rows"].items() if table == "sync_conflicts"])
        value_at, seen = {}, defaultdict(set)
        for replica, op, _ in ops:
            if op["table"] == "things" and op["fields"].get("deleted_us") is not None:
                for column in ("a", "b"):
                    seen[op["row"], column] |= {tuple(at) for at in (*op["seen"].values(), *op.get("had", ()))}
            for column in ("a", "b"):
                if op["table"] == "things" and column in op["fields"]:
                    value_at[op["row"], column, op["hlc"], replica] = op["fields"][column]
                    if column in op["seen"]:
                        seen[op["row"], column].add(tuple(op["seen"][column]))
        known = {*self._covered(set(value_at.values()))} | {
            value_at.get((row, column, *stamp)) for (row, column), stamps in seen.items() for stamp in stamps
        }
        for (id_, column, _, _), value in value_at.items():
            row = self.hub.d["rows"].get(("things", id_))
            holds = row is not None and row["deleted_us"] is None and row[column] == value
            forgotten = '"erased"' in self.hub.d["cells"].get(("things", id_), "")
            if value and value not in known and f'"{value}"' not in inbox and not holds and not forgotten:
                raise Broken(f"I6 loser kept: {value} of {id_}.{column} is nowhere")

    def _check_counts(self):
        total = sum(row["hits"] for (table, _), row in self.hub.d["rows"].items() if table == "things")
        purged = any("gone" in cells for cells in self.hub.d["cells"].values())
        if not self.cloned and not purged and total != self.hits:
            raise Broken(f"I3 idempotent: counted {total} instead of {self.hits}")

    def _check_resumed(self):
        """What was handed over or taken over before a cut comes again as part of one batch at most (4 changes and a pair)."""
        if self.most_resent > self.most_sent:
            raise Broken(f"I7 resumable: {self.most_resent} operations were handed over again")
        if self.went_back > 0 and not self.restored and not self.cloned:
            raise Broken(f"I7 resumable: {self.went_back} entries were asked for again")

    def check_place(self, machine, at):
        """The rows of a hub are asked for from where the last page of them ended, where nothing hinders it."""
        of, head, ended = self.stood.get(machine.name, (None, 0, None))
        if (
            of == self._snapshot_of(machine)
            and self.hub.d["plain"]["meta"]["sync.hub"]["value"]["floor"] <= head
            and at < ended
        ):
            raise Broken(f"I7 resumable: {machine.name} asks for rows after {at}, and had them up to {ended}")

    def note_place(self, machine, page):
        """Note that a page of the hub's rows was taken, with what was looked for beside it."""
        of, head, _ = self.stood.pop(machine.name, (None, 0, None))
        if page["next"] is not None:
            mine = self._snapshot_of(machine)
            begun = page["after"] == ["", ""] or of is None
            self.stood[machine.name] = mine, page["head"] if begun else head, tuple(page["next"])

    def _snapshot_of(self, machine):
        """Return what all pages of one snapshot have in common."""
        peer = peer_of(machine)
        sticks = [one["state"].get(CARRIED, 0) for one in machine.shelf.all("sync_peers")]
        return peer["epoch"], machine.shelf.d["here"]["replica"], sticks, peer["state"].get(COMPARE), peer["state"].get(MOVED)

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


def _writes(replica, op, verdicts):
    told = op["fields"].get(WHOLE)
    if told is None:
        # Handed over again under another name, with the stamps it had: for a console that takes bundles, or a hub that lacks it.
        return [(op.get("by", replica), {**op, "seq": 0} if "by" in op else op, verdicts)]
    found = []
    for column in ("a", "b", "deleted_us"):
        cell = told["cells"].get(column, told["cells"].get("")) if told["row"] and column in told["row"] else None
        if cell:
            seen = {column: cell[2:]} if len(cell) == 4 else {}
            at = {
                "seq": 0,
                "table": op["table"],
                "row": op["row"],
                "hlc": cell[0],
                "seen": seen,
                "fields": {column: told["row"][column]},
                "had": [
                    *told.get("had", ()),
                    *(tuple(known[:2]) for known in told["cells"].values() if isinstance(known, list)),
                ],
            }
            found.append((cell[1], at, verdicts))
    return found


def stamps_of(shelf):
    """Return the stamp of every value on a disk that a person sees, by row and column."""
    found = {}
    for key, text in shelf.d["cells"].items():
        cells = json.loads(text)
        for column in ("a", "b") if key[0] == "things" and "gone" not in cells else ():
            found[*key, column] = tuple(cells.get(column, cells.get("", (0, "")))[:2])
    return found


def visible(shelf, without=()):
    """Return what a person sees of a disk: living rows, their columns that travel, lists without their order."""
    found = {}
    for (table, id_), row in shelf.d["rows"].items():
        if row["deleted_us"] is not None:
            continue  # a tombstone is let go of at the hub first
        if table == "sync_conflicts" and shelf.d["cells"].get((table, id_), "{}") == "{}":
            continue  # about what stayed on that machine
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
