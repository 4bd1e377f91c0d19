/** What a metric may be called, as the platform takes it. Pure. */

const NAME = /^[A-Za-z_][A-Za-z0-9_.:/-]{0,63}$/;

export const MAX_METRIC_NAME = 64;

/** What a person reads who has written another name. */
export const NO_METRIC_NAME = "A metric's name: letters, digits and _ . : / -, at most 64 of them, and a letter or _ first.";

/** @param {string} written */
export const isMetricName = (written) => NAME.test(written.trim());
