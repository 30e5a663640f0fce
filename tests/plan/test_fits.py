"""A recipe of a person is refused where its steps need more memory than there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medlens.core import ResourceError
from medlens.plan import Speed, check_step, make_plan
from medlens.recipe import NetSettings, Recipe, TaskSettings, TrainSettings
from tests.plan.test_volumes import facts, slices_with_masks, study


@pytest.mark.parametrize(
    ("form", "net", "batch", "wanted"),
    [
        (
            "segment",
            NetSettings("unet_half", "", depth=128, height=256, width=256),
            4,
            r"4 patches of 128×256×256 a step need about 74720 MB; 4096 MB",
        ),
        (
            "segment",
            NetSettings("unet_lite0", "", height=512, width=512),
            16,
            r"16 patches of 512×512 a step need about 7611 MB; 4096 MB may be used: "
            r"lower train.batch_size, or net.depth, net.height or net.width",
        ),
        (
            "volume",
            NetSettings("local3d", "", depth=96, height=96, width=96),
            8,
            r"8 volumes of 96×96×96 a step need about 27796 MB; 4096 MB may be used",
        ),
    ],
)
def test_steps_that_do_not_fit_are_refused(
    form: str, net: NetSettings, batch: int, wanted: str
) -> None:
    recipe = Recipe(
        task=TaskSettings(form=form),  # type: ignore[arg-type]
        net=net,
        train=TrainSettings(batch_size=batch),
    )
    with pytest.raises(ResourceError, match=wanted):
        check_step(recipe, 4096)
    check_step(recipe, 80_000)
    # of networks that were never measured nothing is known
    check_step(replace(recipe, net=replace(net, name="unet_quarter")), 4096)


@pytest.mark.parametrize("memory", [1700, 2000, 4096])
@pytest.mark.parametrize("known", [facts(), study(), slices_with_masks()])
def test_what_is_planned_fits(known: object, memory: int) -> None:
    told = replace(known, memory_mb=memory)  # type: ignore[type-var]
    plan = make_plan(told, lambda _: Speed(0.01, 0.01))
    check_step(plan.recipe, memory)
