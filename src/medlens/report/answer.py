"""The answer first: what the model can do, how sure, and what to mind."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from medlens.report.charts import draw_interval
from medlens.report.quantity import (
    Quantity,
    both_text,
    interval_text,
    measure_of,
    name_in_prose,
    of_hundred,
    p_text,
    signed_text,
    to_quantity,
    value_text,
)
from medlens.report.subject import (
    Subject,
    chosen_point,
    metric,
    point_name,
    split_words,
)
from medlens.report.values import (
    as_mapping,
    clean_number,
    clean_text,
    join_words,
)

# Words for how well labels are told apart, read off the LOWER end of the
# interval, so that doubt costs praise. The steps at 0.7 and 0.9 follow Swets
# (1988, Science 240:1285); the others are ours and stand in docs/report.md.
_GRADES = (
    (0.97, "separates almost all"),
    (0.90, "separates most"),
    (0.70, "separates many"),
)
_CHANCE = 0.5


@dataclass(frozen=True)
class Key:
    """A key figure: value, interval as text and as a bar, meaning."""

    name: str
    value: str
    interval: str
    meaning: str
    bar: Markup


@dataclass(frozen=True)
class Answer:
    """The first screen of the page.

    Attributes:
        headline: what is told apart, in which data.
        verdict: one sentence of what the model can do.
        sentences: how sure, the operating point, the comparison.
        keys: the key figures.
    """

    headline: str
    verdict: str
    sentences: tuple[str, ...]
    keys: tuple[Key, ...]


def write_answer(subject: Subject, *, data_name: str) -> Answer:
    """The first screen; says plainly when nothing was measured."""
    if not subject.leading:
        return Answer(
            _headline(subject, data_name),
            "Nothing was measured yet, so nothing can be said about what the model "
            "can do.",
            ("This page shows what the folder holds so far.",),
            (),
        )
    sentences = (
        _how_sure(subject),
        _decision(subject),
        _comparison(subject),
        _majority(subject),
    )
    return Answer(
        _headline(subject, data_name),
        _verdict(subject),
        tuple(sentence for sentence in sentences if sentence),
        _keys(subject),
    )


def _headline(subject: Subject, data_name: str) -> str:
    where = f" in {clean_text(data_name, limit=60)}" if data_name else ""
    names = [clean_text(label, limit=40) for label in subject.labels]
    if not names:
        return f"A classifier{where}"
    if subject.kind == "multilabel":
        return f"Finding {_some(names, last='and')}{where}"
    if subject.kind == "binary" and subject.positive:
        other = next((n for n in subject.labels if n != subject.positive), "the rest")
        positive = clean_text(subject.positive, limit=40)
        return f"Telling “{positive}” from “{clean_text(other, limit=40)}”{where}"
    return f"Telling apart {_some(names, last='and')}{where}"


def headline_labels(subject: Subject, *, last: str) -> str:
    """The labels as a title names them: "“head” and “tail”", "12 labels, …"."""
    names = [clean_text(label, limit=40) for label in subject.labels]
    return _some(names, last=last) if names else "structures"


def _some(names: list[str], *, last: str) -> str:
    quoted = [f"“{name}”" for name in names]
    if len(quoted) <= 5:
        return join_words(quoted, last=last)
    return f"{len(quoted)} labels, {quoted[0]} to {quoted[-1]}"


def tested_on(subject: Subject) -> str:
    """ "On 26 test volumes of 20 patients, none of them seen in training"."""
    if subject.n_cases is None:
        return f"On the {split_words(subject.split, subject.noun)}"
    words = split_words(subject.split, subject.noun)
    # "series" is one and many.
    is_one = subject.n_cases == 1 and not words.endswith("series")
    kind = words.removesuffix("s") if is_one else words
    text = f"On {subject.n_cases:,} {kind}"
    if subject.n_patients and subject.n_patients < subject.n_cases:
        text += f" of {subject.units}"
    return text + (", none of them seen in training" if subject.split == "test" else "")


def _grade(subject: Subject) -> str:
    auroc = subject.quantity("auroc")
    low = auroc.low if auroc.low is not None else auroc.value
    if low is None:
        return ""
    if low <= _CHANCE:
        return "is not shown to be better than chance at telling the labels apart"
    grade = next((words for floor, words in _GRADES if low >= floor), "separates some")
    if subject.kind == "multilabel":
        return f"{grade} cases with a finding from those without it"
    if subject.positive:
        positive = clean_text(subject.positive, limit=40)
        return f"{grade} “{positive}” cases from the others"
    return f"{grade} cases of one label from the others"


def _verdict(subject: Subject) -> str:
    grade = _grade(subject)
    if not grade:
        return f"{tested_on(subject)}, no AUROC could be computed."
    auroc = subject.quantity("auroc")
    name = "AUROC" if subject.positive else "mean AUROC"
    interval = interval_text(auroc)
    doubt = f"; 95% interval {interval}" if interval else ""
    return (
        f"{tested_on(subject)}, the model {grade} ({name} {value_text(auroc)}{doubt})."
    )


def _how_sure(subject: Subject) -> str:
    auroc, cases = subject.quantity("auroc"), subject.n_cases
    units = subject.n_patients or cases
    if units is not None and units < 100:
        whom = subject.units if subject.n_patients else f"{units} cases"
        return (
            f"Read every figure as rough: {whom} are few, and another "
            "set of this size could give quite different ones."
        )
    if auroc.low is None or auroc.high is None:
        return "No interval could be computed, so the figures carry unknown doubt."
    width = auroc.high - auroc.low
    how = "narrow" if width < 0.02 else "moderate" if width < 0.06 else "wide"
    return (
        f"The interval is {how} ({width:.3f} from end to end); it covers chance in "
        "drawing these cases, not another hospital, scanner or population."
    )


def _decision(subject: Subject) -> str:
    if not subject.positive:
        accuracy = subject.quantity("accuracy")
        if accuracy.value is None or subject.kind == "multilabel":
            return ""
        interval = interval_text(accuracy, is_share=True)
        accuracy_text = value_text(accuracy, is_share=True)
        accuracy_text += f"; 95% interval {interval}" if interval else ""
        return (
            f"Its first choice is right for {of_hundred(accuracy.value)} cases "
            f"(accuracy {accuracy_text})."
        )
    point = chosen_point(subject)
    found, cleared = metric(point, "sensitivity"), metric(point, "specificity")
    if found.value is None or cleared.value is None:
        return ""
    threshold = clean_number(point.get("threshold"))
    at = f", threshold {threshold:.3f}" if threshold is not None else ""
    name = point_name(point)
    positive = clean_text(subject.positive, limit=40)
    return (
        f"At its operating point ({name}{at}) it finds {of_hundred(found.value)} "
        f"“{positive}” cases and clears {of_hundred(cleared.value)} of the others."
    )


def _comparison(subject: Subject) -> str:
    baselines = as_mapping(subject.leading.get("baselines"))
    classical = as_mapping(baselines.get("classical"))
    theirs = metric(classical, "auroc")
    if theirs.value is None:
        return ""
    raw = as_mapping(classical.get("auroc_difference"))
    gap = to_quantity(raw)
    start = (
        "The classical baseline (edges, texture and shape with boosted trees) reaches "
        f"AUROC {both_text(theirs)}"
    )
    if gap.value is None or not gap.has_interval:
        return f"{start}."
    p_value = p_text(clean_number(raw.get("p_value")))
    doubt = ", ".join(text for text in (interval_text(gap), p_value) if text)
    method = f", {gap.method}" if gap.method else ""
    return f"{start}; {_who_wins(gap)} ({signed_text(gap.value)}; {doubt}{method})."


def _who_wins(gap: Quantity) -> str:
    if gap.low is not None and gap.low > 0:
        return "the network is better"
    if gap.high is not None and gap.high < 0:
        return "the network is worse, so the baseline is the better choice here"
    return (
        "no difference is shown, so the simpler baseline may serve as well on data "
        "like these"
    )


def _majority(subject: Subject) -> str:
    baselines = as_mapping(subject.leading.get("baselines"))
    theirs = metric(baselines.get("majority"), "accuracy")
    ours = subject.quantity("accuracy")
    if theirs.value is None or ours.value is None or subject.kind == "multilabel":
        return ""
    return (
        f"Always answering the commonest label would be right for "
        f"{value_text(theirs, is_share=True)}; the model is for "
        f"{both_text(ours, is_share=True)}."
    )


_KEYS = {
    "binary": ("auroc", "sensitivity", "specificity", "ppv", "npv", "ece"),
    "multiclass": ("auroc", "accuracy", "balanced_accuracy", "ece"),
    "multilabel": ("auroc", "average_precision", "sensitivity", "specificity", "ece"),
}


def _keys(subject: Subject) -> tuple[Key, ...]:
    names = _KEYS.get(subject.kind, ("auroc", "accuracy", "ece"))
    point = chosen_point(subject) if subject.positive else {}
    keys = []
    for name in names:
        quantity = metric(point, name)
        if quantity.value is None:
            quantity = subject.quantity(name)
        if quantity.value is None:
            continue
        keys.append(_key(subject, name, quantity))
    return tuple(keys)


def _key(subject: Subject, name: str, quantity: Quantity) -> Key:
    measure = measure_of(name)
    meaning = measure.meaning
    prevalence = _prevalence(subject)
    if prevalence is not None:
        stated = f"at the tested prevalence of {100 * prevalence:.3g}%"
        meaning = meaning.replace("at this prevalence", stated)
    is_mean = not subject.positive and name in ("auroc", "average_precision")
    # Chance is the left end of AUROC's bar; a calibration error is rarely large.
    low, high = {"auroc": (0.5, 1.0), "ece": (0.0, 0.2)}.get(name, (0.0, 1.0))
    if (quantity.high or quantity.value or 0.0) > high:
        high = 1.0
    return Key(
        f"Mean {name_in_prose(measure)}" if is_mean else measure.name,
        value_text(quantity, is_share=measure.is_share),
        interval_text(quantity, is_share=measure.is_share),
        meaning,
        draw_interval(quantity, low=low, high=high),
    )


def _prevalence(subject: Subject) -> float | None:
    """Share of the positive label among the cases; None where there is none."""
    if not subject.positive:
        return None
    stated = clean_number(chosen_point(subject).get("prevalence"))
    if stated is not None:
        return stated
    labels = as_mapping(subject.leading.get("per_label"))
    return clean_number(as_mapping(labels.get(subject.positive)).get("prevalence"))
