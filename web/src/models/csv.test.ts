import { expect, test } from "vitest";
import { headOf, likelyLabel, likelyPatient } from "./csv";

const bytes = (text: string) => new TextEncoder().encode(text);

test("names and values of columns, with quotes and a mark of order", () => {
  const head = headOf(
    bytes(
      '\ufeffimage,label,"note, free"\r\na.png,1,"said ""no""\nnew line"\r\nb.png,0,\r\n',
    ),
  );
  expect(head.columns).toEqual(["image", "label", "note, free"]);
  expect(head.samples).toEqual([["a.png", "b.png"], ["1", "0"], ['said "no"\nnew line']]);
});

test("semicolons, tabs and the hint of spreadsheets", () => {
  expect(headOf(bytes("image;label\na;1\n")).columns).toEqual(["image", "label"]);
  expect(headOf(bytes('"a,b"\tc\td\n')).columns).toEqual(["a,b", "c", "d"]);
  expect(headOf(bytes("sep=|\na|b\n1|2\n")).samples).toEqual([["1"], ["2"]]);
});

test("UTF-16 and GB 2312 are read", () => {
  const wide = new Uint8Array([0xff, 0xfe, 0x61, 0, 0x2c, 0, 0x62, 0, 0x0a, 0]);
  expect(headOf(wide).columns).toEqual(["a", "b"]);
  // 标签 in GB 2312
  const chinese = new Uint8Array([0xb1, 0xea, 0xc7, 0xa9, 0x2c, 0x62, 0x0a]);
  expect(headOf(chinese).columns).toEqual(["标签", "b"]);
});

test("a row that is cut off is left out, and so is half a character", () => {
  const cut = bytes("a,b\n1,2\n3,中").slice(0, -1);
  expect(headOf(cut, false).samples).toEqual([["1"], ["2"]]);
  expect(headOf(bytes("a,b"), false).columns).toEqual(["a", "b"]);
});

test("no more rows are read than asked for", () => {
  const many = Array.from({ length: 1000 }, (_, at) => `${at},x`).join("\n");
  expect(headOf(bytes(`a,b\n${many}`), true, 5).samples[0]).toHaveLength(6);
});

test("nothing is no column", () => {
  expect(headOf(bytes("")).columns).toEqual([]);
});

test("likely columns, and none where it is not clear", () => {
  const head = headOf(bytes("image,patient_id,diagnosis\n"));
  expect(likelyLabel(head)).toBe("diagnosis");
  expect(likelyPatient(head)).toBe("patient_id");
  const unclear = headOf(bytes("image,finding_a,finding_b\n"));
  expect(likelyLabel(unclear)).toBe("");
  expect(likelyPatient(unclear)).toBe("");
});
