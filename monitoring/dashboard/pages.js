/**
 * The dashboard's pages, by the first word of their address. Those with an icon are the navigation, in this order; another
 * one lies `within` one of them.
 */

import { BulkPage } from "./actions/bulk-page.js";
import { AlertsPage } from "./alerts/alerts-page.js";
import { JobPage } from "./configuration/job-page.js";
import { DevicePage } from "./device/device-page.js";
import { FirmwarePage } from "./firmware/firmware-page.js";
import { FleetPage } from "./fleet/fleet-page.js";
import { MapPage } from "./map/map-page.js";
import { OverviewPage } from "./overview/overview-page.js";
import { ReleasesPage } from "./releases/releases-page.js";
import { SettingsPage } from "./settings/settings-page.js";
import { SitesPage } from "./sites/sites-page.js";

/**
 * @typedef {object} Page
 * @property {string} path
 * @property {string} title
 * @property {(props: {parts: string[], query: Record<string, string>}) => any} view what follows the path in the address
 * @property {import("./shell/icons.js").IconName} [icon]
 * @property {string} [within] the path of the page that it belongs to
 * @property {string} [scope] what a person must be allowed to open it
 */

/** @type {Page[]} */
export const PAGES = [
  { path: "overview", title: "Overview", icon: "overview", scope: "devices:read", view: OverviewPage },
  { path: "fleet", title: "Fleet", icon: "fleet", scope: "devices:read", view: FleetPage },
  { path: "devices", title: "Device", within: "fleet", scope: "devices:read", view: DevicePage },
  { path: "bulk", title: "Action", within: "fleet", scope: "devices:read", view: BulkPage },
  { path: "configurations", title: "Configuration", within: "fleet", scope: "devices:read", view: JobPage },
  { path: "map", title: "Map", icon: "map", scope: "devices:read", view: MapPage },
  { path: "releases", title: "Releases", icon: "releases", scope: "updates:read", view: ReleasesPage },
  { path: "firmware", title: "Firmware", icon: "firmware", scope: "updates:read", view: FirmwarePage },
  { path: "alerts", title: "Alerts", icon: "alerts", scope: "telemetry:read", view: AlertsPage },
  { path: "sites", title: "Sites", icon: "sites", scope: "devices:read", view: SitesPage },
  { path: "settings", title: "Settings", icon: "settings", view: SettingsPage },
];
