/** Texts of overlay planes. */

import { texts } from "~/core/text/lang";

export const t = texts({
  en: {
    planes: "Overlays of the file: {names}",
    graphics: "Graphics of the file",
    region: "Region of interest of the file",
    failed: "An overlay of the file cannot be shown: its data are missing or cut short.",
    hidden: "Overlays of the file are hidden ({key})",
    toggle: "Show or hide the overlays of the file",
    nowShown: "The overlays of the file are shown.",
    nowHidden: "The overlays of the file are hidden.",
    mean: "mean {mean}, as the file says",
    meanAndDeviation: "mean {mean}, SD {deviation}, as the file says",
  },
  zh: {
    planes: "文件中的叠加层：{names}",
    graphics: "文件中的图形",
    region: "文件中的感兴趣区",
    failed: "文件中的一个叠加层无法显示：其数据缺失或不完整。",
    hidden: "已隐藏文件中的叠加层（{key}）",
    toggle: "显示或隐藏文件中的叠加层",
    nowShown: "已显示文件中的叠加层。",
    nowHidden: "已隐藏文件中的叠加层。",
    mean: "均值 {mean}（据文件）",
    meanAndDeviation: "均值 {mean}，标准差 {deviation}（据文件）",
  },
});
