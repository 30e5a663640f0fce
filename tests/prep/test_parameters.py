"""What a recipe may write, and the messages where it may not."""

from __future__ import annotations

from typing import Any

import pytest

from medlens.core import RecipeError
from medlens.prep.parameters import Param, check_params, nearest, with_defaults

TABLE = {
    "sigma": Param("number", "", 0.1, 10, default=1.0),
    "size": Param("integer", "", 3, 9, odd=True, default=3),
    "mode": Param("word", "", choices=("fit", "cover"), default="fit"),
    "wide": Param("flag", "", default=False),
    "names": Param("words", "", choices=("a", "b"), default=("a",)),
    "levels": Param("numbers", "", 0, 1, default=(0.0, 1.0)),
}
WHERE = "recipe.toml: prep.steps[2]"


def test_defaults_fill_what_is_not_given() -> None:
    found = check_params({"size": 5}, TABLE, where=WHERE)
    assert found == {
        "sigma": 1.0,
        "size": 5,
        "mode": "fit",
        "wide": False,
        "names": ("a",),
        "levels": (0.0, 1.0),
    }


def test_unknown_parameters_name_the_nearest() -> None:
    with pytest.raises(
        RecipeError, match=r"prep\.steps\[2\]\.sigm is unknown; nearest: sigma"
    ):
        check_params({"sigm": 1}, TABLE, where=WHERE)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sigma", -1, r"sigma is -1; wanted a number in 0\.1\.\.10"),
        ("sigma", True, "wanted a number"),
        ("sigma", float("nan"), "wanted a number"),
        ("sigma", "1", "sigma is '1'; wanted a number"),
        ("size", 4, r"size is 4; wanted an odd integer in 3\.\.9"),
        ("size", 3.0, "wanted an odd integer"),
        ("size", 11, "wanted an odd integer"),
        ("mode", "fill", 'mode is \'fill\'; wanted one of "fit", "cover"'),
        ("wide", 1, "wide is 1; wanted true or false"),
        ("names", [], 'wanted a list of "a", "b"'),
        ("names", "a", 'wanted a list of "a", "b"'),
        ("names", ["a", "c"], 'wanted a list of "a", "b"'),
        ("levels", [0.5, 2], r"wanted a list of numbers in 0\.\.1"),
        ("levels", [0.5] * 5000, "wanted a list of numbers"),
    ],
)
def test_unwanted_values_are_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        check_params({name: value}, TABLE, where=WHERE)


def test_a_parameter_without_default_must_be_given() -> None:
    def step(image: object, *, factor: float) -> object:
        return image, factor

    table = with_defaults(step, {"factor": Param("number", "", 0)}, own=())
    with pytest.raises(RecipeError, match="factor is missing; wanted a number, 0 or"):
        check_params({}, table, where=WHERE)


def test_table_and_signature_must_name_the_same() -> None:
    def step(image: object, *, factor: float = 1.0) -> object:
        return image, factor

    with pytest.raises(TypeError, match=r"signature has \['factor'\]"):
        with_defaults(step, {"factr": Param("number", "")}, own=())


def test_nearest_lists_all_where_nothing_is_near() -> None:
    assert nearest("zzz", ["alpha", "beta"]) == "known: alpha, beta"
    assert nearest("zzz", []) == "this step takes no parameters"
