/** What comparing says. */

import { texts } from "~/core/text/lang";

export const t = texts({
  en: {
    layout1: "One pane",
    layout2: "Two panes side by side",
    layout4: "Four panes",
    nextPane: "Next pane",
    link: "Scroll the panes together",
    linkWindow: "Window the panes together",
    linkOn: "Panes scroll together by {how}.",
    byPosition: "position in the patient",
    byIndex: "image number: their planes or positions do not match",
    prior: "Compare with",
    noPrior: "No other study",
    newest: "{what} (newest earlier one)",
    later: "{what} (later)",
    unnamed: "Study {n}",
    otherPatient:
      "Pane {n} shows another patient: ID {there}. The study that is read has ID {here}.",
    unsurePatient:
      "Pane {n}: a Patient ID is missing, so it is not sure to be the same patient.",
    otherBirth:
      "Pane {n}: the Patient ID is the same, the birth date is another one. Make sure that it is the same patient.",
    mpr: "Planes through the volume (MPR)",
  },
  zh: {
    layout1: "单窗格",
    layout2: "左右两个窗格",
    layout4: "四个窗格",
    nextPane: "下一个窗格",
    link: "各窗格同步翻页",
    linkWindow: "各窗格同步窗宽窗位",
    linkOn: "各窗格按{how}同步翻页。",
    byPosition: "患者体内位置",
    byIndex: "图像序号同步：层面或位置不一致",
    prior: "对比",
    noPrior: "无其他检查",
    newest: "{what}（最近的既往检查）",
    later: "{what}（之后的检查）",
    unnamed: "检查 {n}",
    otherPatient:
      "窗格 {n} 显示的是另一位患者：ID {there}。正在阅片的检查 ID 为 {here}。",
    unsurePatient: "窗格 {n}：缺少患者 ID，无法确认是同一患者。",
    otherBirth: "窗格 {n}：患者 ID 相同，但出生日期不同。请确认是同一患者。",
    mpr: "多平面重建（MPR）",
  },
});
