"""The words of a reader's report, English and Chinese side by side in one table."""

from __future__ import annotations

import re

from medlens.core.terms import Lang

WORDS: dict[str, tuple[str, str]] = {
    # what it is
    "title": ("Imaging report", "影像诊断报告"),
    "draft": ("Draft – not signed", "草稿 – 未签署"),
    "watermark": ("DRAFT", "草 稿"),
    "signed": ("Signed report", "已签署报告"),
    "amended": ("Amended report", "更正报告"),
    # whom it is about
    "patient": ("Patient", "姓名"),
    "patient_id": ("Patient ID", "患者编号"),
    "birth_date": ("Born", "出生日期"),
    "sex": ("Sex", "性别"),
    "study_date": ("Study date", "检查日期"),
    "modalities": ("Modality", "检查类型"),
    "description": ("Study", "检查项目"),
    "accession_number": ("Accession no.", "检查号"),
    "referring_physician": ("Referred by", "申请医师"),
    "male": ("male", "男"),
    "female": ("female", "女"),
    "other": ("other", "其他"),
    # sections
    "indication": ("Indication", "临床资料"),
    "examined": ("Examination", "检查方法"),
    "findings": ("Findings", "影像所见"),
    "comparison": ("Comparison", "对比"),
    "impression": ("Impression", "诊断印象"),
    "key_image": ("Key image", "关键图像"),
    # who says so
    "signed_by": ("Signed by {author}, {moment}", "签署医师：{author}，{moment}"),
    "kept_by": (
        "Kept by {author}, {moment}. Not signed.",
        "保存者：{author}，{moment}。未签署。",
    ),
    "version": ("Version {version}", "第{version}版"),
    "takes_place": (
        "It takes the place of version {version}, which is kept.",
        "本版替代第{version}版，原版仍予保留。",
    ),
    "reason": ("Reason for the change: {reason}", "更正原因：{reason}"),
    "drafted_from": (
        "Drafted from AI result {result} of {moment}.",
        "根据人工智能结果 {result}（{moment}）起草。",
    ),
    "newer_result": (
        "When this version was made there was a newer AI result, {result} of {moment}, "
        "that the draft does not contain.",
        "形成本版时已有更新的人工智能结果 {result}（{moment}），草稿未包含其内容。",
    ),
    # marks of sentences
    "ai": ("[AI]", "[AI]"),
    "ai_accepted": ("[AI, accepted]", "[AI，已认可]"),
    "ai_corrected": ("[AI, corrected]", "[AI，已更正]"),
    "ai_disputed": ("[AI, readers disagree]", "[AI，意见不一]"),
    "by_reader": ("[reader]", "[医师]"),
    "ai_open": (
        "[AI]: proposed by software; AI, not verified.",
        "[AI]：由软件提出；人工智能结果，未经核实。",
    ),
    "ai_signed": (
        "[AI]: first proposed by software, taken over by who signed.",
        "[AI]：最初由软件提出，经签署医师审核采纳。",
    ),
    "box_of": ("box: {name}", "方框：{name}"),
    "no_glyph": (
        "□ stands for a character that this file has no shape for; the report as "
        "text holds it.",
        "□ 表示本文件字体未包含的字符；文本格式的报告中保留原字符。",
    ),
    # at the foot
    "page": ("Page {page} of {pages}", "第{page}页，共{pages}页"),
    "study": ("Study {study}", "检查 {study}"),
    "digest": ("SHA-256 of the content {digest}", "内容 SHA-256 {digest}"),
    "notice": (
        "medlens is research software, not a medical device.",
        "medlens 为研究软件，不是医疗器械。",
    ),
}
SEXES = {"M": "male", "F": "female", "O": "other"}
_AI = re.compile(r"\[AI[,\]，]")


def say(key: str, lang: Lang, /, **values: object) -> str:
    """A word or sentence with its values filled in."""
    english, chinese = WORDS[key]
    return (english if lang == "en" else chinese).format(**values)


def has_ai(text: str) -> bool:
    """Whether a sentence of a text is marked as one that software proposed.

    >>> has_ai("Nodule. [AI]"), has_ai("[AI, accepted] Nodule."), has_ai("AI")
    (True, True, False)
    """
    return _AI.search(text) is not None


def say_ai(lang: Lang, *, is_signed: bool) -> str:
    """What the mark means in a report: nobody's word, or the signer's."""
    return say("ai_signed" if is_signed else "ai_open", lang)
