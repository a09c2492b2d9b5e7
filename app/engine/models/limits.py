"""Whether a smaller model may take the place of the one it was made of, judged from a trial of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.engine.base.errors import Refused
from app.engine.base.units import number_text, ratio_text


@dataclass(frozen=True)
class Limits:
    """What a smaller model may cost: loss of accuracy (or of agreement where no labels are known), and growth of latency."""

    loss_most: float = 0.02
    latency_ratio_most: float = 1.0


def check_trial(told: Mapping[str, Any], limits: Limits) -> None:
    """Raise `Refused` that tells the figures when a trial does not hold."""
    before, after = told.get("accuracy_before"), told.get("accuracy_after")
    loss = before - after if before is not None and after is not None else 1.0 - told["agreement_ratio"]
    if loss > limits.loss_most:
        lost, most = ratio_text(loss, ".2f"), ratio_text(limits.loss_most, "g")
        raise Refused(
            "It loses {loss} of its answers, {most} is allowed", loss=lost, most=most, field="loss_most",
            hint="Calibrate with better rows, or allow more.",
        )  # fmt: skip
    ratio = told["latency_after_s"] / told["latency_before_s"]
    if limits.latency_ratio_most and ratio > limits.latency_ratio_most:
        raise Refused(
            "It is {ratio} times as slow as before, {most} is allowed", ratio=number_text(ratio, ".2f"),
            most=number_text(limits.latency_ratio_most, "g"), field="latency_ratio_most",
            hint="A small model gains nothing from int8. Allow more if size is what counts.",
        )  # fmt: skip
