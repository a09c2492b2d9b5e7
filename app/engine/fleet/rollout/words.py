"""The words for the states of rollouts, groups and nodes, in the reader's language; data and `--json` keep the terms."""

from app.engine.base.text import tr


def words() -> dict[str, str]:
    """Return the word for every state of the three machines, and for a node that is away."""
    return {**_of_rollouts(), **_of_nodes()}


def word_of(state: str) -> str:
    """Return the word for `state`; one that is not known here stands for itself."""
    return words().get(state, state.replace("_", " "))


def _of_rollouts() -> dict[str, str]:
    return {
        "creating": tr("being made"), "ready": tr("ready"), "waiting_for_approval": tr("waiting for approval"),
        "approval_denied": tr("approval denied"), "starting": tr("starting"), "running": tr("running"), "paused": tr("paused"),
        "finished": tr("finished"), "stopping": tr("stopping"), "stopped": tr("stopped"), "deleting": tr("being deleted"),
        "deleted": tr("deleted"), "scheduled": tr("scheduled"), "error": tr("error"),
    }  # fmt: skip


def _of_nodes() -> dict[str, str]:
    return {
        "queued": tr("queued"), "notified": tr("notified"), "downloading": tr("downloading"),
        "download_paused": tr("download paused"), "downloaded": tr("downloaded"),
        "wait_confirmation": tr("waits for a person"), "wait_window": tr("waits for its window"), "verifying": tr("verifying"),
        "installing": tr("installing"), "warming": tr("warming up"), "activated": tr("activated"),
        "committing": tr("committing"), "succeeded": tr("succeeded"), "already_installed": tr("had it already"),
        "no_artifact": tr("no artifact"), "failed": tr("failed"), "rejected": tr("rejected"), "timed_out": tr("timed out"),
        "rolling_back": tr("going back"), "rolled_back": tr("went back"), "rollback_failed": tr("could not go back"),
        "unknown": tr("unknown"), "canceling": tr("canceling"), "canceled": tr("canceled"),
        "cancel_rejected": tr("cancel rejected"), "removed": tr("removed"), "decommissioned": tr("out of service"),
        "offline": tr("offline"), "maintenance": tr("maintenance"),
    }  # fmt: skip
