/** Light, dark, or as the system says: a menu in the head of the page. */

import { useRef } from "preact/hooks";
import { THEMES, theme } from "~/core/prefs";
import { Icon } from "./icon";
import { useMenu } from "./menu";
import { t } from "./texts";
import { isDark } from "./theme";

/** The menu of looks. */
export function ThemeMenu() {
  const menu = useRef<HTMLDetailsElement>(null);
  useMenu(menu);
  return (
    <details class="menu" ref={menu}>
      <summary class="icon-button" aria-label={t("theme")}>
        <Icon name={isDark.value ? "moon" : "sun"} />
      </summary>
      <div class="menu-body">
        {THEMES.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={theme.value === each}
            onClick={() => {
              theme.value = each;
              menu.current?.removeAttribute("open");
            }}
          >
            <Icon name={theme.value === each ? "check" : "blank"} /> {t(each)}
          </button>
        ))}
      </div>
    </details>
  );
}
