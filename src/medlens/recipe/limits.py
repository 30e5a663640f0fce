"""What the numbers of a recipe may be."""

from __future__ import annotations

from medlens.core import RecipeError
from medlens.metrics.operating import parse_rule
from medlens.recipe.settings import Recipe

# key → (lowest, highest), both allowed
LIMITS: dict[str, tuple[float, float]] = {
    "split.validation": (0.01, 0.5),
    "split.test": (0.0, 0.5),
    "split.folds": (0, 20),
    "split.seed": (0, 2**31 - 1),
    "net.channels": (1, 16),
    "net.depth": (1, 1024),
    "net.context": (0, 5),
    "net.hidden": (8, 1024),
    "net.height": (16, 2048),
    "net.width": (16, 2048),
    "net.dropout": (0.0, 0.9),
    "train.epochs": (1, 10_000),
    "train.steps": (0, 100_000_000),
    "train.batch_size": (2, 4096),
    "train.learning_rate": (1e-8, 10.0),
    "train.head_rate": (0.01, 1000.0),
    "train.weight_decay": (0.0, 1.0),
    "train.warmup": (0.0, 0.5),
    "train.ema": (0.0, 0.99999),
    "train.label_smoothing": (0.0, 0.3),
    "train.mixup": (0.0, 2.0),
    "train.group_power": (0.0, 1.0),
    "train.foreground": (0.0, 1.0),
    "train.graft": (0.0, 1.0),
    "train.balance": (0.0, 1.0),
    "train.patience": (0, 10_000),
    "train.seed": (0, 2**31 - 1),
    "train.threads": (1, 256),
    "calibrate.coverage": (0.5, 0.999),
    "calibrate.false_alarms": (0.0001, 0.5),
    "sliding.overlap": (0.0, 0.9),
    "sliding.batch": (1, 256),
    "sliding.memory_mb": (200.0, 1e7),
    "budget.seconds": (1.0, 1e7),
    "budget.memory_mb": (64, 10_000_000),
}
CACHE_BITS = (8, 16)
MAX_LABELS = 1000
MAX_HELD_BACK = 0.9  # something must be left to learn from


def check_limits(recipe: Recipe, *, name: str = "recipe") -> None:
    """Hold every number of the recipe against its limits.

    Raises:
        RecipeError: names the key, the value and the range.
    """
    for key, (lowest, highest) in LIMITS.items():
        section, field = key.split(".")
        value = getattr(getattr(recipe, section), field)
        if not lowest <= value <= highest:  # NaN is in no range
            raise RecipeError(
                f"{name}: {key} is {_shown(value)}; "
                f"wanted {lowest:.12g} to {highest:.12g}"
            )
    _check_forms(recipe, name)
    if recipe.prep.cache_bits not in CACHE_BITS:
        raise RecipeError(
            f"{name}: prep.cache_bits is {recipe.prep.cache_bits}; wanted 8 or 16"
        )
    if recipe.split.validation + recipe.split.test > MAX_HELD_BACK:
        raise RecipeError(
            f"{name}: split.validation and split.test hold back "
            f"{recipe.split.validation + recipe.split.test:.4g} of the data; wanted at "
            f"most {MAX_HELD_BACK:g} together: lower one of them"
        )
    try:
        # Now, and not after training, when the threshold is to be fitted.
        parse_rule(recipe.calibrate.operating_point)
    except RecipeError as error:
        raise RecipeError(f"{name}: calibrate.operating_point: {error}") from error
    labels = recipe.task.labels
    if len(labels) > MAX_LABELS:
        raise RecipeError(
            f"{name}: task.labels has {len(labels)} names; wanted at most {MAX_LABELS}"
        )
    if len(set(labels)) != len(labels):
        raise RecipeError(f"{name}: task.labels names a label twice; wanted each once")
    if recipe.task.kind == "binary" and labels and len(labels) != 2:
        raise RecipeError(
            f"{name}: task.labels has {len(labels)} names; "
            "a binary task has 2: set task.kind to 'multiclass' or 'multilabel'"
        )
    if recipe.task.positive and labels and recipe.task.positive not in labels:
        raise RecipeError(
            f"{name}: task.positive is {recipe.task.positive!r:.80}; wanted one of "
            f"task.labels ({', '.join(labels)})"
        )


def _check_forms(recipe: Recipe, name: str) -> None:
    """Settings of series, volumes and masks that are more than one number."""
    spacing = recipe.net.spacing
    if spacing and not (len(spacing) == 3 and all(0.01 <= mm <= 100 for mm in spacing)):
        raise RecipeError(
            f"{name}: net.spacing is {list(spacing)!s:.80}; wanted [] or three numbers "
            "of 0.01 to 100 mm in the order D, H, W"
        )
    mirror = recipe.sliding.mirror
    if len(set(mirror)) != len(mirror) or set(mirror) - {0, 1, 2}:
        raise RecipeError(
            f"{name}: sliding.mirror is {list(mirror)!s:.80}; wanted each of 0 (D), "
            "1 (H) and 2 (W) at most once"
        )
    values, labels = recipe.task.mask_values, recipe.task.labels
    if recipe.task.form == "segment" and labels and len(values) != len(labels):
        raise RecipeError(
            f"{name}: task.mask_values has {len(values)} numbers for {len(labels)} "
            "labels; wanted the value of each label in the mask files"
        )
    if len(set(values)) != len(values):
        raise RecipeError(
            f"{name}: task.mask_values names a value twice; wanted each once"
        )


def _shown(value: float) -> str:
    # A whole number of hundreds of digits does not fit a float.
    return f"{value:.12g}" if abs(value) < 1e18 else "far out of range"
