"""The words of a diagnosis, English and Chinese side by side in one table."""

from __future__ import annotations

import re

from medlens.core.terms import Lang

WORDS: dict[str, tuple[str, str]] = {
    # headings
    "case": ("Case {case}", "病例 {case}"),
    "study": ("Study {number}", "检查 {number}"),
    "unverified": (
        "AI result, not verified by a reader",
        "人工智能结果，未经医师核实",
    ),
    "caution": ("CAUTION", "注意"),
    "examined": ("EXAMINED", "检查"),
    "findings": ("FINDINGS", "影像所见"),
    "comparison": ("COMPARISON", "对比"),
    "impression": ("IMPRESSION", "印象"),
    "left_out": ("NOT LOOKED AT", "未分析"),
    "algorithm": ("ALGORITHM", "算法"),
    "notice": (
        "Research software, not a medical device.",
        "本软件仅供研究，不是医疗器械。",
    ),
    # punctuation
    "stop": (". ", "。"),
    "end": (".", "。"),
    "comma": (", ", "，"),
    "list": (", ", "、"),
    "semicolon": ("; ", "；"),
    "colon": (": ", "："),
    "brackets": (" ({inside})", "（{inside}）"),
    # what was looked at
    "images": ("{count} images", "{count}幅图像"),
    "one_image": ("1 image", "1幅图像"),
    "note": ("Note: {note}", "说明：{note}"),
    # findings
    "label": ("label “{label}”", "标签“{label}”"),
    "present": ("{name}: present", "{name}：阳性"),
    "measured": ("{name}", "{name}"),
    "absent": ("Not found: {list}", "未检出：{list}"),
    "below": ("Below the operating point: {list}", "未达判定阈值：{list}"),
    "probability": ("probability {value} %", "概率{value}%"),
    "operating_point": ("operating point {value} %", "判定阈值{value}%"),
    "rule": ("operating point {value} %, {rule}", "判定阈值{value}%，{rule}"),
    "side": ("side: {side}", "部位：{side}"),
    "best_slice": ("best seen on slice {number}", "第{number}层显示最佳"),
    "best_of": (
        "best seen on slice {number} of {count}",
        "第{number}层显示最佳（共{count}层）",
    ),
    "on_slices": ("on slices {slices}", "见于第{slices}层"),
    "on_slice": ("on slice {slices}", "见于第{slices}层"),
    "shown": ("shown: slice {number} of {count}", "图示：第{number}层（共{count}层）"),
    "colours": ("colours: evidence for {name}", "色彩：{name}的依据"),
    "image_key": ("image {key}", "图像 {key}"),
    "frame": ("frame {number}", "第{number}帧"),
    "box": (
        "box {left}–{right} pixels across, {top}–{bottom} down",
        "范围横向{left}–{right}像素、纵向{top}–{bottom}像素",
    ),
    "centre": (
        "centre at x {x}, y {y}, z {z} mm (patient, LPS)",
        "中心坐标 x {x}、y {y}、z {z} mm（患者坐标系LPS）",
    ),
    "longest_diameter": ("longest diameter {size}", "最长径{size}"),
    "volume": ("volume {size}", "体积{size}"),
    "area": ("area {size}", "面积{size}"),
    "parts": ("{count} separate parts", "共{count}个独立部分"),
    "one_part": ("1 part", "1个部分"),
    "mm": ("{value} mm", "{value} mm"),
    "ml": ("{value} ml", "{value} ml"),
    "mm2": ("{value} mm²", "{value} mm²"),
    "pixels": ("{value} pixels", "{value}个像素"),
    "voxels": ("{value} voxels", "{value}个体素"),
    "other_unit": ("{value} {unit}", "{value} {unit}"),
    # comparison
    "prior": ("Compared with the prior study.", "与既往检查对比。"),
    "prior_days": (
        "Compared with the prior study, {days} days earlier.",
        "与{days}天前的既往检查对比。",
    ),
    "prior_day": (
        "Compared with the prior study, 1 day earlier.",
        "与1天前的既往检查对比。",
    ),
    "prior_same_day": (
        "Compared with the prior study of the same day.",
        "与同日的既往检查对比。",
    ),
    "no_prior_answer": (
        "The prior study holds nothing to compare with.",
        "既往检查中无可对比的结果。",
    ),
    "trend": ("{name}: {trend}", "{name}：{trend}"),
    "new": ("new", "新发"),
    "gone": ("no longer found", "已消失"),
    "larger": ("larger", "增大"),
    "smaller": ("smaller", "缩小"),
    "stable": ("unchanged within the tolerance", "在允许误差范围内无变化"),
    "stable_present": ("still present", "仍为阳性"),
    "stable_absent": ("as before, not found", "与前次相同，未检出"),
    "uncertain": ("change uncertain", "变化不确定"),
    "before": ("{kind} before", "前次{kind}"),
    "probability_before": ("probability before {value} %", "前次概率{value}%"),
    # what to do
    "advice_nothing_found": (
        "Nothing found above the operating point",
        "未见达到判定阈值的异常",
    ),
    "advice_nothing_drawn": ("Nothing found", "未检出异常"),
    "looked_for": ("looked for: {list}", "分析范围：{list}"),
    "advice_measured": (
        "Structures were measured; no disease was looked for",
        "仅对解剖结构进行测量，未分析病变",
    ),
    "advice_refer": ("{list}. A reader should look", "{list}。建议由医师阅片确认"),
    "advice_refer_plain": ("A reader should look", "建议由医师阅片确认"),
    "advice_unsure": (
        "Unsure: the software cannot decide. A reader must decide",
        "不确定：软件无法判断，须由医师判读",
    ),
    "advice_outside": (
        "Unlike the images that the software was trained on. No figure here should be "
        "trusted; a reader must decide without it",
        "与软件的训练图像差异过大，所有数值均不可信，须由医师独立判读",
    ),
    "advice_not_assessable": ("Not assessable: {reason}", "无法评估：{reason}"),
    "set": ("cannot be ruled out: {list}", "不能排除：{list}"),
    "set_of_one": ("in keeping with {list} alone", "仅符合{list}"),
    "also": ("also cannot be ruled out: {list}", "另不能排除：{list}"),
    "none_else": ("nothing else is left open", "无其他不能排除的标签"),
    "empty_set": (
        "no label is as probable as it is in its own cases",
        "没有任何标签达到其自身病例的概率水平",
    ),
    "coverage": (
        "in {value} % of cases the true label is among those named",
        "所列标签在{value}%的病例中包含真实标签",
    ),
    "gate": (
        "distance from the training images {score}, limit {threshold}",
        "与训练图像的差异度{score}，界限{threshold}",
    ),
    "no_gate": (
        "how unlike the training images it is was not checked",
        "未检查与训练图像的差异",
    ),
    "not_examined": ("No image was assessed.", "未评估任何图像。"),
    # algorithm
    "made_by": (
        "{name} (bundle {digest}), medlens {version}",
        "{name}（模型包 {digest}），medlens {version}",
    ),
    "made_by_plain": ("{name}, medlens {version}", "{name}，medlens {version}"),
    "intended_use": ("Intended use: {use}", "预期用途：{use}"),
    "quoted": ("{text}", "“{text}”"),
    # forms and kinds
    "form_image": ("image classifier", "图像分类"),
    "form_volume": ("volume classifier", "容积分类"),
    "form_sequence": ("series classifier", "序列分类"),
    "form_segment": ("segmentation", "分割"),
    "kind_binary": ("binary", "二分类"),
    "kind_multiclass": ("multi-class", "多分类"),
    "kind_multilabel": ("multi-label", "多标签"),
    # rules of operating points
    "rule_youden": ("Youden index", "约登指数法"),
    "rule_accuracy": ("best accuracy", "最高准确率法"),
    "rule_sensitivity": ("sensitivity at least {value} %", "灵敏度不低于{value}%"),
    "rule_specificity": ("specificity at least {value} %", "特异度不低于{value}%"),
    "rule_probability": ("fixed probability", "固定概率阈值"),
}

_RULE = re.compile(r"(sensitivity|specificity|probability)>=([0-9.]{1,8})")

PHRASES: tuple[tuple[str, str], ...] = (
    (
        r"missing slices: ([\d,]+) slices? (?:is|are) missing.*",
        "缺少{0}层图像",
    ),
    (r"duplicate slices: ([\d,]+) places? (?:is|are) taken twice.*", "{0}处层面重复"),
    (r"unevenly spaced slices.*", "层间距不均匀"),
    (
        r"the slices are sheared by ([\d.]+)° against their normal \(gantry tilt\)",
        "扫描机架倾斜{0}°",
    ),
    (
        r"slices lie up to ([\d.]+) mm beside the line of the others",
        "部分层面偏离轴线达{0} mm",
    ),
    (
        r"one of several volumes of a DICOM series, parted by .*",
        "该DICOM序列包含多个容积，此为其中之一",
    ),
    (r"is a localiser by its (?:Image Type|description)", "定位像"),
    (r"is a single slice with no neighbour in its orientation", "单幅图像，无相邻层面"),
    (
        r"mixed series: ([\d,]+) slices in as many orientations or sizes",
        "层面方向或尺寸各不相同（{0}层）",
    ),
    (r"is a copy of '.*' \(the same SOP Instance UID\)", "重复文件"),
    (r"is a colour picture \(.*\), no slice of a scan", "彩色图片，不是扫描层面"),
    (r"is a screen shot by its Image Type", "屏幕截图"),
    (r"is an? .*, no scan", "不是扫描图像"),
    (r"is no image \(.*\)", "不是图像"),
    (r"is an object of unknown kind without pixels", "未知类型的对象，不含像素"),
    (r"left out by rule .*", "按规则排除"),
    (r"([\d,]+) more files are left out", "另有{0}个文件未分析"),
    (r"has a transfer syntax that is not read; convert the file", "不支持的传输语法"),
    (
        r"has no usable .*, so its place in the patient is unknown",
        "缺少可用的空间定位信息",
    ),
    (
        r"is a film of ([\d,]+) frames without a place for each",
        "{0}帧的动态影像，无各帧位置信息",
    ),
    (
        r"is a film of ([\d,]+) frames; no bundle takes one",
        "{0}帧的动态影像，没有适用的模型包",
    ),
    (r"no bundle takes .*", "没有适用的模型包"),
    (r"the service has no bundle at work.*", "未启用任何模型包"),
    (
        r"not compared with the prior study: it holds several answers.*",
        "既往检查中有多个同类结果，未作对比",
    ),
    (
        r"compared with an answer of another version of this bundle",
        "对比结果来自该模型包的另一版本",
    ),
    (
        r"the slices were interpolated onto an even grid; .*",
        "层面经插值为等间距；测量值基于插值后的层面，不标注原始层号",
    ),
)  # fmt: skip
"""Sentences that medlens writes into notes and reasons → Chinese."""
_PHRASES = tuple((re.compile(pattern, re.DOTALL), zh) for pattern, zh in PHRASES)
KEYS = (
    (r"\bseries (?:id )?(\d+)", r"序列\1"),
    (r"\bimage (?:id )?(\d+)", r"图像\1"),
    (r" \(([\d,]+) images\)", r"（\1幅图像）"),
    (r"^the rest$", "其余"),
)
"""What the service calls series and images → Chinese."""
MOST_PHRASE = 2000  # characters that are compared with a phrase


def say(key: str, lang: Lang, /, **values: object) -> str:
    """A word or sentence with its values filled in."""
    english, chinese = WORDS[key]
    return (english if lang == "en" else chinese).format(**values)


def say_reason(text: str, lang: Lang) -> str:
    """A note or reason, made printable; in Chinese where it is known, else quoted.

    Reasons come from all rooms in English. One that the table lacks is given in its
    own words between quotation marks, so that nothing is lost.
    """
    plain = printable(text)
    if lang == "en":
        return plain
    for pattern, chinese in _PHRASES:
        found = pattern.fullmatch(plain[:MOST_PHRASE])
        if found is not None:
            return chinese.format(*found.groups())
    return quoted(plain, lang)


def say_key(key: str, lang: Lang) -> str:
    """A local key, made printable; one that medlens made up is translated.

    >>> say_key("series 2/image 14", "zh")
    '序列2/图像14'
    """
    plain = printable(key)
    if lang == "en":
        return plain
    for pattern, chinese in KEYS:
        plain = re.sub(pattern, chinese, plain)
    return plain


def say_rule(name: str, lang: Lang) -> str:
    """The rule of an operating point; a name of somebody's own as it stands."""
    if f"rule_{name}" in WORDS:
        return say(f"rule_{name}", lang)
    found = _RULE.fullmatch(name)
    if found is None:
        return quoted(printable(name), lang)
    percent = f"{float(found[2]) * 100:.10g}"
    return say(f"rule_{found[1]}", lang, value=percent)


def quoted(text: str, lang: Lang) -> str:
    """Text of another language within a sentence, in quotation marks."""
    if lang == "en" or not any(c.isascii() and c.isalpha() for c in text):
        return text
    return say("quoted", lang, text=text)


def printable(text: str) -> str:
    """Without line ends, control characters and marks that turn the line around."""
    plain = " ".join(text.split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)
