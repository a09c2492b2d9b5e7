"""The shelf of sync in memory, for the simulator: the same verbs as `store/shelf.py` over plain dicts, copied per transaction."""

import json

from app.engine.store.rows import defaults_of
from app.engine.store.shelf import kinds_of

THINGS = {
    "id": "append", "created_us": "append", "updated_us": "lww", "base_version": "local", "author": "lww", "deleted_us": "lww",
    "a": "lww", "b": "lww", "tags": "set", "marks": "set", "hits": "counter", "stage": "guarded", "note": "text", "here": "local",
}  # fmt: skip
DEFAULTS = {
    "created_us": 0, "updated_us": 0, "base_version": 0, "author": "", "deleted_us": None, "a": "", "b": "", "tags": [],
    "marks": {}, "hits": 0, "stage": "", "note": "", "here": 0,
}  # fmt: skip
_KEEPS = ("set", "counter", "guarded", "text")
FIRST = {"replica": "", "hlc": 0, "applying": 0, "skew_us": 0, "seq": 0, "chain": ""}


class Twice(AssertionError):
    """What a store says of an operation that is in its log already."""


class MemoryShelf:
    """One disk; `copy` is what a backup or a cloned disk holds."""

    def __init__(self):
        self.d = {
            "here": dict(FIRST), "rows": {}, "cells": {}, "outbox": [], "outbox_seq": 0, "own": [], "log": [], "log_seq": 0,
            "plain": {}, "later": [], "tap": [], "moved": {},
        }  # fmt: skip

    def copy(self):
        twin = MemoryShelf()
        twin.d = {name: held.copy() if isinstance(held, dict | list) else held for name, held in self.d.items()}
        twin.d["plain"] = {table: dict(rows) for table, rows in self.d["plain"].items()}
        return twin  # what stands inside is replaced, never changed

    @property
    def conn(self):
        return self

    # the schema

    def kinds(self, table):
        return THINGS if table == "things" else kinds_of(table)

    def fresh(self, table):
        if table == "things":
            return {"id": "", **json.loads(json.dumps(DEFAULTS))}
        return {"id": "", **defaults_of(table)}

    def tables(self):
        return ["sync_conflicts", "things"]

    # rows

    def load(self, keys, *, bare=False):
        found = {}
        for key in dict.fromkeys(keys):
            row = None if bare else self.d["rows"].get(key)
            found[key] = (dict(row) if row is not None else None), json.loads(self.d["cells"].get(key, "{}"))
        return found

    def keep(self, states, known):
        for key, (row, cells) in states.items():
            if row is None:
                if known[key][0] is not None:
                    del self.d["rows"][key]
            else:
                self.d["rows"][key] = dict(row)
            self.d["cells"][key] = json.dumps(cells)
        return []

    def remove(self, table, id_):
        del self.d["plain"][table][id_]

    def bare(self, table):
        known = self.d["cells"]
        return [dict(row) for key, row in sorted(self.d["rows"].items()) if key[0] == table and known.get(key, "{}") == "{}"]

    def page(self, after, most):
        keys = sorted(key for key, cells in self.d["cells"].items() if key > tuple(after) and cells != "{}")[:most]
        return list(self.load(keys).items())

    def whole(self, after, most, _most_bytes=0):
        told = []
        for key, (row, cells) in self.page(after, most):
            kinds = self.kinds(key[0])
            values = None if row is None else json.dumps({name: row[name] for name, kind in kinds.items() if kind != "local"})
            told.append((key, values, json.dumps(cells)))
        return told

    # a local write, as the triggers see it

    def write(self, changes, *, now_us, txn):
        """Write [(row id, {column: value})] in one transaction and tell the outbox, as triggers would."""
        here = self.d["here"]
        for id_, values in changes:
            before = self.d["rows"].get(("things", id_))
            new = before is None
            row = {**(self.fresh("things") if new else before), "id": id_, **values, "updated_us": now_us}
            if new:
                row["created_us"] = now_us
            old = {} if new else before
            changed = {
                name: row[name] for name, kind in THINGS.items()
                if kind != "local" and name != "id" and (new or row[name] != old[name])
            }  # fmt: skip
            here["hlc"] = max(here["hlc"] + 1, now_us + here["skew_us"])
            self.d["rows"]["things", id_] = row
            self.d["outbox_seq"] += 1
            self.d["outbox"].append({
                "seq": self.d["outbox_seq"], "txn": txn, "table_name": "things", "row_id": id_, "action": "put", "is_new": int(new),
                "fields": changed, "before": {name: old[name] for name in changed if THINGS[name] in _KEEPS and not new},
                "hlc": here["hlc"], "at_us": now_us, "actor": "sim", "cause": "", "intent": "",
            })  # fmt: skip

    # ours

    def here(self):
        return dict(self.d["here"])

    def set_here(self, **values):
        self.d["here"].update(values)

    def outbox(self, most):
        found = list(self.d["outbox"][:most])
        while found and len(self.d["outbox"]) > len(found) and self.d["outbox"][len(found)]["txn"] == found[-1]["txn"]:
            found.append(self.d["outbox"][len(found)])
        return found

    def has_own(self):
        return bool(self.d["outbox"] or self.d["own"])

    def number(self, entries, upto):
        self.d["own"] = sorted([*self.d["own"], *(dict(entry) for entry in entries)], key=lambda row: row["seq"])
        self.d["outbox"] = [row for row in self.d["outbox"] if row["seq"] > upto]

    def own(self, after, most):
        return [row for row in self.d["own"] if row["seq"] > after][:most]

    def own_texts(self, after, most, _most_bytes=0):
        return [row["op"] for row in self.own(after, most)]

    def own_of(self, keys, after):
        keys = set(keys)
        return [row for row in self.d["own"] if row["seq"] > after and (row["table_name"], row["row_id"]) in keys]

    def chain(self, seq):
        return next((row["chain"] for row in self.d["own"] if row["seq"] == seq), None)

    def forget_own(self, upto):
        self.d["own"] = [row for row in self.d["own"] if row["seq"] > upto]

    def drop_own(self, after, upto):
        self.d["own"] = [row for row in self.d["own"] if not after < row["seq"] <= upto]

    def worked_on(self, keys, after, upto):
        on = {(row["table_name"], row["row_id"]) for row in self.d["own"] if after < row["seq"] <= upto}
        return on & set(keys)

    # stamps that are exchanged: (stamps its writer had seen, the time it gets)

    def moved_put(self, seen):
        for at, had in seen.items():
            known, hlc = self.d["moved"].get(at, ([], 0))
            self.d["moved"][at] = ([*known, *(one for one in had if one not in known)], hlc)

    def moved_next(self, after, most):
        return [(at, self.d["moved"][at][0]) for at in sorted(self.d["moved"]) if at > after][:most]

    def moved_set(self, times):
        for at, hlc in times.items():
            self.d["moved"][at] = (self.d["moved"][at][0], hlc)

    def moved_of(self, stamps):
        return {at: self.d["moved"][at][1] for at in set(stamps) if at in self.d["moved"]}

    def moved_top(self):
        return max((at[0] for at in self.d["moved"]), default=0)

    def moved_drop(self, most):
        gone = sorted(self.d["moved"])[:most]
        self.d["moved"] = {at: told for at, told in self.d["moved"].items() if at not in gone}
        return len(gone)

    # plain

    def put(self, table, row):
        held = self.d["plain"].setdefault(table, {})
        fresh = {
            "cursor": 0, "acked": 0, "durable": 0, "epoch": "", "state": {}, "schema": 0, "kind": "", "name": "", "chain": "",
            "seen_us": 0, "device": "",
        }  # fmt: skip
        held[row["id"]] = {**held.get(row["id"], {} if table == "meta" else fresh), **row}

    def get(self, table, id_):
        row = self.d["plain"].get(table, {}).get(id_)
        return dict(row) if row is not None else None

    def all(self, table):
        if table == "sync_later":
            return [dict(row) for row in self.d["later"]]
        return [dict(row) for _, row in sorted(self.d["plain"].get(table, {}).items())]

    def later(self, entries):
        for entry in entries:
            self.d["later"].append({"number": len(self.d["later"]) + 1, **entry})

    def drop_later(self, upto):
        self.d["later"] = [row for row in self.d["later"] if row["number"] > upto]

    # a hub's log

    def lock(self):
        """Nothing runs beside it."""

    def append(self, entries):
        for entry in entries:
            if any(e["replica"] == entry["replica"] and e["seq"] == entry["seq"] for e in self.d["log"]):
                raise Twice(f"{entry['replica']} {entry['seq']}")
            self.d["log_seq"] += 1
            self.d["log"].append({"hub_seq": self.d["log_seq"], **entry})
            self.d["tap"].append((entry["replica"], entry["op"], entry["verdicts"]))

    def log(self, after, most, _most_bytes=0):
        found = [row for row in self.d["log"] if row["hub_seq"] > after]
        cut = found[:most]
        return cut + found[most : most + cut[-1]["left_count"]] if cut else []

    def entries_of(self, table, ids, _most_bytes):
        return [row for row in self.d["log"] if row["table_name"] == table and row["row_id"] in ids]

    def has_written(self, replica):
        return any(row["replica"] == replica for row in self.d["log"])

    def head(self):
        return self.d["log_seq"] if self.d["log"] else 0

    def compact(self, upto, before_us):
        gone = []
        for row in self.d["log"]:
            if row["hub_seq"] > upto or row["at_us"] >= before_us:
                break
            gone.append(row["hub_seq"])
        self.d["log"] = [row for row in self.d["log"] if row["hub_seq"] not in gone]
        return gone[-1] if gone else 0

    def dead(self, before_us, most=5000):
        spoken = {(row["table_name"], row["row_id"]) for row in self.d["log"]}
        return [
            key for key, row in self.d["rows"].items()
            if row.get("deleted_us") is not None and row["deleted_us"] < before_us and key not in spoken
        ][:most]  # fmt: skip
