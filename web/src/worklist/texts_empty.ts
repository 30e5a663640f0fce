/** Texts of a worklist without studies: how they come. */

import { texts } from "~/core/text/lang";

export const te = texts({
  en: {
    none: "There are no studies yet",
    noneHow: "Send one and it appears here by itself:",
    byDrop: "From this computer",
    byDropHow: "Drop images, a ZIP or a DICOM folder on this page, or choose them.",
    byDicom: "By DICOM (C-STORE)",
    noNode: "No DICOM node was started: “medlens serve --dicom-port 11112” starts one.",
    nodeTitle: "AE title",
    nodeHost: "Host",
    nodePort: "Port",
    nodeLocal:
      "Only this machine reaches it. Others do with “dicom_host” in the settings file.",
    nodeTls: "It speaks TLS alone.",
    nodeClosed: "It takes studies only from the nodes that its settings name.",
    byWeb: "By DICOMweb (STOW-RS)",
    byWebHow: "Send to",
    byTry: "To have a look",
    byTryHow: "Drop an image and see the answer:",
    toTry: "Try it",
    bySamples: "Or start with sample studies:",
  },
  zh: {
    none: "还没有检查",
    noneHow: "发送一项检查，它会自动出现在这里：",
    byDrop: "从本机上传",
    byDropHow: "将图像、ZIP 或 DICOM 文件夹拖放到此页面，或选择文件。",
    byDicom: "通过 DICOM（C-STORE）",
    noNode: "未启动 DICOM 节点：“medlens serve --dicom-port 11112”可启动。",
    nodeTitle: "AE 标题",
    nodeHost: "主机",
    nodePort: "端口",
    nodeLocal: "仅本机可访问。在设置文件中设定“dicom_host”后，其他机器即可访问。",
    nodeTls: "仅支持 TLS。",
    nodeClosed: "仅接收设置中列出的节点发来的检查。",
    byWeb: "通过 DICOMweb（STOW-RS）",
    byWebHow: "发送到",
    byTry: "先看一看",
    byTryHow: "拖放一幅图像即可看到分析结果：",
    toTry: "试用",
    bySamples: "或带示例检查启动：",
  },
});
