import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { base64, crc32, maskPng } from "./png";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

test("the check sum is that of the standard's check word", () => {
  // "123456789" has CRC-32 CBF43926 in every table of check sums.
  expect(crc32(ascii("123456789"))).toBe(0xcbf43926);
});

test("a mask of 2 by 3 becomes an 8-bit grey picture of that size", async () => {
  const png = await maskPng(Uint8Array.from([1, 0, 0, 0, 0, 7]), 2, 3);
  const view = new DataView(png.buffer);
  expect([...png.slice(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([3, 2]); // width, height
  expect([...png.slice(24, 29)]).toEqual([8, 0, 0, 0, 0]);
  const length = view.getUint32(33);
  expect(String.fromCharCode(...png.slice(37, 41))).toBe("IDAT");
  const rows = inflateSync(png.slice(41, 41 + length));
  expect([...rows]).toEqual([0, 255, 0, 0, 0, 0, 0, 255]);
});

test("a mask of another size is refused", async () => {
  await expect(maskPng(new Uint8Array(5), 2, 3)).rejects.toThrow(
    /5 values, wanted 2 × 3/,
  );
});

test("bytes go into base 64", () => {
  expect(base64(ascii("Man"))).toBe("TWFu");
  expect(base64(new Uint8Array(100_000)).length).toBe(133_336);
});
