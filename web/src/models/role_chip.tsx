/** The role of a bundle as a chip: its word says it, the colour only helps. */

import type { Role } from "./asked";
import { t } from "./texts";

const LOOKS = { active: "chip-good", shadow: "chip-accent", retired: "" } as const;

/** "Active", "In the shadow", "Retired". */
export function RoleChip({ role }: { role: Role }) {
  return (
    <span class={`chip ${LOOKS[role]}`} title={t(`${role}Hint`)}>
      {t(role)}
    </span>
  );
}
