"""The report: what a reader sees first, in both languages, from one table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import OutOfDistribution
from medlens.core.diagnosis import (
    Advice,
    Algorithm,
    Assessment,
    Change,
    Code,
    Diagnosis,
    Finding,
    ImageRef,
    Place,
    Quantity,
    Trend,
)
from medlens.core.term_table import BODY_PARTS
from medlens.core.terms import LANGUAGES, Lang
from medlens.write.text import to_conclusion, to_text
from medlens.write.text_finding import number, percent, ranges
from medlens.write.words import PHRASES, WORDS, printable, say, say_reason, say_rule
from tests.write.test_document import DIAGNOSES

IMAGES = tuple(
    ImageRef(f"head/{i:03}.dcm", "1.2", f"1.2.{i}", "1.3") for i in range(32)
)
BLEED = Finding(
    id="1",
    label="intracranial_haemorrhage",
    code=Code("1386000", "SCT", "Intracranial hemorrhage"),
    is_present=True,
    probability=0.9312,
    threshold=0.41,
    operating_point="sensitivity>=0.95",
    place=Place("left", None, IMAGES[13], 13, (10.0, 20.0, 50.5, 60.0)),
    slices=(9, 10, 11, 13),
)
TUMOUR = Finding(
    id="1",
    label="glioma",
    code=Code("393564001", "SCT", "Glioma"),
    is_present=True,
    place=Place("", (12.3, -4.5, 100.0), IMAGES[3], 3),
    quantities=(
        Quantity("longest_diameter", 23.4, "mm"),
        Quantity("volume", 1.5, "ml"),
    ),
    parts=3,
)
HEAD = Assessment(
    algorithm=Algorithm("ich", "3fa9" * 16, "0.4", "sequence", "binary", "Triage."),
    status="assessed",
    advice="refer",
    images=IMAGES,
    modality="CT",
    body_part="HEAD",
    findings=(BLEED,),
    out_of_distribution=OutOfDistribution(1.234, 2.9, False),
)


def told(*items: Assessment, lang: Lang = "en", **more: object) -> str:
    return to_text(Diagnosis("case 7", items, **more), lang=lang)  # type: ignore[arg-type]


def test_a_report_in_english() -> None:
    assert told(HEAD).splitlines() == [
        "Case case 7: AI result, not verified by a reader",
        "EXAMINED",
        "  CT, head, 32 images.",
        "FINDINGS",
        "  Intracranial haemorrhage: present, probability 93.1 %, operating point "
        "41.0 %, sensitivity at least 95 %; side: left; on slices 10–12, 14; best seen "
        "on slice 14 of 32; image head/013.dcm; box 10–50.5 pixels across, 20–60 down.",
        "  Distance from the training images 1.234, limit 2.9.",
        "IMPRESSION",
        "  Intracranial haemorrhage. A reader should look.",
        "ALGORITHM",
        "  ich (bundle 3fa93fa93fa9), medlens 0.4, series classifier, binary. "
        "Intended use: Triage.",
        "Research software, not a medical device.",
    ]


def test_the_same_report_in_chinese() -> None:
    assert told(HEAD, lang="zh").splitlines() == [
        "病例 case 7：人工智能结果，未经医师核实",
        "检查",
        "  CT，头部，32幅图像。",
        "影像所见",
        "  颅内出血：阳性，概率93.1%，判定阈值41.0%，灵敏度不低于95%；部位：左侧；"
        "见于第10–12、14层；第14层显示最佳（共32层）；图像 head/013.dcm；"
        "范围横向10–50.5像素、纵向20–60像素。",
        "  与训练图像的差异度1.234，界限2.9。",
        "印象",
        "  颅内出血。建议由医师阅片确认。",
        "算法",
        "  ich（模型包 3fa93fa93fa9），medlens 0.4，序列分类，二分类。"
        "预期用途：“Triage”。",
        "本软件仅供研究，不是医疗器械。",
    ]


def test_masks_are_told_by_size_and_place() -> None:
    item = replace(
        HEAD, algorithm=replace(HEAD.algorithm, form="segment"), findings=(TUMOUR,)
    )
    assert (
        "  Glioma: longest diameter 23.4 mm; volume 1.5 ml; 3 separate parts; best "
        "seen on slice 4 of 32; image head/003.dcm; centre at x 12.3, y -4.5, z 100 mm "
        "(patient, LPS).\n"
    ) in told(item)
    assert (
        "胶质瘤：最长径23.4 mm；体积1.5 ml；共3个独立部分；第4层显示最佳（共32层）"
    ) in told(item, lang="zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_doubt_is_the_first_thing_that_is_read(lang: Lang) -> None:
    outside = replace(
        HEAD, advice="outside", out_of_distribution=OutOfDistribution(4.5, 2.9, True)
    )
    unsure = replace(
        HEAD, advice="unsure", prediction_set=("normal", "ich"), coverage=0.9
    )
    for item, numbers in ((outside, ("4.5", "2.9")), (unsure, ("90",))):
        _, heading, caution, *rest = told(item, lang=lang).splitlines()
        assert heading == say("caution", lang)
        assert all(one in caution for one in numbers)
        assert say(f"advice_{item.advice}", lang) in caution
        # and again at the end, where an impression is looked for
        assert any(say(f"advice_{item.advice}", lang) in line for line in rest)
    assert say("caution", lang) not in told(HEAD, lang=lang)


def test_what_cannot_be_ruled_out_is_named() -> None:
    both = replace(
        HEAD, prediction_set=("normal", "ich"), coverage=0.9, advice="unsure"
    )
    assert "cannot be ruled out: no abnormality, intracranial haemorrhage" in told(both)
    one = replace(HEAD, prediction_set=("ich",), coverage=0.9)
    assert "In keeping with intracranial haemorrhage alone" in told(one)
    none = replace(HEAD, prediction_set=(), coverage=0.9, advice="unsure")
    assert "no label is as probable as it is in its own cases" in told(none)
    assert "ruled out" not in told(HEAD)


def test_what_is_present_is_not_called_open_again() -> None:
    algorithm = replace(HEAD.algorithm, kind="multilabel")
    absent = replace(BLEED, label="fracture", is_present=False, place=Place())
    several = replace(
        HEAD,
        algorithm=algorithm,
        findings=(BLEED, absent),
        prediction_set=(BLEED.label, "fracture"),
        coverage=0.9,
    )
    assert "Also cannot be ruled out: fracture (in 90 %" in told(several)
    alone = replace(several, prediction_set=(BLEED.label,))
    assert "Nothing else is left open (in 90 %" in told(alone)
    nothing = replace(several, findings=(absent,))
    assert "annot be ruled out: intracranial haemorrhage, fracture" in told(nothing)


def test_a_probability_below_its_threshold_is_not_called_not_found() -> None:
    absent = replace(BLEED, is_present=False, probability=0.4, place=Place(), slices=())
    text = told(replace(HEAD, findings=(absent,), advice="nothing_found"))
    assert "  Below the operating point: intracranial haemorrhage (" in text
    assert "Not found" not in text


def test_names_that_the_service_gives_are_translated() -> None:
    left_out = (("series 4/image id 12", "was never seen"), ("the rest", "more"))
    study = Diagnosis("study 7", (HEAD,), left_out=left_out)
    assert to_text(study).startswith("Study 7: AI result, not verified by a reader\n")
    chinese = to_text(study, lang="zh")
    assert chinese.startswith("检查 7：人工智能结果，未经医师核实\n")
    assert "序列4/图像12：" in chinese
    assert "其余：" in chinese


def test_absent_findings_are_one_line_with_their_probabilities() -> None:
    absent = replace(
        BLEED, is_present=False, probability=0.03, place=Place(), slices=()
    )
    other = replace(absent, label="fracture", threshold=None, probability=0.0001)
    item = replace(HEAD, findings=(absent, other), advice="nothing_found")
    assert (
        "  Not found: intracranial haemorrhage (probability 3.0 %, operating point "
        "41.0 %, sensitivity at least 95 %); fracture (probability <0.1 %).\n"
    ) in told(item)
    assert (
        "  Nothing found above the operating point; looked for: intracranial "
        "haemorrhage, fracture.\n"
    ) in told(item)


def test_no_answer_has_its_reason_and_nothing_else() -> None:
    item = replace(
        HEAD,
        status="not_assessable",
        advice="not_assessable",
        findings=(),
        out_of_distribution=None,
        reason="missing slices: 2 slices are missing (usual gap 5 mm): 2 between 'a' …",
    )
    text = told(item)
    assert "FINDINGS" not in text
    assert "  Not assessable: missing slices: 2 slices are missing" in text
    assert "  无法评估：缺少2层图像。" in told(item, lang="zh")


def test_what_was_left_out_says_why_in_both_languages() -> None:
    left_out = (
        ("scout.dcm", "scout.dcm: is a localiser by its Image Type"),
        ("x.dcm", "was never seen before"),
    )
    text = told(HEAD, left_out=left_out)
    assert "NOT LOOKED AT\n  scout.dcm: is a localiser by its Image Type\n" in text
    chinese = told(HEAD, left_out=left_out, lang="zh")
    assert "未分析\n  scout.dcm：定位像\n  x.dcm：“was never seen before”\n" in chinese


@pytest.mark.parametrize("trend", get_args(Trend))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_changes_are_told_with_what_was_before(trend: Trend, lang: Lang) -> None:
    change = Change(trend, Quantity("volume", 0.75, "ml"), 0.6, 91)
    item = replace(HEAD, findings=(replace(BLEED, change=change),))
    text = told(item, has_prior=True, lang=lang)
    (line,) = [x for x in text.splitlines() if say(trend, lang) in x]
    assert "0.75 ml" in line
    assert "60.0" in line
    assert say("prior_days", lang, days=91) in text


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [(0, "of the same day.", "同日"), (1, "1 day earlier.", "1天前")],
)
def test_short_times_are_told_as_people_do(
    days: int, english: str, chinese: str
) -> None:
    findings = (replace(BLEED, change=Change("stable", days=days)),)
    item = replace(HEAD, findings=findings)
    assert english in told(item, has_prior=True)
    assert chinese in told(item, has_prior=True, lang="zh")


@pytest.mark.parametrize("part", sorted(BODY_PARTS))
def test_every_body_part_has_its_words(part: str) -> None:
    item = replace(HEAD, body_part=part)
    chinese = told(item, lang="zh").splitlines()[2]
    assert part not in chinese
    if part in ("CHESTABDPELVIS", "TSPINE"):
        assert part.lower() not in told(item)


def test_without_a_size_stable_says_present_or_absent() -> None:
    still = replace(BLEED, change=Change("stable"))
    text = told(replace(HEAD, findings=(still,)), has_prior=True)
    assert "COMPARISON\n  Compared with the prior study.\n" in text
    assert "  Intracranial haemorrhage: still present.\n" in text
    gone = replace(still, is_present=False)
    text = told(replace(HEAD, findings=(gone,)), has_prior=True)
    assert "  Intracranial haemorrhage: as before, not found.\n" in text


def test_a_prior_with_nothing_to_compare_is_told() -> None:
    assert "  The prior study holds nothing to compare with.\n" in told(
        HEAD, has_prior=True
    )
    assert "COMPARISON" not in told(HEAD)


def test_several_bundles_are_told_apart_by_name() -> None:
    other = replace(HEAD, algorithm=replace(HEAD.algorithm, name="fractures"))
    lines = told(HEAD, other).splitlines()
    assert "  ich: CT, head, 32 images." in lines
    assert "  fractures: Intracranial haemorrhage. A reader should look." in lines


def test_a_study_that_nobody_looked_at_says_so() -> None:
    text = told()
    assert "EXAMINED\n  No image was assessed.\n" in text
    assert "未评估任何图像。" in told(lang="zh")


@pytest.mark.parametrize("advice", get_args(Advice))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_advice_has_words(advice: Advice, lang: Lang) -> None:
    item = replace(HEAD, advice=advice, reason="why")
    told_ = to_conclusion(Diagnosis("c", (item,)), lang=lang)
    assert told_.strip()
    assert "{" not in told_


def test_a_referral_without_a_finding_still_asks_for_a_reader() -> None:
    text = told(replace(HEAD, findings=()))
    assert "IMPRESSION\n  A reader should look.\n" in text


@pytest.mark.parametrize("label", ["1", "yes", "Positive", "2.5"])
def test_a_bare_label_is_called_one(label: str) -> None:
    item = replace(HEAD, findings=(replace(BLEED, label=label),))
    assert f"  Label “{label}”: present, probability 93.1 %" in told(item)
    assert f"  标签“{label}”：阳性" in told(item, lang="zh")


def test_the_notice_stands_once() -> None:
    text = told(HEAD, HEAD)
    assert text.count("not a medical device") == 1
    quiet = to_text(Diagnosis("c", (HEAD,)), with_notice=False)
    assert "medical device" not in quiet


LATIN = re.compile("[A-Za-z]{2,}")


def test_the_chinese_half_of_the_table_holds_no_english() -> None:
    allowed = {"medlens", "mm", "ml", "LPS", "DICOM"}
    for key, (english, chinese) in WORDS.items():
        plain = re.sub(r"\{\w*\}", "", chinese)
        assert not set(LATIN.findall(plain)) - allowed, key
        assert set(re.findall(r"\{\w+\}", english)) == set(
            re.findall(r"\{\w+\}", chinese)
        ), key


def test_the_english_half_holds_no_chinese() -> None:
    for key, (english, _) in WORDS.items():
        assert not [c for c in english if "\u3000" <= c <= "\uffff"], key


def test_chinese_reports_of_known_words_hold_names_only() -> None:
    item = replace(
        HEAD,
        algorithm=replace(HEAD.algorithm, intended_use=""),
        notes=("the slices are sheared by 14.0° against their normal (gantry tilt)",),
    )
    plain = told(item, lang="zh")
    for name in ("case", "ich", "medlens", "CT", "head/013.dcm", "3fa93fa93fa9"):
        plain = plain.replace(name, "")
    assert not LATIN.findall(plain)


def test_phrases_match_what_the_rooms_write() -> None:
    from medlens.predict.diagnose_change import AMBIGUOUS, OTHER_VERSION

    written = {
        AMBIGUOUS: "既往检查中有多个同类结果，未作对比",
        OTHER_VERSION: "对比结果来自该模型包的另一版本",
        "duplicate slices: 1 place is taken twice: 'a' and 'b'": "1处层面重复",
        "unevenly spaced slices: gaps of 5.0 mm (9 times)": "层间距不均匀",
        "is a Segmentation Storage, no scan": "不是扫描图像",
        "is an Encapsulated PDF, no scan": "不是扫描图像",
        "is no image (Comprehensive SR)": "不是图像",
        "left out by rule 'dose'": "按规则排除",
        "1,200 more files are left out": "另有1,200个文件未分析",
        "no bundle takes MR knee: rule 'a' wants modality CT": "没有适用的模型包",
        "slices lie up to 2.5 mm beside the line of the others": (
            "部分层面偏离轴线达2.5 mm"
        ),
    }
    for english, chinese in written.items():
        assert say_reason(english, "zh") == chinese
        assert say_reason(english, "en") == english
    assert len({pattern for pattern, _ in PHRASES}) == len(PHRASES)


@given(text=st.text(max_size=80))
def test_no_text_breaks_a_line_or_turns_it_around(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@given(diagnosis=DIAGNOSES, lang=st.sampled_from(LANGUAGES))
@settings(max_examples=100, deadline=None)
def test_any_diagnosis_has_a_text(diagnosis: Diagnosis, lang: Lang) -> None:
    text = to_text(diagnosis, lang=lang)
    assert text.endswith(say("notice", lang) + "\n")
    assert all(line.isprintable() for line in text[:-1].split("\n"))


def test_letters_of_a_label_cannot_act_on_a_terminal() -> None:
    bad = replace(BLEED, label="x\x1b[2J\u202etxt\nIMPRESSION\n  healthy")
    text = told(replace(HEAD, findings=(bad,)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.splitlines().count("IMPRESSION") == 1


@pytest.mark.parametrize(
    ("p", "beside", "shown"),
    [
        (0.931, None, "93.1"),
        (0.5, 0.5, "50.0"),
        (0.4999, 0.5, "49.99"),
        (0.49999, 0.5, "49.999"),
        (0.00001, None, "<0.1"),
        (0.00001, 0.5, "<0.1"),
        (0.00001, 0.00002, "0.0010"),
        (0.99999, None, ">99.9"),
        (0.99999, 0.9999, "99.9990"),
        (1.0, None, ">99.9"),
        (0.0, None, "<0.1"),
        (1.0, 1.0, ">99.9"),
        (1.0, 0.9999, "100.0000"),
    ],
)
def test_percentages_never_say_more_than_is_known(
    p: float, beside: float | None, shown: str
) -> None:
    assert percent(p, beside) == shown


@given(p=st.floats(0, 1), threshold=st.floats(0, 1))
def test_a_probability_below_its_threshold_never_looks_equal(
    p: float, threshold: float
) -> None:
    if abs(p - threshold) > 1e-6:
        assert percent(p, threshold) != percent(threshold, p)


@given(value=st.floats(1e-6, 1e9))
def test_sizes_keep_four_figures(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=5.1e-4)
    assert "e" not in number(value)


@pytest.mark.parametrize(
    ("slices", "shown"), [((), ""), ((0,), "1"), ((4, 2, 3, 9), "3–5, 10")]
)
def test_slices_are_counted_from_one(slices: tuple[int, ...], shown: str) -> None:
    assert ranges(slices) == shown


@pytest.mark.parametrize(
    ("rule", "english", "chinese"),
    [
        ("youden", "Youden index", "约登指数法"),
        ("specificity>=0.975", "specificity at least 97.5 %", "特异度不低于97.5%"),
        ("probability>=0.5", "fixed probability", "固定概率阈值"),
        ("house rule", "house rule", "“house rule”"),
    ],
)
def test_rules_of_operating_points_have_names(
    rule: str, english: str, chinese: str
) -> None:
    assert (say_rule(rule, "en"), say_rule(rule, "zh")) == (english, chinese)
