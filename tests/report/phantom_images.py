"""Example images made in code."""

from __future__ import annotations

import cv2
import numpy as np

from medlens.report import Example


def make_examples(count: int = 8, *, side: int = 320, seed: int = 0) -> list[Example]:
    """Head phantoms with a bright disc and a map that finds it, or does not."""
    generator = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        is_right = index % 3 != 0
        canvas = np.zeros((side, side), np.float32)
        centre = (side // 2, side // 2)
        axes = (int(0.34 * side), int(0.42 * side))
        cv2.ellipse(canvas, centre, axes, 0.0, 0.0, 360.0, 0.75, -1)
        inner = (int(0.31 * side), int(0.39 * side))
        cv2.ellipse(canvas, centre, inner, 0.0, 0.0, 360.0, 0.4, -1)
        spot = tuple(int(v) for v in side * generator.uniform(0.35, 0.65, 2))
        cv2.circle(canvas, spot, side // 14, 0.8, -1)
        canvas = cv2.GaussianBlur(canvas, (0, 0), 1 + side / 160)
        canvas += 0.03 * generator.normal(size=canvas.shape).astype(np.float32)
        seen = spot if is_right else (side // 3, side // 4)
        grid = np.hypot(
            *(np.indices((14, 14)) * side / 14 - np.array(seen[::-1])[:, None, None])
        )
        evidence = np.exp(-((grid / (side / 7)) ** 2))
        examples.append(
            Example(
                case=f"test/t{index:04d}_0.png",
                image=(np.clip(canvas, 0, 1) * 255).astype(np.uint8),
                evidence=evidence,
                reference="tumour" if is_right or index % 2 else "no tumour",
                predicted="tumour" if is_right or not index % 2 else "no tumour",
                probability=float(generator.uniform(0.55, 0.99)),
                is_right=is_right,
                note="" if index % 4 else "unlike the training images",
            )
        )
    return examples
