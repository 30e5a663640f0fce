import { type ComponentChildren, isValidElement, type VNode } from "preact";
import { expect, test } from "vitest";
import { elementsOf, isReadable, webAddress } from "./markdown";

/** Elements as text: `<p>…</p>`, with the address of links; components are called. */
function shown(each: ComponentChildren): string {
  if (Array.isArray(each)) return each.map(shown).join("");
  if (!isValidElement(each)) return each == null ? "" : String(each);
  const { type, props } = each as VNode<{ children?: ComponentChildren; href?: string }>;
  if (typeof type === "function") {
    return shown((type as (props: object) => ComponentChildren)(props));
  }
  const href = props.href ? ` href=${props.href}` : "";
  return `<${type}${href}>${shown(props.children)}</${type}>`;
}

const html = (text: string) => elementsOf(text, 3).map(shown).join("");

test("headings begin at the level that is asked for, and end at six", () => {
  expect(html("# Card\n\n##### Small\n")).toBe("<h3>Card</h3><h6>Small</h6>");
});

test("lists, code and emphasis", () => {
  expect(html("- a `b`\n- **c** *d*\n")).toBe(
    "<ul><li>a <code>b</code></li><li><strong>c</strong> <em>d</em></li></ul>",
  );
});

test("a table has heads and cells", () => {
  expect(html("| A | B |\n|---|---|\n| 1 | `2` |\n")).toContain(
    "<tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td><code>2</code></td></tr>",
  );
});

test("HTML stands there as text, pictures as their words", () => {
  const said = html(
    "<script>alert(1)</script>\n\na <b onclick=x>b</b> ![alt](http://x/y.png)",
  );
  expect(said).toBe("<p><script>alert(1)</script></p><p>a <b onclick=x>b</b> alt</p>");
  // Elements are named by `shown`; what looks like one above is a text child:
  const [first] = elementsOf("<script>alert(1)</script>", 3) as VNode<{
    children: unknown;
  }>[];
  expect(first?.type).toBe("p");
  expect(first?.props.children).toBe("<script>alert(1)</script>");
});

test("links lead to the web alone", () => {
  expect(html("[a](https://example.org/x)")).toBe(
    "<p><a href=https://example.org/x>a</a></p>",
  );
  expect(html("[a](javascript:alert%281%29)")).toBe("<p>a</p>");
  expect(html("[a](data:text/html,b)")).toBe("<p>a</p>");
  expect(html("[a](//example.org)")).toBe("<p>a</p>");
  expect(webAddress(" JaVaScRiPt:alert(1)")).toBeNull();
  expect(webAddress("/models")).toBeNull();
});

test("a card that would hold up the page is not read as Markdown", () => {
  expect(isReadable("# Card\n\n> quoted\n> > twice\n\n1. one\n   - two\n")).toBe(true);
  expect(isReadable(`fine\n${">".repeat(3_000)} deep`)).toBe(false);
  expect(isReadable(`${"- ".repeat(500)}deep`)).toBe(false);
  expect(isReadable("a".repeat(200_001))).toBe(false);
});
