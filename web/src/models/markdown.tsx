/**
 * Markdown as elements: a tree is read and walked, no HTML is ever made of text. What a
 * bundle's maker wrote is hostile until shown: HTML stands there as text, pictures as
 * their words, links lead to http(s) alone.
 */

import type { Nodes, PhrasingContent, RootContent, Table } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmTableFromMarkdown } from "mdast-util-gfm-table";
import { gfmTable } from "micromark-extension-gfm-table";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { Scroll } from "./parts";

/** Longer cards than this would hold up the page; no maker writes one by hand. */
const LONGEST = 200_000;
const DEEPEST = 40;

/** A text in Markdown; its first heading is one of level `top`. */
export function Markdown({ text, top = 3 }: { text: string; top?: number }) {
  const elements = useMemo(
    () => (isReadable(text) ? elementsOf(text, top) : [<pre>{text}</pre>]),
    [text, top],
  );
  return <div class="models-markdown">{elements}</div>;
}

/** False of a text that is too long, or nested too deep, to be read as Markdown. */
export function isReadable(text: string): boolean {
  if (text.length > LONGEST) return false;
  return !new RegExp(`^(?:[ \\t]*(?:>|[-*+]|\\d+[.)])){${DEEPEST},}`, "m").test(text);
}

/** The elements of a text, block by block. */
export function elementsOf(text: string, top: number): readonly ComponentChildren[] {
  const tree = fromMarkdown(text, {
    extensions: [gfmTable()],
    mdastExtensions: [gfmTableFromMarkdown()],
  });
  return tree.children.map((each) => block(each, top));
}

/** The address where it is one of the web, else null. */
export function webAddress(url: string): string | null {
  try {
    const found = new URL(url);
    return ["http:", "https:"].includes(found.protocol) ? found.href : null;
  } catch {
    return null;
  }
}

/** The words of a node and of all below it. */
export function wordsOf(node: Nodes): string {
  if ("value" in node) return node.value;
  if ("alt" in node) return node.alt ?? "";
  return "children" in node ? node.children.map(wordsOf).join("") : "";
}

function block(node: RootContent, top: number): ComponentChildren {
  const inner = () => ("children" in node ? node.children : []) as RootContent[];
  switch (node.type) {
    case "heading": {
      const Level = `h${Math.min(6, node.depth + top - 1)}` as "h3";
      return <Level>{node.children.map(phrase)}</Level>;
    }
    case "paragraph":
      return <p>{node.children.map(phrase)}</p>;
    case "list": {
      const items = node.children.map((item) => (
        <li>{item.children.map((each) => listed(each, top))}</li>
      ));
      return node.ordered ? <ol start={node.start ?? 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case "code":
      return <pre>{node.value}</pre>;
    case "blockquote":
      return <blockquote>{inner().map((each) => block(each, top))}</blockquote>;
    case "table":
      return <GridTable table={node} />;
    case "thematicBreak":
      return <hr />;
    case "html":
      return <p>{node.value}</p>;
    default:
      return null;
  }
}

/** A paragraph that is all of an item stands without its distance. */
function listed(node: RootContent, top: number): ComponentChildren {
  return node.type === "paragraph" ? node.children.map(phrase) : block(node, top);
}

function phrase(node: PhrasingContent): ComponentChildren {
  switch (node.type) {
    case "text":
    case "html":
      return node.value;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "strong":
      return <strong>{node.children.map(phrase)}</strong>;
    case "emphasis":
      return <em>{node.children.map(phrase)}</em>;
    case "break":
      return <br />;
    case "link": {
      const to = webAddress(node.url);
      const words = node.children.map(phrase);
      if (!to) return words;
      return (
        <a href={to} target="_blank" rel="noopener noreferrer nofollow">
          {words}
        </a>
      );
    }
    default:
      return wordsOf(node);
  }
}

function GridTable({ table }: { table: Table }) {
  const [head, ...rows] = table.children;
  const name = head ? wordsOf(head) : "";
  return (
    <Scroll name={name}>
      <table class="table">
        <thead>
          <tr>
            {head?.children.map((cell) => (
              <th scope="col">{cell.children.map(phrase)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.children.map((cell) => (
                <td>{cell.children.map(phrase)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
