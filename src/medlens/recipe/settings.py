"""Every setting of a run, typed; one place for each default.

A recipe holds names and numbers only. `prep/pipeline.py` and `nets/build.py`
turn them into functions and networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["binary", "multiclass", "multilabel"]
Form = Literal["image", "sequence", "volume", "segment"]
SCHEMA = "medlens/recipe/1"


@dataclass(frozen=True)
class Step:
    """One named step of preparation or augmentation with its parameters."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskSettings:
    """What is to be told apart.

    Attributes:
        kind: binary, multiclass (one label a case) or multilabel.
        labels: names in the order of every output; where voxels are labelled the
            first is the background.
        positive: the label that sensitivity is about (binary only).
        form: what the network looks at and answers. "image": single images, one
            answer each. "sequence": the slices of a series in order, an answer
            per slice and per series. "volume": a whole volume, one answer.
            "segment": a label for each voxel of an image or volume.
        mask_values: the value that stands for each label in the mask files, in
            the order of `labels` (segment only).
    """

    kind: Kind = "binary"
    labels: tuple[str, ...] = ()
    positive: str = ""
    form: Form = "image"
    mask_values: tuple[int, ...] = ()


@dataclass(frozen=True)
class SplitSettings:
    """How cases are dealt to train, validation and test.

    Attributes:
        validation, test: shares of the groups, 0..0.5.
        folds: cross-fitting folds for calibration on small data; 0 for none.
        seed: seed of the deal.
    """

    validation: float = 0.15
    test: float = 0.2
    folds: int = 0
    seed: int = 0


@dataclass(frozen=True)
class PrepSettings:
    """Source image → network input, the same in training and in service.

    Attributes:
        steps: applied in order; names are those of `medlens.prep`.
        cache_bits: depth of the prepared training cache on disk, 8 or 16.
    """

    steps: tuple[Step, ...] = ()
    cache_bits: int = 8


@dataclass(frozen=True)
class AugmentSettings:
    """Random changes of training images; names are those of `medlens.prep`."""

    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class NetSettings:
    """Which network.

    Attributes:
        name: a key of `medlens.nets`.
        pretrained: "imagenet", "" for none, or a path to a state dict.
        channels: input channels; 1 or 3 with ImageNet weights.
        depth, height, width: input size in voxels. For "segment" the patch that
            is seen at once, depth 1 for a 2D network; for "sequence" the slices
            of one step of training; 1 for "image".
        spacing: mm between voxels of the input along D, H, W; () where the
            images carry none.
        context: neighbouring slices on either side shown as further channels
            (2.5D, segment only); the network then takes channels · (2·context + 1).
        reader: what reads the slices in order (sequence only): "lstm", "gru", or
            "none" where each slice is judged alone.
        hidden: width of the reader in each direction.
        dropout: probability before the classifier, 0..0.9.
    """

    name: str = "efficientnet_lite0"
    pretrained: str = "imagenet"
    channels: int = 1
    height: int = 224
    width: int = 224
    dropout: float = 0.2
    depth: int = 1
    spacing: tuple[float, ...] = ()
    context: int = 0
    reader: Literal["lstm", "gru", "none"] = "lstm"
    hidden: int = 128


@dataclass(frozen=True)
class TrainSettings:
    """How the network learns.

    Attributes:
        path: "fine_tune" (all weights), "frozen" (features fixed, linear
            head) or "scratch".
        epochs, steps: length; `steps` is what the loop obeys.
        batch_size: cases a step.
        learning_rate: peak of the one-cycle schedule.
        head_rate: factor on the learning rate of a fresh classifier; of a network
            over slices, of all that stands behind its body.
        weight_decay: AdamW's, not applied to biases and norms.
        warmup: share of the steps in which the rate rises, 0..0.5.
        ema: decay of the weight average that is shipped; 0 for none.
        label_smoothing: 0..0.3.
        mixup: a of the Beta(a, a) that blends two cases, 0..2; 0 for none.
        balance: power of the inverse class frequency used as loss weight;
            0 treats cases alike, 1 treats classes alike.
        group_power: a group of copies or a patient's images has a share of the
            steps that grows with its size to this power; 1 treats cases
            alike, 0 treats groups alike.
        foreground: share of the patches that are laid around a labelled voxel
            (segment only).
        graft: share of the patches into which the labelled region of another case
            is grown; see `train.graft` (segment in 2D only).
        patience: epochs without a better validation loss before stopping;
            0 never stops early.
        precision: "fp32" or "bf16".
        seed: seed of weights, order and augmentation.
        threads: CPU threads; part of the recipe because the order of sums,
            and so the last bit of the weights, depends on it.
    """

    path: Literal["fine_tune", "frozen", "scratch"] = "fine_tune"
    epochs: int = 8
    steps: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3
    head_rate: float = 1.0
    weight_decay: float = 0.02
    warmup: float = 0.2
    ema: float = 0.99
    label_smoothing: float = 0.0
    mixup: float = 0.0
    balance: float = 0.5
    group_power: float = 1.0
    foreground: float = 0.5
    graft: float = 0.0
    patience: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True)
class CalibrateSettings:
    """How logits become probabilities and decisions, on validation cases.

    Attributes:
        method: "temperature", "vector" or "none".
        operating_point: rule that picks the threshold: "youden",
            "sensitivity>=0.95", "specificity>=0.95" or "accuracy".
        coverage: of the conformal prediction sets, 0..1.
        false_alarms: share of validation cases flagged as unlike training.
    """

    method: Literal["temperature", "vector", "none"] = "temperature"
    operating_point: str = "youden"
    coverage: float = 0.9
    false_alarms: float = 0.01


@dataclass(frozen=True)
class SlidingSettings:
    """How the patches of a large volume are answered and joined (segment only).

    Attributes:
        overlap: share of a patch that the next one covers again, 0..0.9.
        batch: patches in one call of the network.
        mirror: axes (0 D, 1 H, 2 W) along which patches are shown flipped as
            well; each doubles the time.
        precision: of the answers being blended; "float16" halves them.
        memory_mb: what predicting may hold, in units of 10^6 bytes.
    """

    overlap: float = 0.5
    batch: int = 1
    mirror: tuple[int, ...] = ()
    precision: Literal["float32", "float16"] = "float32"
    memory_mb: float = 2000.0


@dataclass(frozen=True)
class ExportSettings:
    """What the bundle is made ready for.

    Attributes:
        engines: faster engines to try, "openvino" and "int8"; each is offered
            only if its validation AUROC moves by less than 0.002.
    """

    engines: tuple[Literal["openvino", "int8"], ...] = ("openvino", "int8")


@dataclass(frozen=True)
class BudgetSettings:
    """What the plan may spend.

    Attributes:
        seconds: wall-clock of the whole run.
        memory_mb: largest resident memory the plan aims for.
    """

    seconds: float = 600.0
    memory_mb: int = 4096


@dataclass(frozen=True)
class Recipe:
    """The whole recipe; saved beside each result."""

    schema: str = SCHEMA
    task: TaskSettings = field(default_factory=TaskSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    prep: PrepSettings = field(default_factory=PrepSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    net: NetSettings = field(default_factory=NetSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    calibrate: CalibrateSettings = field(default_factory=CalibrateSettings)
    sliding: SlidingSettings = field(default_factory=SlidingSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
