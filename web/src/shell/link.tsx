/** Links within the page: one click goes there, all else is the browser's. */

import type { ComponentChildren } from "preact";
import { go } from "~/core/route";

interface Props {
  readonly to: string;
  readonly children?: ComponentChildren;
  readonly class?: string;
  readonly id?: string;
  readonly title?: string;
  readonly tabIndex?: number;
  readonly "aria-current"?: "page" | undefined;
  readonly "aria-label"?: string;
}

/** `<Link to="/models">Models</Link>`. */
export function Link({ to, children, ...rest }: Props) {
  const follow = (event: MouseEvent) => {
    const isPlain =
      event.button === 0 &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.shiftKey &&
      !event.altKey;
    if (!isPlain) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a {...rest} href={to} onClick={follow}>
      {children}
    </a>
  );
}
