"""Logits → probabilities that mean what they say.

Temperature scaling and its per-label form (Guo et al. 2017), fitted by log loss
on validation logits with a weak prior, so that a small or perfectly separated
validation split cannot drive the temperature to 0 or infinity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from medlens.core import Array, BundleError, UsageError
from medlens.metrics.fields import freeze, read_object, read_text, read_vector

Kind = Literal["binary", "multiclass", "multilabel"]
Method = Literal["temperature", "vector", "none"]
KINDS: tuple[Kind, ...] = ("binary", "multiclass", "multilabel")
MAX_SCALE, MAX_BIAS = 100.0, 100.0
_TEMPERATURE_SPREAD = 0.5
"""Prior standard deviation of the log temperature: a factor of 1.65. It costs 2.4
nats at a temperature of 3, nothing against the log loss of 100 cases."""
_SCALE_SPREAD, _BIAS_SPREAD = 0.25, 1.0
"""Prior of the per-label scale around the temperature, and of the bias around 0."""


@dataclass(frozen=True)
class Calibration:
    """scale × logits + bias, then softmax or sigmoid.

    Attributes:
        scale: (K,) above 0; 1 / temperature.
        bias: (K,).
        kind: "binary" and "multiclass" take the softmax over K labels,
            "multilabel" a sigmoid for each.
    """

    scale: Array
    bias: Array
    kind: Kind

    def __post_init__(self) -> None:
        scale = np.array(self.scale, dtype=np.float64)
        bias = np.array(self.bias, dtype=np.float64)
        if scale.ndim != 1 or scale.shape != bias.shape or not len(scale):
            raise BundleError(
                f"calibration: scale {scale.shape} and bias {bias.shape}; wanted "
                "two vectors with one number a label"
            )
        if not (np.isfinite(scale).all() and np.isfinite(bias).all()):
            raise BundleError("calibration: scale and bias must be finite")
        if not (scale > 0).all():
            raise BundleError("calibration: scale must be above 0")
        if self.kind not in KINDS:
            raise BundleError(
                f"calibration: kind {self.kind!r}; wanted {', '.join(KINDS)}"
            )
        object.__setattr__(self, "scale", freeze(scale))
        object.__setattr__(self, "bias", freeze(bias))

    @classmethod
    def identity(cls, labels: int, *, kind: Kind) -> Calibration:
        """Calibration that changes nothing: plain softmax or sigmoid."""
        return cls(np.ones(labels), np.zeros(labels), kind)

    def probabilities(self, logits: Array) -> Array:
        """Calibrated probabilities, float64, of (..., K) logits.

        Raises:
            BundleError: another number of labels, or logits that are not finite.
        """
        logits = np.asarray(logits, dtype=np.float64)
        if logits.ndim == 0 or logits.shape[-1] != len(self.scale):
            raise BundleError(
                f"calibration: logits of shape {logits.shape}, wanted "
                f"{len(self.scale)} labels on the last axis"
            )
        if not np.isfinite(logits).all():
            raise BundleError(
                "calibration: a logit is not finite; the model or its input is broken"
            )
        return activate(logits * self.scale + self.bias, kind=self.kind)

    def to_json(self) -> dict[str, Any]:
        """JSON object for `bundle.json`."""
        return {
            "kind": self.kind,
            "scale": [float(value) for value in self.scale],
            "bias": [float(value) for value in self.bias],
        }

    @classmethod
    def from_json(cls, data: object) -> Calibration:
        """Calibration from a parsed JSON object, checked.

        Raises:
            BundleError: keys, types, lengths or ranges are wrong.
        """
        where = "calibration"
        entry = read_object(data, where=where, keys=("kind", "scale", "bias"))
        read_text(entry["kind"], where=f"{where}.kind", one_of=KINDS)
        return cls(
            scale=read_vector(
                entry["scale"], where=f"{where}.scale", low=1e-6, high=MAX_SCALE
            ),
            bias=read_vector(
                entry["bias"], where=f"{where}.bias", low=-MAX_BIAS, high=MAX_BIAS
            ),
            kind=entry["kind"],
        )


def activate(logits: Array, *, kind: Kind) -> Array:
    """Softmax over the last axis, or sigmoid for multi-label; never overflows."""
    if kind == "multilabel":
        small = np.exp(-np.abs(logits))
        return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result


def fit_calibration(
    logits: Array, targets: Array, *, kind: Kind, method: Method = "temperature"
) -> Calibration:
    """Calibration with the smallest log loss on validation cases.

    Args:
        logits: (n, K) finite, from cases that the network did not learn from.
        targets: (n, K) of 1, 0 and -1 (not read, left out).
        kind: see `Calibration`.
        method: "temperature" (one number for all labels), "vector" (a scale
            and a bias for each label, drawn towards the temperature) or
            "none".

    Raises:
        UsageError: shapes differ, the method is unknown or nothing is labelled.
    """
    logits, targets = _read_validation(logits, targets, kind=kind)
    labels = logits.shape[1]
    if method == "none":
        return Calibration.identity(labels, kind=kind)
    if method not in ("temperature", "vector"):
        raise UsageError(
            f"calibration method {method!r}: wanted temperature, vector or none"
        )
    log_scale = _fit_temperature(logits, targets, kind=kind)
    if method == "temperature":
        return Calibration(np.full(labels, np.exp(log_scale)), np.zeros(labels), kind)
    return _fit_vector(logits, targets, kind=kind, start=log_scale)


def tempered_loss(logits: Array, targets: Array, *, kind: Kind) -> float:
    """Mean log loss in nats at the temperature that `fit_calibration` would give.

    So answers that differ in sharpness can be held against each other.

    Args:
        logits, targets, kind: as for `fit_calibration`.

    Raises:
        UsageError: shapes differ or nothing is labelled.
    """
    logits, targets = _read_validation(logits, targets, kind=kind)
    scale = np.exp(_fit_temperature(logits, targets, kind=kind))
    loss, _ = _loss(logits * scale, targets, kind=kind)
    counted = (targets >= 0).sum() if kind == "multilabel" else len(targets)
    return loss / int(counted)


def _read_validation(
    logits: Array, targets: Array, *, kind: Kind
) -> tuple[Array, Array]:
    """Checked arrays of the cases that calibration can learn from."""
    logits, targets = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    if logits.ndim != 2 or logits.shape != targets.shape:
        raise UsageError(
            f"calibration: logits {logits.shape} and targets {targets.shape}; "
            "wanted (cases, labels) for both"
        )
    if not np.isfinite(logits).all():
        raise UsageError("calibration: a validation logit is not finite")
    if kind != "multilabel":
        known = (targets >= 0).all(axis=1)
        logits, targets = logits[known], targets[known]
        if not (targets.sum(axis=1) == 1).all():
            raise UsageError(f"calibration: a {kind} case needs exactly one label")
    if not (targets >= 0).any():
        raise UsageError("calibration: no labelled validation case; wanted some")
    return logits, targets


def _loss(logits: Array, targets: Array, *, kind: Kind) -> tuple[float, Array]:
    """Summed log loss of (n, K) logits and its gradient with respect to them."""
    known = targets >= 0
    residuals = np.where(known, activate(logits, kind=kind) - targets, 0.0)
    if kind == "multilabel":
        # log(1 + e^z) - y z, written so that neither side overflows.
        losses = np.logaddexp(0, logits) - np.where(known, targets, 0) * logits
        return float(losses[known].sum()), residuals
    top = logits.max(axis=1, keepdims=True)
    normaliser = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    return float((normaliser - (logits * targets).sum(axis=1)).sum()), residuals


def _fit_temperature(logits: Array, targets: Array, *, kind: Kind) -> float:
    """Log of the shared scale that minimises log loss plus prior."""
    from scipy.optimize import minimize_scalar

    def objective(log_scale: float) -> float:
        loss, _ = _loss(logits * np.exp(log_scale), targets, kind=kind)
        return loss + 0.5 * (log_scale / _TEMPERATURE_SPREAD) ** 2

    # 1/20 .. 20: beyond it the network is broken, not miscalibrated.
    found = minimize_scalar(objective, bounds=(-3.0, 3.0), method="bounded")
    return float(found.x)


def _fit_vector(
    logits: Array, targets: Array, *, kind: Kind, start: float
) -> Calibration:
    """Scale and bias of each label, drawn towards the shared temperature."""
    from scipy.optimize import minimize

    labels = logits.shape[1]

    def objective(point: Array) -> tuple[float, Array]:
        log_scale, bias = point[:labels], point[labels:]
        scale = np.exp(log_scale)
        loss, residuals = _loss(logits * scale + bias, targets, kind=kind)
        offset = (log_scale - start) / _SCALE_SPREAD
        pull = bias / _BIAS_SPREAD
        gradient = np.r_[
            (residuals * logits).sum(axis=0) * scale + offset / _SCALE_SPREAD,
            residuals.sum(axis=0) + pull / _BIAS_SPREAD,
        ]
        return loss + 0.5 * float(offset @ offset + pull @ pull), gradient

    bounds = [(-4.0, 4.0)] * labels + [(-20.0, 20.0)] * labels
    first = np.r_[np.full(labels, start), np.zeros(labels)]
    found = minimize(objective, first, jac=True, bounds=bounds, method="L-BFGS-B")
    return Calibration(np.exp(found.x[:labels]), found.x[labels:], kind)
