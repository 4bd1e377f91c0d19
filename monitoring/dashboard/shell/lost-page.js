/** For an address that names nothing, and for one that is not for this person. */

import { html } from "../view.js";
import { Heading } from "./heading.js";
import { href } from "./router.js";
import { Empty } from "./states.js";

export function LostPage() {
  return html`<${Heading} title="No such page" />
    <${Empty} title="This address leads nowhere"><p><a href=${href("overview")}>Go to the overview</a></p><//>`;
}

/** @param {{title: string, scope: string}} props */
export function ClosedPage({ title, scope }) {
  return html`<${Heading} title=${title} />
    <${Empty} title="Your role does not let you see this">
      <p>It needs <code>${scope}</code>. An administrator of your organization can give you a role that has it.</p>
    <//>`;
}
