/** Texts of uploads. */

import { texts } from "~/core/text/lang";

export const t = texts({
  en: {
    files: "Choose files",
    folder: "Choose a folder",
    dropHere: "Drop images, a ZIP or a DICOM folder here",
    uploads: "Upload",
    going: "{done} of {all} files sent, {bytes}",
    done: "{all} files sent",
    oneDone: "1 file sent",
    stalled:
      "No connection. What is left is sent as soon as the service answers; keep this page open.",
    loggedOut:
      "Your log-in has ended. Log in again in another tab; what is left is then sent by itself. Keep this page open.",
    stop: "Stop",
    clear: "Clear the list",
    waiting: "waits",
    sending: "{share} %",
    checking: "is checked…",
    unreadable: "cannot be read",
    unreadableReason:
      "It was moved, changed or removed since it was chosen, or may not be read. Choose it again.",
    stored: "stored",
    duplicate: "already here",
    refused: "not taken",
    storedCount: "{count} stored",
    duplicateCount: "{count} already here",
    refusedCount: "{count} not taken",
    partly: "stored, but not all: {reason}",
    more: "and {count} more",
    nothing: "There was no file in what was dropped.",
    tooMany:
      "Only the first {most} files are sent. Send the rest in further parts, or as a ZIP.",
  },
  zh: {
    files: "选择文件",
    folder: "选择文件夹",
    dropHere: "将图像、ZIP 或 DICOM 文件夹拖放到此处",
    uploads: "上传",
    going: "已发送 {done}/{all} 个文件，{bytes}",
    done: "已发送 {all} 个文件",
    oneDone: "已发送 1 个文件",
    stalled: "连接已中断。服务恢复后将自动继续发送；请保持此页面打开。",
    loggedOut:
      "您的登录已失效。请在另一个标签页中重新登录，其余内容随后会自动发送。请保持此页面打开。",
    stop: "停止",
    clear: "清空列表",
    waiting: "等待中",
    sending: "{share} %",
    checking: "正在核对…",
    unreadable: "无法读取",
    unreadableReason: "文件在选择后被移动、更改或删除，或无权读取。请重新选择。",
    stored: "已存储",
    duplicate: "已存在",
    refused: "未接收",
    storedCount: "{count} 个已存储",
    duplicateCount: "{count} 个已存在",
    refusedCount: "{count} 个未接收",
    partly: "已存储，但有部分未接收：{reason}",
    more: "另有 {count} 个",
    nothing: "拖放的内容中没有文件。",
    tooMany: "只发送前 {most} 个文件。其余请分批发送，或打包为 ZIP。",
  },
});
