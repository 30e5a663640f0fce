"""Typed settings of a run and the file that holds them."""

from medlens.recipe.load import load_recipe, recipe_from_tree
from medlens.recipe.save import recipe_digest, recipe_to_tree, write_recipe
from medlens.recipe.settings import (
    AugmentSettings,
    BudgetSettings,
    CalibrateSettings,
    ExportSettings,
    Form,
    Kind,
    NetSettings,
    PrepSettings,
    Recipe,
    SlidingSettings,
    SplitSettings,
    Step,
    TaskSettings,
    TrainSettings,
)

__all__ = [
    "AugmentSettings",
    "BudgetSettings",
    "CalibrateSettings",
    "ExportSettings",
    "Form",
    "Kind",
    "NetSettings",
    "PrepSettings",
    "Recipe",
    "SlidingSettings",
    "SplitSettings",
    "Step",
    "TaskSettings",
    "TrainSettings",
    "load_recipe",
    "recipe_digest",
    "recipe_from_tree",
    "recipe_to_tree",
    "write_recipe",
]
