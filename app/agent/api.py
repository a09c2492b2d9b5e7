"""What an agent answers: the `/v1` routes, each a few lines over the node's parts."""

import re
from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from app.agent.desk import Desk
from app.agent.gate import Asked, Rule, json_response
from app.agent.node import Node
from app.agent.rounds import Update
from app.agent.shelf import span_of
from app.agent.twin import merge_patch
from app.engine.base.errors import BadInput, Conflict
from app.wire import limits, signing
from app.wire.documents import parse_object

_TENSORS = "application/octet-stream"


class Api:
    """The answers of one node; `rules` is the table that the gate reads."""

    def __init__(self, node: Node, desk: Desk, show_status: Callable[[], None] | None = None) -> None:
        self._node, self._desk, self._show_status = node, desk, show_status

    def rules(self) -> tuple[Rule, ...]:
        """Return every route, with what it demands."""
        small, tensors, chunk = limits.DOCUMENT_BYTES, limits.TENSOR_BYTES, limits.CHUNK_BYTES
        return (
            Rule("POST", "/v1/pair", self._pair, limits.PAIRING_BYTES, unpaired=True),
            Rule("DELETE", "/v1/pair", self._unpair, signed=True),
            Rule("GET", "/v1/status", self._status),
            Rule("GET", "/v1/inventory", self._inventory),
            Rule("GET", "/v1/telemetry", self._telemetry),
            Rule("GET", "/v1/twin", self._twin),
            Rule("PATCH", "/v1/twin", self._patch_twin, small, signed=True),
            Rule("PUT", "/v1/artifacts/{artifact}", self._artifact, chunk, signed=True),
            Rule("POST", "/v1/models/{name}/{verb}", self._model, small, signed=True),
            Rule("POST", "/v1/infer/{name}", self._infer, tensors),
            Rule("POST", "/v1/rounds/{name}/train", self._train, tensors, signed=True),
            Rule("GET", "/v1/rounds/{name}/update", self._update),
        )

    async def _pair(self, asked: Asked) -> Response:
        return json_response(await self._desk.answer(parse_object(asked.body)))

    async def _unpair(self, asked: Asked) -> Response:
        if asked.console is not None:
            await self._node.unpin(asked.console)
        if not self._node.paired:
            self._desk.open()
        return json_response({"schema": 1, "paired": False})

    async def _status(self, _asked: Asked) -> Response:
        return json_response(self._node.status().to_json())

    async def _inventory(self, _asked: Asked) -> Response:
        node = self._node
        found = await node.disk.do(node.machine.inventory, node.device, node.options.name, node.wanted.labels)
        return json_response(found.to_json())

    async def _telemetry(self, asked: Asked) -> Response:
        epoch = asked.request.query_params.get("epoch", "")
        after = _whole(asked, "after", 0, 1 << 62)
        limit = _whole(asked, "limit", limits.PAGE_ITEMS, limits.PAGE_ITEMS)
        page = await self._node.page(epoch or self._node.spool.epoch, after, max(limit, 1), _wait(asked))
        if asked.request.query_params.get("status") == "1":
            page = replace(page, status=self._node.status())
        return json_response(page.to_json())

    async def _twin(self, _asked: Asked) -> Response:
        return self._told_twin()

    async def _patch_twin(self, asked: Asked) -> Response:
        match = re.fullmatch(r'"?(\d{1,15})"?', asked.request.headers.get("if-match", ""))
        if match is None:
            raise BadInput("A change of desired state needs If-Match with its version", field="If-Match")
        patch, node = parse_object(asked.body), self._node
        if int(match[1]) != node.twin_version:
            raise Conflict("The desired state is at version {version} by now", version=node.twin_version, hint="Read it again.")
        await node.set_desired(node.twin_version + 1, merge_patch(node.desired, patch))
        return self._told_twin()

    def _told_twin(self) -> Response:
        response = json_response(self._node.twin())
        response.headers["etag"] = f'"{self._node.twin_version}"'
        return response

    async def _artifact(self, asked: Asked) -> Response:
        span = span_of(asked.request.headers.get("content-range"), len(asked.body))
        taken = await self._node.files.do(self._node.shelf.take, asked.parts["artifact"], span, asked.body)
        return json_response(taken, 200 if taken["complete"] else 202)

    async def _model(self, asked: Asked) -> Response:
        document = parse_object(asked.body) if asked.body else {}
        intake = self._node.intake
        return json_response(await self._node.files.do(intake.change, asked.parts["name"], asked.parts["verb"], document))

    async def _infer(self, asked: Asked) -> Response:
        return Response(await self._node.serving.infer(asked.parts["name"], asked.body), media_type=_TENSORS)

    async def _train(self, asked: Asked) -> Response:
        told, name, wait_s = asked.request.query_params, asked.parts["name"], _wait(asked)
        client, since = (_whole(asked, key, 0, 1 << 32) if key in told else None for key in ("client", "since"))
        self._node.rounds.begin(name, asked.body, asked.digest, client, since)
        update = await self._node.rounds.update(name, wait_s) if wait_s else None
        if update is None:
            return json_response({"schema": 1, "round": name, "state": "training"}, 202)
        return self._told(asked, update)

    async def _update(self, asked: Asked) -> Response:
        update = await self._node.rounds.update(asked.parts["name"], _wait(asked))
        return Response(status_code=204) if update is None else self._told(asked, update)

    def _told(self, asked: Asked, update: Update) -> Response:
        """Return an update, or what is wanted of it, signed as what stands at its place for whoever asks."""
        node, console = self._node, asked.console.device_id if asked.console else ""
        expiry_us = node.clock.now_us() + signing.DEFAULT_LIFE_US
        path, tag, size = f"/v1/rounds/{asked.parts['name']}/update", f'"{update.digest}"', len(update.body)
        header = signing.sign(node.identity, method="GET", target=path, digest=update.digest, node=console, expiry_us=expiry_us)
        headers = {signing.HEADER: header, "ETag": tag, "Accept-Ranges": "bytes"}
        first = _from(asked, tag)
        if not 0 < first < size:
            return Response(update.body, media_type=_TENSORS, headers=headers)
        headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        return Response(update.body[first:], 206, media_type=_TENSORS, headers=headers)


def _from(asked: Asked, tag: str) -> int:
    """Return the byte from which on a request wants what `tag` names; 0 for all of it."""
    headers = asked.request.headers
    span = re.fullmatch(r"bytes=(\d{1,15})-", headers.get("range", ""))
    return int(span[1]) if span and headers.get("if-range") == tag else 0


def _whole(asked: Asked, name: str, default: int, most: int) -> int:
    text = asked.request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadInput("{name} must be a whole number", name=name, field=name)
    return min(int(text), most)


def _wait(asked: Asked) -> float:
    text = asked.request.query_params.get("wait", "0")
    try:
        wait_s = float(text)
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s < 1e6:
        raise BadInput("wait must be a time in seconds", field="wait")
    return min(wait_s, limits.WAIT_S)
