"""recipe.toml → Recipe: nothing unknown, wrong or endless gets through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import RecipeError
from medlens.recipe import Recipe, SplitSettings, Step, load_recipe, recipe_from_tree
from medlens.recipe.limits import LIMITS, check_limits
from medlens.recipe.load import MAX_BYTES


def load_text(folder: Path, text: str | bytes) -> Recipe:
    path = folder / "recipe.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_recipe(path)


def test_an_empty_file_is_the_default_recipe(tmp_path: Path) -> None:
    assert load_text(tmp_path, "") == Recipe()


def test_what_a_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    found = load_text(tmp_path, "[train]\nepochs = 3\nlearning_rate = 1\n")
    assert found.train == replace(Recipe().train, epochs=3, learning_rate=1.0)
    assert isinstance(found.train.learning_rate, float)
    assert found.net == Recipe().net


def test_steps_keep_their_order_and_parameters(tmp_path: Path) -> None:
    text = """[prep]
steps = [
    {name = "multi_window", presets = ["brain", "bone"]},
    {name = "resize", height = 64, width = 32.5, mode = "fit", twice = [[1, 2], [3]]},
]
"""
    assert load_text(tmp_path, text).prep.steps == (
        Step("multi_window", {"presets": ("brain", "bone")}),
        Step(
            "resize",
            {"height": 64, "width": 32.5, "mode": "fit", "twice": ((1, 2), (3,))},
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[train]\nlerning_rate = 1",
            r"recipe.toml: train.lerning_rate is unknown; nearest: train.learning_rate",
        ),
        ("[trian]\nseed = 1", "recipe.toml: trian is unknown; nearest: train"),
        (
            "[net]\nxyz = 1",
            "net.xyz is unknown; wanted one of: net.channels, net.context",
        ),
        ("[[train]]\nseed = 1", "train is not a table; wanted one"),
        ("train = 3", "train is not a table; wanted one"),
        ("[train]\nepochs = 2.5", "train.epochs is 2.5; wanted a whole number"),
        ("[train]\nepochs = true", "train.epochs is True; wanted a whole number"),
        ("[train]\nema = true", "train.ema is True; wanted a number"),
        ("[train]\nema = '0.9'", "train.ema is '0.9'; wanted a number"),
        ("[net]\nname = 3", "net.name is 3; wanted text in quotes"),
        ("[train]\npath = 'fast'", "'fast'; wanted one of fine_tune, frozen, scratch"),
        ("[train]\npath = ['frozen']", "wanted one of fine_tune, frozen, scratch"),
        ("[task]\nlabels = 'a'", "task.labels is 'a'; wanted a list"),
        ("[task]\nlabels = ['a', 1]", r"task.labels\[1\] is 1; wanted text in quotes"),
        ("[prep]\nsteps = ['resize']", r"prep.steps\[0\] is not a table"),
        (
            "[prep]\nsteps = [{h = 1}]",
            r"prep.steps\[0\].name is missing; wanted a step",
        ),
        ("[prep]\nsteps = [{name = ''}]", r"prep.steps\[0\].name is missing"),
        (
            "[prep]\nsteps = [{name = 'a', b = [1, nan]}]",
            r"prep.steps\[0\].b\[1\] is nan; wanted a finite number",
        ),
        (
            "[prep]\nsteps = [{name = 'a', b = 1979-05-27}]",
            r"prep.steps\[0\].b is datetime.date.*; wanted a finite number",
        ),
        (
            "schema = 'medlens/recipe/2'",
            "schema is 'medlens/recipe/2'; this medlens re",
        ),
        (
            "schema = 1",
            "schema is 1; this medlens reads 'medlens/recipe/1': plan afresh",
        ),
        ("[train\n", "recipe.toml: not valid TOML .*; mend that place or plan afresh"),
        (b"\xff\xfe", "not valid TOML"),
        ("x = " + "[" * 20_000, "not valid TOML"),
        ("x = " + "9" * 10_000, "not valid TOML"),
        ("#" * (MAX_BYTES + 1), "more than 1000000 bytes; a recipe has a few thousand"),
        (
            "[train]\nepochs = 1" + "0" * 400,
            "train.epochs is far out of range; wanted 1",
        ),
        ("[train]\nema = 1" + "0" * 400, "train.ema is far out of range; wanted 0 to"),
        ("[net]\nname = 1" + "0" * 400, "net.name is a number of too many digits"),
    ],
)
def test_errors_name_key_value_and_wish(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        load_text(tmp_path, text)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^none.toml: cannot be read \(No such file"):
        load_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("tree", [[], "text", None, 3])
def test_a_tree_must_be_a_table(tree: Any) -> None:
    with pytest.raises(RecipeError, match="bundle: is no table of settings"):
        recipe_from_tree(tree, name="bundle")


def with_value(key: str, value: float) -> Recipe:
    section, name = key.split(".")
    changed = replace(getattr(Recipe(), section), **{name: value})
    return replace(Recipe(), **{section: changed})


@pytest.mark.parametrize("key", sorted(LIMITS))
def test_limits_are_allowed_and_what_lies_beyond_is_not(key: str) -> None:
    low, high = LIMITS[key]
    is_whole = isinstance(low, int) and isinstance(high, int)
    step = 1 if is_whole else 1e-9
    for value in (low, high):
        check_limits(with_value(key, value))
    for value in (low - step, high + step * max(1, high), float("nan"), float("inf")):
        with pytest.raises(RecipeError, match=f"recipe: {key} is .*; wanted .* to "):
            check_limits(with_value(key, value))


@pytest.mark.parametrize("bits", [0, 1, 7, 12, 32])
def test_cache_depth_is_8_or_16(bits: int) -> None:
    with pytest.raises(RecipeError, match=f"prep.cache_bits is {bits}; wanted 8 or 16"):
        recipe_from_tree({"prep": {"cache_bits": bits}})


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"labels": ["a", "b", "a"]}, "task.labels names a label twice"),
        (
            {"labels": ["a", "b", "c"]},
            "has 3 names; a binary task has 2: set task.kind",
        ),
        (
            {"labels": ["a", "b"], "positive": "c"},
            "positive is 'c'; wanted one of .*a, b",
        ),
        (
            {"labels": [str(i) for i in range(1001)]},
            "has 1001 names; wanted at most 1000",
        ),
    ],
)
def test_labels_that_cannot_be(task: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from_tree({"task": task})


def test_something_is_left_to_learn_from() -> None:
    recipe = replace(Recipe(), split=SplitSettings(validation=0.5, test=0.45))
    with pytest.raises(
        RecipeError, match=r"hold back 0.95 of the data; wanted at most"
    ):
        check_limits(recipe)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "steps", "labels", "epochs", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["train", "net", "prep", "task", "augment", "schema", "x"]),
        junk,
        max_size=4,
    )
)
def test_any_tree_is_a_recipe_or_a_recipe_error(tree: dict[str, Any]) -> None:
    try:
        found = recipe_from_tree(tree)
    except RecipeError:
        return
    assert isinstance(found, Recipe)
    check_limits(found)


@pytest.mark.parametrize("rule", ["yuoden", "sensitivity>=95", "sensitivity>=", ""])
def test_an_unknown_rule_is_refused_before_anything_is_trained(
    tmp_path: Path, rule: str
) -> None:
    text = f'[calibrate]\noperating_point = "{rule}"\n'
    wanted = r"recipe.toml: calibrate.operating_point: .* is unknown; wanted one of"
    with pytest.raises(RecipeError, match=wanted):
        load_text(tmp_path, text)


def test_every_documented_rule_is_taken(tmp_path: Path) -> None:
    for rule in ("youden", "accuracy", "sensitivity>=0.9", "probability >= 0.5"):
        found = load_text(tmp_path, f'[calibrate]\noperating_point = "{rule}"\n')
        assert found.calibrate.operating_point == rule
