/** Names of figures and rules, and what they say. */

import { texts } from "~/core/text/lang";

const TABLE = {
  en: {
    auroc: "AUROC",
    average_precision: "Average precision",
    accuracy: "Accuracy",
    balanced_accuracy: "Balanced accuracy",
    sensitivity: "Sensitivity",
    specificity: "Specificity",
    ppv: "PPV",
    npv: "NPV",
    f1: "F1",
    mcc: "Matthews correlation",
    brier: "Brier score",
    log_loss: "Log loss",
    ece: "Calibration error (ECE)",
    exact_match: "All labels right",
    dice: "Dice",
    dice_present: "Dice where it is there",
    surface_dice: "Surface Dice",
    hd95: "95 % Hausdorff distance (mm)",
    volume_error: "Size, error",
    volume_bias: "Size, bias",
    lesion_sensitivity: "Lesions found",
    hd95_px: "95 % Hausdorff distance (px)",
    volume_ml_error: "Volume, error (ml)",
    volume_ml_bias: "Volume, bias (ml)",
    area_mm2_error: "Area, error (mm²)",
    area_mm2_bias: "Area, bias (mm²)",
    size_px_error: "Size, error (px)",
    size_px_bias: "Size, bias (px)",
    false_positives_per_case: "False positives a case",
    presence_sensitivity: "Presence, sensitivity",
    presence_specificity: "Presence, specificity",
    meaning_auroc:
      "how often a random case with the label ranks above one without it; 0.5 is chance",
    meaning_average_precision:
      "area under the precision–recall curve; chance is the prevalence",
    meaning_accuracy: "share of cases that are right",
    meaning_balanced_accuracy: "accuracy with every label weighing the same",
    meaning_sensitivity: "share of cases with the label that are found",
    meaning_specificity: "share of cases without the label that are cleared",
    meaning_ppv: "share of positive answers that are right, at this prevalence",
    meaning_npv: "share of negative answers that are right, at this prevalence",
    meaning_f1: "harmonic mean of sensitivity and PPV",
    meaning_mcc: "agreement beyond chance; −1 to 1, 0 is chance",
    meaning_brier: "mean squared error of the probabilities; lower is better",
    meaning_log_loss: "mean surprise of the probabilities, in nats; lower is better",
    meaning_ece:
      "mean gap between stated probability and observed share; lower is better",
    meaning_dice: "overlap of mask and reference; 1 is perfect",
    meaning_dice_present: "the same, in cases whose reference has the label",
    meaning_surface_dice: "share of the border within the tolerance",
    meaning_hd95: "95th percentile of the distance between borders; lower is better",
    meaning_volume_error: "size of the error over the reference's size",
    meaning_volume_bias: "the same with its sign; above 0 is too large",
    meaning_lesion_sensitivity: "share of lesions that are touched by the answer",
    meaning_false_positives_per_case: "parts that were drawn and are not there",
    meaning_presence_sensitivity:
      "share of cases with the label in which anything is drawn",
    meaning_presence_specificity: "share of cases without it in which nothing is drawn",
    youden: "Youden (sensitivity + specificity)",
    sensitivityAtLeast: "sensitivity at least {share}",
    specificityAtLeast: "specificity at least {share}",
    mostAccurate: "highest accuracy",
  },
  zh: {
    auroc: "AUROC",
    average_precision: "平均精确率",
    accuracy: "准确率",
    balanced_accuracy: "平衡准确率",
    sensitivity: "灵敏度",
    specificity: "特异度",
    ppv: "阳性预测值",
    npv: "阴性预测值",
    f1: "F1",
    mcc: "马修斯相关系数",
    brier: "Brier 评分",
    log_loss: "对数损失",
    ece: "校准误差 (ECE)",
    exact_match: "全部标签正确",
    dice: "Dice",
    dice_present: "存在时的 Dice",
    surface_dice: "表面 Dice",
    hd95: "95 % Hausdorff 距离 (mm)",
    volume_error: "大小误差",
    volume_bias: "大小偏差",
    lesion_sensitivity: "检出的病灶",
    hd95_px: "95 % Hausdorff 距离 (px)",
    volume_ml_error: "体积误差 (ml)",
    volume_ml_bias: "体积偏差 (ml)",
    area_mm2_error: "面积误差 (mm²)",
    area_mm2_bias: "面积偏差 (mm²)",
    size_px_error: "大小误差 (px)",
    size_px_bias: "大小偏差 (px)",
    false_positives_per_case: "每例假阳性",
    presence_sensitivity: "存在判断灵敏度",
    presence_specificity: "存在判断特异度",
    meaning_auroc: "随机一例阳性排在随机一例阴性之前的概率；0.5 为随机水平",
    meaning_average_precision: "精确率–召回率曲线下面积；随机水平等于患病率",
    meaning_accuracy: "判断正确的病例比例",
    meaning_balanced_accuracy: "各标签权重相同的准确率",
    meaning_sensitivity: "有该标签的病例中被检出的比例",
    meaning_specificity: "无该标签的病例中被排除的比例",
    meaning_ppv: "在此患病率下，阳性回答中正确的比例",
    meaning_npv: "在此患病率下，阴性回答中正确的比例",
    meaning_f1: "灵敏度与阳性预测值的调和平均",
    meaning_mcc: "超出随机的一致性；−1 至 1，0 为随机",
    meaning_brier: "概率的均方误差；越低越好",
    meaning_log_loss: "概率的平均惊异度（奈特）；越低越好",
    meaning_ece: "所述概率与观察比例的平均差距；越低越好",
    meaning_dice: "掩膜与参考的重叠；1 为完美",
    meaning_dice_present: "同上，仅限参考中有该标签的病例",
    meaning_surface_dice: "边界在容差之内的比例",
    meaning_hd95: "边界间距离的第 95 百分位；越低越好",
    meaning_volume_error: "误差大小与参考大小之比",
    meaning_volume_bias: "同上带符号；大于 0 为偏大",
    meaning_lesion_sensitivity: "被回答触及的病灶比例",
    meaning_false_positives_per_case: "勾画了但不存在的部分",
    meaning_presence_sensitivity: "有该标签的病例中有勾画的比例",
    meaning_presence_specificity: "无该标签的病例中未勾画的比例",
    youden: "Youden（灵敏度 + 特异度）",
    sensitivityAtLeast: "灵敏度至少 {share}",
    specificityAtLeast: "特异度至少 {share}",
    mostAccurate: "准确率最高",
  },
} as const;

/** Names that are known: `tn("auroc")`. */
export const tn = texts(TABLE);

type Key = Parameters<typeof tn>[0];

const isKnown = (key: string): key is Key => key in TABLE.en;

/** The name of a figure; its own word where it has none. */
export function nameOf(figure: string): string {
  return isKnown(figure) ? tn(figure) : figure.replaceAll("_", " ");
}

/** What a figure says; "" where its name says it all. */
export function meaningOf(figure: string): string {
  const key = `meaning_${figure}`;
  return isKnown(key) ? tn(key) : "";
}

/** A rule that chose a threshold, in words: "sensitivity>=0.95". */
export function ruleOf(rule: string): string {
  if (rule === "youden") return tn("youden");
  if (rule === "accuracy") return tn("mostAccurate");
  const found = /^(sensitivity|specificity)>=([\d.]+)$/.exec(rule);
  if (!found) return rule;
  const share = `${Math.round(1000 * Number(found[2])) / 10} %`;
  const key = found[1] === "sensitivity" ? "sensitivityAtLeast" : "specificityAtLeast";
  return tn(key, { share });
}
