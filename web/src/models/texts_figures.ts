/** Texts of figures and charts. */

import { texts } from "~/core/text/lang";

export const tf = texts({
  en: {
    fromTo: "{low} to {high}",
    asTable: "Show as table",
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
    hd95: "95 % Hausdorff distance",
    volume_error: "Size, error",
    volume_bias: "Size, bias",
    lesion_sensitivity: "Lesions found",
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
    figure: "Figure",
    value: "Value",
    interval: "95 % interval",
    meaning: "What it says",
    roc: "ROC curve",
    rocOf: "ROC curve: {label}",
    rocSaid:
      "AUROC {auroc}. Of all cases with {label}, the share that is found, against the share of the others that is called wrongly, at every threshold.",
    falsePositives: "1 − specificity",
    truePositives: "Sensitivity",
    chance: "chance",
    pointAt: "{rule}, threshold {threshold}",
    chosen: "decides",
    crosses: "Crosses show 95 % intervals. The filled point decides.",
    threshold: "Threshold",
    rule: "Rule",
    curve: "Curve",
    confusion: "Confusion matrix",
    confusionSaid:
      "Rows: what is true. Columns: what was decided. Shares are of the row.",
    reference: "Reference",
    decision: "Decided",
    all: "All",
    mistaken: "Most often mistaken: {list}.",
    mistake: "{reference} taken for {decision} ({count})",
    calibration: "Calibration: {label}",
    calibrationSaid:
      "Calibration error {ece}. On the diagonal, what is promised is what happens. Bars show 95 % intervals; below, how many cases each bin has.",
    promised: "Promised probability",
    observed: "Observed share",
    cases: "Cases",
    patients: "Patients",
    bin: "Bin",
    perfect: "as promised",
    subgroups: "Subgroups",
    subgroupsSaid:
      "Each group with its 95 % interval; the line is all cases. A group whose interval leaves out the line deserves a look: of 20 such groups, one does by chance.",
    noSubgroups:
      "No subgroups: no column of the test set had two values with 10 cases or more each.",
    fewCases: "fewer than 10 cases: nearly anything is possible",
    smallLeftOut: "Groups of fewer than 10 cases are not measured.",
    group: "Group",
    everybody: "All cases",
    spread: "Dice, case by case: {label}",
    spreadSaid:
      "Half of the cases lie between {low} and {high}; the middle one has {middle}. {none}",
    spreadNone: "{count} cases have no Dice: it was not there, and nothing was drawn.",
    eachCase: "all labels",
    youden: "Youden (sensitivity + specificity)",
    sensitivityAtLeast: "sensitivity at least {share}",
    specificityAtLeast: "specificity at least {share}",
    mostAccurate: "highest accuracy",
    noCases: "No cases.",
    shipped: "Shipped with the bundle",
    external: "This evaluation",
  },
  zh: {
    fromTo: "{low} 至 {high}",
    asTable: "以表格显示",
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
    hd95: "95 % Hausdorff 距离",
    volume_error: "大小误差",
    volume_bias: "大小偏差",
    lesion_sensitivity: "检出的病灶",
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
    figure: "指标",
    value: "数值",
    interval: "95 % 区间",
    meaning: "含义",
    roc: "ROC 曲线",
    rocOf: "ROC 曲线：{label}",
    rocSaid:
      "AUROC {auroc}。在每个阈值下，有{label}的病例中被检出的比例，与其余病例中被误判的比例。",
    falsePositives: "1 − 特异度",
    truePositives: "灵敏度",
    chance: "随机",
    pointAt: "{rule}，阈值 {threshold}",
    chosen: "用于决定",
    crosses: "十字为 95 % 区间。实心点用于决定。",
    threshold: "阈值",
    rule: "规则",
    curve: "曲线",
    confusion: "混淆矩阵",
    confusionSaid: "行：真实情况。列：所作决定。比例按行计算。",
    reference: "参考",
    decision: "决定",
    all: "合计",
    mistaken: "最常混淆：{list}。",
    mistake: "{reference} 被判为 {decision}（{count}）",
    calibration: "校准：{label}",
    calibrationSaid:
      "校准误差 {ece}。在对角线上，所述概率即实际发生的比例。线段为 95 % 区间；下方为每组病例数。",
    promised: "所述概率",
    observed: "观察比例",
    cases: "病例",
    patients: "患者",
    bin: "分组",
    perfect: "与所述一致",
    subgroups: "亚组",
    subgroupsSaid:
      "每组及其 95 % 区间；竖线为全部病例。区间不含竖线的组值得关注：20 个这样的组中，约有一个出于偶然。",
    noSubgroups: "没有亚组：测试集中没有一列有两个各含 10 例以上的取值。",
    fewCases: "少于 10 例：几乎任何结果都可能",
    smallLeftOut: "少于 10 例的组不作计算。",
    group: "组",
    everybody: "全部病例",
    spread: "逐例 Dice：{label}",
    spreadSaid: "一半病例在 {low} 与 {high} 之间；中位数为 {middle}。{none}",
    spreadNone: "{count} 例没有 Dice：目标不存在，也未勾画。",
    eachCase: "全部标签",
    youden: "Youden（灵敏度 + 特异度）",
    sensitivityAtLeast: "灵敏度至少 {share}",
    specificityAtLeast: "特异度至少 {share}",
    mostAccurate: "准确率最高",
    noCases: "没有病例。",
    shipped: "随模型包提供",
    external: "本次评估",
  },
});

type Key = Parameters<typeof tf>[0];

/** Figures that have a name here. */
const NAMED: readonly string[] = [
  "auroc",
  "average_precision",
  "accuracy",
  "balanced_accuracy",
  "sensitivity",
  "specificity",
  "ppv",
  "npv",
  "f1",
  "mcc",
  "brier",
  "log_loss",
  "ece",
  "exact_match",
  "dice",
  "dice_present",
  "surface_dice",
  "hd95",
  "volume_error",
  "volume_bias",
  "lesion_sensitivity",
];
const EXPLAINED: readonly string[] = [...NAMED.slice(0, 13), "dice"];

/** The name of a figure; its own word where it has none. */
export function nameOf(figure: string): string {
  return NAMED.includes(figure) ? tf(figure as Key) : figure.replaceAll("_", " ");
}

/** What a figure says; "" where its name says it all. */
export function meaningOf(figure: string): string {
  return EXPLAINED.includes(figure) ? tf(`meaning_${figure}` as Key) : "";
}

/** A rule that chose a threshold, in words: "sensitivity>=0.95". */
export function ruleOf(rule: string): string {
  if (rule === "youden") return tf("youden");
  if (rule === "accuracy") return tf("mostAccurate");
  const found = /^(sensitivity|specificity)>=([\d.]+)$/.exec(rule);
  if (!found) return rule;
  const share = `${Math.round(1000 * Number(found[2])) / 10} %`;
  const key = found[1] === "sensitivity" ? "sensitivityAtLeast" : "specificityAtLeast";
  return tf(key, { share });
}
