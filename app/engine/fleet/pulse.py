"""When each node was last heard and whether the last try failed: what the health of a node is judged from."""

from app.engine.fleet.health import Health, Limits, judge


class Pulse:
    """Times are seconds on the caller's monotonic clock; nothing here asks for the time."""

    def __init__(self) -> None:
        self._heard_s: dict[str, float] = {}
        self._failed: set[str] = set()
        self._vouched_s: dict[str, float] = {}

    def heard(self, node_id: str, at_s: float) -> None:
        """Note that a node answered."""
        self._heard_s[node_id] = at_s
        self._failed.discard(node_id)

    def failed(self, node_id: str) -> None:
        """Note that the last try to reach a node failed."""
        self._failed.add(node_id)

    def vouched(self, node_id: str, at_s: float) -> None:
        """Note that a neighbour reached a node."""
        self._vouched_s[node_id] = max(at_s, self._vouched_s.get(node_id, at_s))

    def forget(self, node_id: str) -> None:
        """Know nothing of a node any more."""
        self._heard_s.pop(node_id, None)
        self._vouched_s.pop(node_id, None)
        self._failed.discard(node_id)

    def health(self, node_id: str, state: Health, limits: Limits, now_s: float) -> Health:
        """Return the health of a node whose health was `state`."""
        heard_s = self._heard_s.get(node_id)
        silence_s = None if heard_s is None else max(0.0, now_s - heard_s)
        told_s = self._vouched_s.get(node_id)
        vouched_s = None if told_s is None else max(0.0, now_s - told_s)
        return judge(state, silence_s, limits, failed=node_id in self._failed, vouched_s=vouched_s)
