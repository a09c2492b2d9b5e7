"""The support bundle: the same bytes for the same state, and not one of the secrets that were sown."""

import json
import secrets as random
import zipfile

import tomli_w

from app.engine.base.settings import Settings
from app.engine.observe import bundle, logs
from app.engine.store import audit, rows
from app.wire.pairing import new_code

AT = 1_700_000_000_000_000


def sown(tmp_path):
    """Return secrets of every kind we know of."""
    return {
        "code": new_code(), "hex": random.token_hex(32), "base64": "Zm9v" + random.token_urlsafe(40) + "A1a", "password": "hunter22!",
        "bearer": "abc.DEF-123456", "pem": "MC4CAQAwBQYDK2VwBCIEIHN5", "home": str(tmp_path),
    }  # fmt: skip


async def filled(store, home, secret):
    (home / "identity").mkdir()
    (home / "identity" / "seal.key").write_text("c2VhbCBrZXkgb2YgdGhlIGNvbnNvbGU5")
    (home / logs.FOLDER).mkdir()
    log = f"WARNING {home}/x password={secret['password']} Bearer {secret['bearer']} seal c2VhbCBrZXkgb2YgdGhlIGNvbnNvbGU5\n"
    (home / logs.FOLDER / logs.FILE).write_text(log)
    pem = f"-----BEGIN PRIVATE KEY-----\n{secret['pem']}\n-----END PRIVATE KEY-----"

    def fill(conn):
        error = {"type": "bug", "detail": f"{pem} in {home}/a.txt, key {secret['hex']}"}
        job = {"id": "j1", "kind": "qubo", "title": f"Solve {home}/G1 {secret['base64']}", "state": "failed", "error": error}
        rows.put(conn, "jobs", job, actor="ada@1", cause="", now_us=AT)
        args = {"code": secret["code"], "note": f"said {secret['code']}", "address": f"http://a:{secret['password']}@n"}
        audit.record(conn, at_us=AT, actor="ada@1", command="fleet.pair", args=args, cause="c", outcome="ok")
        node = {"id": "n1", "name": "pump", "certificate": pem, "hardware_profile": {"cpu": 4, "token": secret["hex"]}}
        rows.put(conn, "edge_nodes", node, actor="ada@1", cause="", now_us=AT)

    await store.write(fill)


async def made(store, home, settings):
    told = await store.read(bundle.read_store)
    return bundle.parts(
        home, version="1", at_us=AT, settings=settings, store=told, more={"traces": []}, secrets=bundle.known_secrets(home)
    )


async def test_no_secret_that_was_sown_is_in_the_bundle_and_what_helps_is(store, tmp_path):
    secret = sown(tmp_path)
    await filled(store, tmp_path, secret)
    settings = Settings(tmp_path / "settings.toml", tomli_w.dumps)
    settings.set("user.name", "Ada Lovelace")
    file = tmp_path / "out" / "bundle.zip"
    bundle.write(file, await made(store, tmp_path, settings))
    with zipfile.ZipFile(file) as archive:
        told = "\n".join(archive.read(name).decode() for name in archive.namelist())
        jobs = json.loads(archive.read("jobs.json"))
    leaked = [name for name, text in secret.items() if text in told]
    assert leaked == []
    assert "c2VhbCBrZXkg" not in told
    assert "Ada Lovelace" not in told
    assert jobs[0]["title"].startswith("Solve HOME/G1")
    assert {"fleet.pair", "pump", "view.theme"} <= {word for word in ("fleet.pair", "pump", "view.theme") if word in told}


async def test_the_same_state_gives_the_same_bytes(store, tmp_path):
    await filled(store, tmp_path, sown(tmp_path))
    settings = Settings(tmp_path / "settings.toml", tomli_w.dumps)
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    for file in (first, second):
        assert bundle.write(file, await made(store, tmp_path, settings)) == file.stat().st_size
    assert first.read_bytes() == second.read_bytes()


async def test_names_inside_stand_in_order_and_carry_one_date(store, tmp_path):
    bundle.write(tmp_path / "b.zip", await made(store, tmp_path, Settings(tmp_path / "settings.toml", tomli_w.dumps)))
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
