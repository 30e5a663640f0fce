"""A CT from DICOM to a mask: memory, time outside the network, and MONAI beside it.

    python -m benchmarks.volumes [--slices 120] [--large] [--monai] [--full]

A CT of 512×512 slices is written as DICOM, one file a slice, and a bundle is made of
an untrained U-Net ("unet_half" in 3D, three CT windows, resampled to 2×1×1 mm). Then,
in processes of their own:

- share: what one prediction takes outside the network, stage by stage. The whole way is
  walked with a network that costs nothing, and one patch of the U-Net is timed; with
  --full the U-Net itself walks it.
- --large: the largest resident memory on 800 slices, with the network that costs
  nothing and the largest patch's own memory measured beside it; `benchmarks.whole`
  walks it with the planned network.
- --monai: seconds against `monai.inferers.sliding_window_inference` with the same net
  in torch, in turns, on a smaller volume.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep, median_seconds

SIDE, SEED, THREADS = 512, 0, 2
PATCH = (32, 128, 128)
LABELS = ("background", "soft", "bone")
SPACING = (2.0, 1.0, 1.0)
SMALL = (64, 192, 192)


def write_ct(folder: Path, slices: int) -> None:
    """A body with bones and noise, as a scanner writes it."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    body, bone = x**2 / 1.4 + y**2 < 210**2, (x - 60) ** 2 + y**2 < 30**2
    uid = generate_uid()
    for d in range(slices):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        data.SOPInstanceUID = generate_uid()
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.Modality, data.SeriesInstanceUID = "CT", uid
        data.StudyInstanceUID, data.InstanceNumber = uid, d + 1
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Rows = data.Columns = SIDE
        data.PixelSpacing, data.SliceThickness = ["0.75", "0.75"], "1.5"
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient = [-192, -192, 1.5 * d]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.PixelRepresentation = 1
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        values = np.where(body, 40.0, -1000.0) + np.where(bone, 700.0, 0.0)
        noisy = values + rng.normal(0, 15, values.shape)
        data.PixelData = noisy.astype(np.int16).tobytes()
        data["PixelData"].VR = "OW"
        pydicom.dcmwrite(folder / f"{d:04d}.dcm", data, enforce_file_format=True)


def unet() -> Any:
    """The U-Net in torch, as training would start it."""
    import torch

    from medlens.nets import build_unet, plan_topology

    torch.set_num_threads(THREADS)
    topology = plan_topology(PATCH, SPACING)
    return build_unet("unet_half", topology, channels=3, labels=3, seed=SEED).eval()


def export_unet(folder: Path) -> bytes:
    """Its graph."""
    from medlens.train.mask_export import export_masks

    examples = np.random.default_rng(SEED).random((2, 3, *PATCH), dtype=np.float32)
    export_masks(unet(), folder / "unet.onnx", examples=examples)
    return (folder / "unet.onnx").read_bytes()


def free_graph() -> bytes:
    """Soft tissue, bone or neither from three windows, for next to nothing."""
    from onnx import TensorProto, helper, numpy_helper

    weight = np.zeros((3, 3, 1, 1, 1), np.float32)
    weight[1, 1], weight[2, 2] = 4, 12  # soft tissue's and bone's windows
    nodes = [helper.make_node("Conv", ["image", "weight", "bias"], ["logits"])]
    sides = ["b", 3, "d", "h", "w"]
    graph = helper.make_graph(
        nodes, "free",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array([1, 0, -5], np.float32), "bias"),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data: bytes = model.SerializeToString()
    return data


def make_bundle(folder: Path, model: bytes, net_mb: float | None) -> None:
    """A bundle of form "segment" around a graph."""
    from medlens.bundle import Bundle, write_bundle
    from medlens.metrics import Calibration
    from medlens.recipe import Step
    from medlens.recipe.settings import SlidingSettings

    depth, height, width = PATCH
    bundle = Bundle(
        name="benchmark", kind="multiclass", labels=LABELS, positive="",
        channels=3, depth=depth, height=height, width=width,
        steps=(
            Step("multi_window", {"presets": ("lung", "soft_tissue", "bone")}),
            Step("resample_volume", {"spacing": SPACING}),
        ),
        calibration=Calibration.identity(3, kind="multiclass"),
        operating_points=(), conformal=None, outlier=None, form="segment",
        sliding=SlidingSettings(), net_mb=net_mb, model=model,
    )  # fmt: skip
    write_bundle(folder, bundle, card="# Benchmark\n", force=True)


def child(bundle: Path, series: Path, out: Path, profiled: Path | None = None) -> None:
    """In a process of its own: predict, and print seconds and memory."""
    from medlens.predict import patch_net
    from medlens.predict.answers import answer_inputs

    patches = [0]
    plain = patch_net.PatchNet._feed

    def counted(self: Any, batch: np.ndarray, names: tuple[str, ...]) -> Any:
        patches[0] += len(batch)
        return plain(self, batch, names)

    patch_net.PatchNet._feed = counted  # type: ignore[method-assign]
    profile = cProfile.Profile()
    if profiled is not None:
        profile.enable()
    answers = answer_inputs(
        bundle, [series], out=out, formats="json,nifti", engine="onnxruntime",
        force=True, timing=True,
    )  # fmt: skip
    if profiled is not None:
        profile.disable()
        with profiled.open("w") as file:
            pstats.Stats(profile, stream=file).sort_stats("cumtime").print_stats(60)
    assert not answers.document["failed"], answers.document["failed"]
    status = Path("/proc/self/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    assert peak is not None
    timing = answers.document["timing"]
    figures = {
        "seconds": timing["total"],
        "network_seconds": timing["network"],
        "timing": timing,
        "patches": patches[0],
        "peak_mb": int(peak.group(1)) * 1024 / 1e6,
        "volume_ml": [r["volume_ml"] for r in answers.document["cases"][0]["findings"]],
    }
    print(json.dumps(figures))


def predict_apart(
    bundle: Path, series: Path, folder: Path, profiled: Path | None = None
) -> dict[str, Any]:
    """`child` in a process of its own."""
    arguments = [str(bundle), str(series), str(folder / "out")]
    arguments += [str(profiled)] if profiled else []
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.volumes", "--child", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def patch_seconds(model: bytes, rounds: int = 3) -> float:
    """Median seconds of one patch of the U-Net."""
    from medlens.predict import PatchNet

    net = PatchNet(model, name="benchmark", threads=THREADS)
    patch = np.random.default_rng(SEED).random((1, 3, *PATCH), dtype=np.float32)
    return median_seconds({"net": lambda: net(patch)}, rounds=rounds)["net"]


def measure_share(folder: Path, slices: int, *, full: bool) -> dict[str, Any]:
    """Time outside the network for a CT from DICOM."""
    from medlens.predict import measure_net_mb

    write_ct(folder / "ct", slices)
    model = export_unet(folder)
    make_bundle(folder / "free", free_graph(), 50.0)
    found = predict_apart(folder / "free", folder / "ct", folder, folder / "profile")
    print((folder / "profile").read_text(), file=sys.stderr)
    # Once more without the profiler, which slows what is not the network.
    found = predict_apart(folder / "free", folder / "ct", folder)
    outside = found["seconds"] - found["network_seconds"]
    each = patch_seconds(model)
    inside = each * found["patches"]
    figures = {
        "slices": slices,
        "patches": found["patches"],
        "outside_seconds": outside,
        "patch_seconds": each,
        "network_seconds_estimated": inside,
        "share_outside": outside / (outside + inside),
        "peak_mb_without_network": found["peak_mb"],
        "net_mb": measure_net_mb(model, (1, 3, *PATCH), threads=THREADS),
    }
    if full:
        make_bundle(folder / "unet", model, figures["net_mb"])
        whole = predict_apart(folder / "unet", folder / "ct", folder)
        rest = whole["seconds"] - whole["network_seconds"]
        figures["full"] = {**whole, "share_outside": rest / whole["seconds"]}
    return figures


def measure_large(folder: Path, slices: int = 800) -> dict[str, Any]:
    """Largest resident memory on a long CT."""
    write_ct(folder / "large", slices)
    make_bundle(folder / "free", free_graph(), 50.0)
    return predict_apart(folder / "free", folder / "large", folder)


def compare_monai(folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds of both ways over one prepared volume, in turns."""
    import torch
    from monai.inferers import sliding_window_inference

    from medlens.predict import PatchNet, Sliding, predict_volume
    from medlens.predict.graph import OpenVinoGraph

    torch.set_num_threads(THREADS)
    net = unet()
    model = export_unet(folder)
    engines = {
        "onnxruntime": PatchNet(model, name="benchmark", threads=THREADS),
        # what `medlens predict` takes where validation Dice has not changed
        "openvino": PatchNet(
            OpenVinoGraph(model, name="benchmark", threads=THREADS), name="benchmark"
        ),
    }
    volume = np.random.default_rng(SEED).random((3, *SMALL), dtype=np.float32)
    tensor = torch.from_numpy(volume)[None]

    def ours(engine: str) -> np.ndarray:
        net = engines[engine]
        return predict_volume(volume, net, labels=3, settings=Sliding(PATCH))

    def theirs() -> np.ndarray:
        with torch.inference_mode():
            logits = sliding_window_inference(
                tensor, PATCH, 1, net, overlap=0.5, mode="gaussian"
            )
        labels: np.ndarray = logits.argmax(dim=1)[0].numpy()
        return labels

    wanted = theirs()
    different = {name: float((ours(name) != wanted).mean()) for name in engines}
    works = {name: partial(ours, name) for name in engines}
    seconds = median_seconds({**works, "monai": theirs}, rounds=rounds, warm_up=0)
    return {
        "seconds": seconds,
        "ratio": {name: seconds[name] / seconds["monai"] for name in engines},
        "voxels_that_differ": different,
    }


def main() -> None:
    """Parse, measure, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("large", "monai", "full", "keep"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--child", nargs="+", type=Path)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures["share"] = measure_share(folder, given.slices, full=given.full)
        if given.large:
            figures["large"] = measure_large(folder)
        if given.monai:
            figures["monai"] = compare_monai(folder, given.rounds)
    print(json.dumps(figures, indent=1))
    if given.keep:
        keep("volumes", figures)


if __name__ == "__main__":
    main()
