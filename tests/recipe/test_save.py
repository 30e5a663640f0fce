"""Recipe → recipe.toml and back; what its digest depends on."""

from __future__ import annotations

import errno
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import RecipeError, ResourceError
from medlens.recipe import (
    AugmentSettings,
    BudgetSettings,
    PrepSettings,
    Recipe,
    Step,
    TaskSettings,
    load_recipe,
    recipe_digest,
    recipe_from_tree,
    recipe_to_tree,
    write_recipe,
)
from medlens.recipe.limits import LIMITS

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
params = st.dictionaries(
    texts.filter(lambda key: key != "name"),
    scalars | st.lists(scalars, max_size=3).map(tuple),
    max_size=3,
)
steps = st.lists(st.builds(Step, texts.filter(bool), params), max_size=3).map(tuple)


def numbers_of(section: str) -> st.SearchStrategy[dict[str, float]]:
    own = {key: LIMITS[key] for key in LIMITS if key.startswith(section + ".")}
    return st.fixed_dictionaries(
        {
            key.split(".")[1]: st.integers(low, high)
            if isinstance(low, int) and isinstance(high, int)
            else st.floats(low, high)
            for key, (low, high) in own.items()
        }
    )


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    default = Recipe()
    labels = draw(st.lists(texts.filter(bool), min_size=2, max_size=4, unique=True))
    kind = draw(st.sampled_from(["multiclass", "multilabel"]))
    held_back = numbers_of("split").filter(lambda s: s["validation"] + s["test"] <= 0.9)
    return Recipe(
        task=TaskSettings(kind, tuple(labels), draw(st.sampled_from(["", *labels]))),
        split=replace(default.split, **draw(held_back)),
        prep=PrepSettings(draw(steps), draw(st.sampled_from([8, 16]))),
        augment=AugmentSettings(draw(steps)),
        net=replace(default.net, **draw(numbers_of("net")), name=draw(texts)),
        train=replace(
            default.train,
            **draw(numbers_of("train")),
            path=draw(st.sampled_from(["fine_tune", "frozen", "scratch"])),
            precision=draw(st.sampled_from(["fp32", "bf16"])),
        ),
        calibrate=replace(default.calibrate, **draw(numbers_of("calibrate"))),
        budget=replace(default.budget, **draw(numbers_of("budget"))),
    )


@given(recipes(), st.dictionaries(st.sampled_from(sorted(LIMITS)), texts, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, reasons: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    write_recipe(recipe, path, reasons=reasons)
    found = load_recipe(path)
    assert found == recipe
    assert recipe_digest(found) == recipe_digest(recipe)
    assert list(path.parent.iterdir()) == [path]


@given(recipes())
@settings(max_examples=30, deadline=None)
def test_a_tree_rebuilds_its_recipe(recipe: Recipe) -> None:
    assert recipe_from_tree(recipe_to_tree(recipe)) == recipe


def test_reasons_survive_as_comments_above_their_keys(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(Recipe(), path, reasons={"net.name": "quick", "train.seed": "given"})
    lines = path.read_text().splitlines()
    assert lines[lines.index("# quick") + 1].startswith("name = ")
    assert lines[lines.index("# given") + 1] == "seed = 0"


def test_a_reason_cannot_become_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    hostile = "fine\nepochs = 9999\r[net]\x85x\u2028y\x00"
    write_recipe(Recipe(), path, reasons={"train.epochs": hostile})
    assert load_recipe(path) == Recipe()
    assert "# fine epochs = 9999 [net] x y\n" in path.read_text()


def test_steps_stand_one_on_a_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    recipe = Recipe(
        prep=PrepSettings((Step("display"), Step("resize", {"height": 64})))
    )
    write_recipe(recipe, path)
    text = path.read_text()
    assert '\n    {name = "display"},\n    {name = "resize", height = 64},\n' in text
    assert tomllib.loads(text)["prep"]["steps"][1] == {"name": "resize", "height": 64}


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(task=TaskSettings("binary", ("a", "\ud800")))
    with pytest.raises(RecipeError, match=r"recipe.toml: .*half a character"):
        write_recipe(recipe, tmp_path / "recipe.toml")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recipe.toml"
    write_recipe(Recipe(), path)
    before = path.read_bytes()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        ResourceError, match=r"recipe.toml: cannot be written \(No space"
    ):
        write_recipe(Recipe(budget=BudgetSettings(7.0)), path)
    assert path.read_bytes() == before


def other_value(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, tuple)):
        raise TypeError(type(value))
    if isinstance(value, str):
        return {"binary": "multilabel", "fine_tune": "frozen", "fp32": "bf16"}.get(
            value, "temperature" if value == "none" else value + "x"
        )
    if isinstance(value, tuple):
        return (Step("other"),)
    return value + 1 if isinstance(value, int) else value / 2 + 0.011


# Settings that take one of a few values.
NAMED: dict[str, Any] = {
    "task.labels": ("a", "b"),
    "task.form": "segment",
    "task.mask_values": (0, 1),
    "net.spacing": (3.0, 1.0, 1.0),
    "net.reader": "gru",
    "sliding.mirror": (1,),
    "sliding.precision": "float16",
    "export.engines": ("int8",),
    "calibrate.method": "vector",
    "prep.cache_bits": 16,
}


def changed(recipe: Recipe, section: str, name: str) -> Recipe:
    part = getattr(recipe, section)
    value = NAMED.get(f"{section}.{name}") or other_value(getattr(part, name))
    return replace(recipe, **{section: replace(part, **{name: value})})


KEYS = [
    (section.name, field.name)
    for section in fields(Recipe)
    if section.name != "schema"
    for field in fields(getattr(Recipe(), section.name))
]


@pytest.mark.parametrize(("section", "name"), KEYS)
def test_the_digest_ignores_the_budget_and_nothing_else(
    section: str, name: str
) -> None:
    other = changed(Recipe(), section, name)
    assert other != Recipe()
    is_same = recipe_digest(other) == recipe_digest(Recipe())
    assert is_same == (section == "budget")


def test_the_digest_sees_each_parameter_and_the_order_of_steps() -> None:
    def digest(*steps: Step) -> str:
        return recipe_digest(Recipe(prep=PrepSettings(steps)))

    a, b = Step("a", {"x": (1, 2)}), Step("b")
    assert len({digest(a, b), digest(b, a), digest(a), digest(Step("a"), b)}) == 4
    assert digest(a) == digest(Step("a", {"x": [1, 2]}))


def test_a_whole_number_is_the_same_fraction_to_the_digest() -> None:
    one = replace(Recipe(), train=replace(Recipe().train, balance=1))
    same = replace(Recipe(), train=replace(Recipe().train, balance=1.0))
    assert recipe_digest(one) == recipe_digest(same)
