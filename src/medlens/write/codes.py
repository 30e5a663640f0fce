"""Codes that results are written with, in English and Chinese.

Concepts of DICOM, SNOMED CT, NCIt and UCUM keep their code; what none of them has is
coded under 99MEDLENS, whose list is this file. "Probability of cancer" (111047, DCM)
and "Probability" (122157, DCM, of ECG statements) are not what a calibrated bundle
says, so that its number has a concept of its own.
"""

from __future__ import annotations

import hashlib

from medlens.core.diagnosis import Code
from medlens.core.terms import Lang

SCHEME = "99MEDLENS"

# name: (code value, English, Chinese)
CONCEPTS: dict[str, tuple[str, str, str]] = {
    "probability": ("PROBABILITY", "Calibrated probability", "校准概率"),
    "threshold": ("THRESHOLD", "Threshold of the operating point", "工作点阈值"),
    "operating_point": ("OPERATING_POINT", "Operating point", "工作点"),
    "presence": ("PRESENCE", "Presence of finding", "所见是否存在"),
    "label": ("LABEL", "Label of the algorithm", "算法标签"),
    "slice_number": ("SLICE_NUMBER", "Slice that shows it best", "最佳显示层面"),
    "box": ("BOX", "Box around it on that slice", "该层面上的外接框"),
    "slices": ("SLICES", "Slices on which it is present", "存在该所见的层面"),
    "parts": ("PARTS", "Connected pieces", "相连部分数"),
    "trend": ("TREND", "Change since the prior study", "与既往检查相比的变化"),
    "prior_longest_diameter": (
        "PRIOR_DIAMETER",
        "Longest diameter in the prior study",
        "既往检查最长径",
    ),
    "prior_volume": ("PRIOR_VOLUME", "Volume in the prior study", "既往检查体积"),
    "prior_area": ("PRIOR_AREA", "Area in the prior study", "既往检查面积"),
    "prior_probability": (
        "PRIOR_PROB",
        "Calibrated probability in the prior study",
        "既往检查校准概率",
    ),
    "days": ("PRIOR_DAYS", "Days since the prior study", "距既往检查天数"),
    "centre_x": ("CENTRE_X", "Centre towards the left", "中心坐标（向左）"),
    "centre_y": ("CENTRE_Y", "Centre towards the back", "中心坐标（向后）"),
    "centre_z": ("CENTRE_Z", "Centre towards the head", "中心坐标（向头）"),
    "frame": ("FRAME", "Frame of the image", "图像帧"),
    "images": ("IMAGES", "Images that were looked at", "评估的图像数"),
    "assessment": ("ASSESSMENT", "Assessment by an algorithm", "算法评估"),
    "status": ("STATUS", "Status of the assessment", "评估状态"),
    "advice": ("ADVICE", "Advice", "建议"),
    "modality": ("MODALITY", "Modality", "检查设备类型"),
    "body_part": ("BODY_PART", "Body part of the source", "检查部位"),
    "prediction_set": (
        "PREDICTION_SET",
        "Label that cannot be ruled out",
        "不能排除的标签",
    ),
    "coverage": ("COVERAGE", "Coverage of the prediction set", "预测集覆盖率"),
    "outside": ("OUTSIDE", "Unlike the training images", "与训练影像不符"),
    "outside_score": ("OUTSIDE_SCORE", "Out-of-distribution score", "分布外评分"),
    "outside_threshold": (
        "OUTSIDE_LIMIT",
        "Out-of-distribution threshold",
        "分布外阈值",
    ),
    "reason": ("REASON", "Reason for no answer", "无结果原因"),
    "note": ("NOTE", "Note on the series", "序列备注"),
    "left_out": ("LEFT_OUT", "Left out of the assessment", "未纳入评估"),
    "left_out_reason": ("LEFT_OUT_REASON", "Reason for leaving out", "未纳入原因"),
    "has_prior": ("HAS_PRIOR", "Compared with a prior study", "已与既往检查比较"),
    "notice": ("NOTICE", "Notice", "声明"),
    "ai_mark": ("AI_MARK", "Meaning of the mark [AI]", "标记[AI]的含义"),
    "drafted_from": (
        "DRAFTED_FROM",
        "AI result that the draft was made from",
        "起草所依据的人工智能结果",
    ),
    "reason_of_change": ("REASON_OF_CHANGE", "Reason for the change", "更正原因"),
}
VALUES: dict[str, tuple[str, str, str]] = {
    "assessed": ("ASSESSED", "Assessed", "已评估"),
    "not_assessable": ("NOT_ASSESSABLE", "Not assessable", "无法评估"),
    "nothing_found": (
        "NOTHING_FOUND",
        "Nothing above its threshold",
        "未见超过阈值的所见",
    ),
    "measured": ("MEASURED", "Measured; nothing was looked for", "仅测量，未作判断"),
    "refer": ("REFER", "Refer to a reader", "请医师阅片"),
    "unsure": ("UNSURE", "Unsure: refer to a reader", "不确定：请医师阅片"),
    "outside": (
        "OUTSIDE",
        "Unlike the training images: do not rely",
        "与训练影像不符：不可采信",
    ),
    "new": ("NEW", "New", "新发"),
    "gone": ("GONE", "No longer seen", "未再见到"),
    "larger": ("LARGER", "Larger", "增大"),
    "smaller": ("SMALLER", "Smaller", "缩小"),
    "stable": ("STABLE", "Stable", "稳定"),
    "uncertain": ("UNCERTAIN", "Change uncertain", "变化不确定"),
}
NOTICES = {
    "en": "AI result, not verified. Research software, not a medical device.",
    "zh": "AI 结果，未经核实。研究软件，不是医疗器械。",
}
SOFTWARE_NOTICE = {
    "en": "Written with research software, not a medical device.",
    "zh": "使用研究软件书写，该软件不是医疗器械。",
}
CORNER = {"en": "AI result, not verified", "zh": "AI 结果，未经核实"}
"""What is burned into a Secondary Capture."""
LANGUAGES = {
    "en": Code("en-US", "RFC5646", "English (United States)"),
    "zh": Code("zh-CN", "RFC5646", "Chinese (China)"),
}

PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("2667000", "SCT", "Absent")
YES = Code("373066001", "SCT", "Yes")
NO = Code("373067005", "SCT", "No")
LATERALITY = Code("272741003", "SCT", "Laterality")
SIDES = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
    "bilateral": Code("51440002", "SCT", "Bilateral"),
    "midline": Code("261129000", "SCT", "Midline"),
}
QUANTITIES = {
    "longest_diameter": Code("103339001", "SCT", "Long axis"),
    "volume": Code("118565006", "SCT", "Volume"),
    "area": Code("42798000", "SCT", "Area"),
}
UNITS = {
    "1": Code("1", "UCUM", "no units"),
    "d": Code("d", "UCUM", "day"),
    "mm": Code("mm", "UCUM", "millimeter"),
    "ml": Code("ml", "UCUM", "milliliter"),
    "mm2": Code("mm2", "UCUM", "square millimeter"),
    "{pixels}": Code("{pixels}", "UCUM", "pixels"),
}
# CID 100 and 29 by the modality of the source (PS3.3 C.7.3.1.1.1).
PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "MR": Code("113091000", "SCT", "Magnetic resonance imaging"),
    "US": Code("16310003", "SCT", "Diagnostic ultrasonography"),
    "CR": Code("168537006", "SCT", "Plain radiography"),
    "DX": Code("168537006", "SCT", "Plain radiography"),
    "MG": Code("71651007", "SCT", "Mammography"),
}
ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")
# Body Part Examined → SNOMED CT, of PS3.16 Annex L.
BODY_PARTS = {
    "ABDOMEN": Code("818981001", "SCT", "Abdomen"),
    "ANKLE": Code("70258002", "SCT", "Ankle joint"),
    "BRAIN": Code("12738006", "SCT", "Brain"),
    "BREAST": Code("76752008", "SCT", "Breast"),
    "CHEST": Code("816094009", "SCT", "Chest"),
    "CSPINE": Code("122494005", "SCT", "Cervical spine"),
    "ELBOW": Code("16953009", "SCT", "Elbow joint"),
    "EXTREMITY": Code("66019005", "SCT", "Extremity"),
    "FOOT": Code("56459004", "SCT", "Foot"),
    "HAND": Code("85562004", "SCT", "Hand"),
    "HEAD": Code("69536005", "SCT", "Head"),
    "HEART": Code("80891009", "SCT", "Heart"),
    "HIP": Code("24136001", "SCT", "Hip joint"),
    "KIDNEY": Code("64033007", "SCT", "Kidney"),
    "KNEE": Code("72696002", "SCT", "Knee"),
    "LIVER": Code("10200004", "SCT", "Liver"),
    "LSPINE": Code("122496007", "SCT", "Lumbar spine"),
    "LUNG": Code("39607008", "SCT", "Lung"),
    "NECK": Code("45048000", "SCT", "Neck"),
    "PELVIS": Code("12921003", "SCT", "Pelvis"),
    "PROSTATE": Code("41216001", "SCT", "Prostate"),
    "SHOULDER": Code("16982005", "SCT", "Shoulder"),
    "SKULL": Code("89546000", "SCT", "Skull"),
    "SPINE": Code("421060004", "SCT", "Spine"),
    "TSPINE": Code("122495006", "SCT", "Thoracic spine"),
    "WRIST": Code("74670003", "SCT", "Wrist joint"),
}


def concept(name: str, lang: Lang = "en") -> Code:
    """The 99MEDLENS name of a content item."""
    return _in_language(CONCEPTS[name], lang)


def value(name: str, lang: Lang = "en") -> Code:
    """The 99MEDLENS code of a value: an advice, a status, a trend."""
    return _in_language(VALUES[name], lang)


def value_name(code_value: str) -> str:
    """The word of `core.diagnosis` that a code of `value` stands for."""
    return next(name for name, row in VALUES.items() if row[0] == code_value)


def label_code(label: str, code: Code | None) -> Code:
    """A finding's code, or one of 99MEDLENS made from its label.

    The value of the latter is a digest of the label, so that equal labels are equal
    codes and none breaks the 16 characters of a code value.
    """
    from medlens.write.values import clean_text

    if code is not None and len(code.value) <= 16:
        return Code(code.value, code.scheme, clean_text(code.meaning, 64) or label)
    digest = hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()
    return Code(f"L{digest[:12].upper()}", SCHEME, clean_text(label, 64) or "?")


def _in_language(row: tuple[str, str, str], lang: Lang) -> Code:
    return Code(row[0], SCHEME, row[2 if lang == "zh" else 1])
