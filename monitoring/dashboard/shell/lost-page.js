/** For an address that names nothing. */

import { html } from "../view.js";
import { Heading } from "./heading.js";
import { FLEET } from "./router.js";
import { Empty } from "./states.js";

export function LostPage() {
  return html`<${Heading} title="No such page" />
    <${Empty} title="This address leads nowhere"><p><a href=${FLEET}>Go to the fleet</a></p><//>`;
}
