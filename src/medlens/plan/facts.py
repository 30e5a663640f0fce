"""What the rules of the plan look at."""

from __future__ import annotations

from dataclasses import dataclass

from medlens.recipe.settings import Form, Kind


@dataclass(frozen=True)
class Facts:
    """A data set and a machine in numbers.

    Attributes:
        kind, labels, positive: the task.
        train, validation, test: cases in each split.
        label_counts: training cases of each label.
        modality: "CT", "MR", "DX", … or "" when nothing says.
        is_colour: more than a few images really have colour.
        bits: significant bits of most stored values.
        is_rescaled: values are in a physical unit (HU).
        height, width: median size in pixels.
        aspect: median of width / height.
        border: median share of empty border.
        form: what is learned; "volume" leaves it to the plan how whole volumes
            are read.
        is_cross_section: whether images are slices through a body (CT, MR, PET), as
            far as headers or the columns of a table say.
        depth: median number of slices.
        spacing: median mm between voxels along D, H, W; () where uncalibrated.
        mask_values: of each label in the mask files.
        slices_labelled: whether slices have labels of their own.
        seconds: what the whole run may take.
        seconds_used: what it has taken so far.
        audit_rate: seconds it took to read one image once.
        memory_mb: what the process may use.
        cores: that it may use.
        has_bf16: whether the processor multiplies bfloat16 natively.
        seed: given by the user.
    """

    kind: Kind
    labels: tuple[str, ...]
    positive: str
    train: int
    validation: int
    test: int
    label_counts: tuple[int, ...]
    modality: str = ""
    is_colour: bool = False
    bits: int = 8
    is_rescaled: bool = False
    height: int = 224
    width: int = 224
    aspect: float = 1.0
    border: float = 0.0
    form: Form = "image"
    is_cross_section: bool = False
    depth: int = 1
    spacing: tuple[float, ...] = ()
    mask_values: tuple[int, ...] = ()
    slices_labelled: bool = False
    seconds: float = 600.0
    seconds_used: float = 0.0
    audit_rate: float = 0.01
    memory_mb: int = 4096
    cores: int = 2
    has_bf16: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Choice:
    """One decision of the plan, as printed and as kept in the recipe.

    Attributes:
        key: recipe key that it sets ("net.name").
        choice: the value in words.
        reason: why, in one sentence.
    """

    key: str
    choice: str
    reason: str
