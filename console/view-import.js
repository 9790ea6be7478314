// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Users from a file. The steps of an import are in import-steps.js.

import { fill, h, head } from "./dom.js";
import { show as showSteps } from "./import-steps.js";
import { t } from "./texts.js";

/** @param {HTMLElement} part */
export function show(part) {
    const steps = h("div");
    fill(part, head(t("import.title")), steps);
    showSteps(steps);
    return () => true;
}
