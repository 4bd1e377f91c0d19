/** The settings: one's own account, and for administrators people, roles, keys, webhooks and organizations. */

import { html } from "../view.js";
import { useApp } from "../shell/context.js";
import { Heading } from "../shell/heading.js";
import { href } from "../shell/router.js";
import { Account } from "./account.js";
import { Deliveries } from "./deliveries.js";
import { Keys } from "./keys.js";
import { Organizations } from "./organizations.js";
import { People } from "./people.js";
import { Roles } from "./roles.js";
import { Webhooks } from "./webhooks.js";

const SECTIONS = /** @type {{path: string, title: string, scope?: string, view: () => any}[]} */ ([
  { path: "account", title: "Account", view: Account },
  { path: "people", title: "People", scope: "organization:admin", view: People },
  { path: "roles", title: "Roles", scope: "organization:admin", view: Roles },
  { path: "keys", title: "API keys", view: Keys },
  { path: "webhooks", title: "Webhooks", scope: "organization:admin", view: Webhooks },
  { path: "organizations", title: "Organizations", scope: "platform:admin", view: Organizations },
]);

/** @param {{parts: string[]}} props */
export function SettingsPage({ parts: [chosen = "account", item] }) {
  const { session } = useApp();
  const offered = SECTIONS.filter(({ scope }) => !scope || session.can(scope));
  const section = offered.find(({ path }) => path === chosen) ?? offered[0];
  return html`
    <${Heading} title="Settings" />
    <nav class="tabs" aria-label="Settings">
      ${offered.map(({ path, title }) => html`<a key=${path} href=${href("settings", [path])} aria-current=${path === section.path ? "page" : undefined}>${title}</a>`)}
    </nav>
    ${section.path === "webhooks" && item ? html`<${Deliveries} id=${item} />` : html`<${section.view} />`}
  `;
}
