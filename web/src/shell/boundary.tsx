/** One part of the page that breaks leaves the others standing. */

import { Component, type ComponentChildren } from "preact";
import { Icon } from "./icon";
import { t } from "./texts";

interface State {
  readonly error: unknown;
}

/** Shows its children, or what to do where they broke. */
export class Boundary extends Component<{ children: ComponentChildren }, State> {
  override state: State = { error: null };

  override componentDidCatch(error: unknown): void {
    this.setState({ error });
    console.error(error);
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Reload title={t("broken")} hint={t("brokenHint")} />;
  }
}

/** What does not work before the page is loaded anew, with a button that does it. */
export function Reload({ title, hint }: { title: string; hint: string }) {
  return (
    <div class="failure" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{title}</strong>
        <p>{hint}</p>
      </div>
      <button type="button" class="button" onClick={() => location.reload()}>
        {t("reload")}
      </button>
    </div>
  );
}
