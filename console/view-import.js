// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Users from a file. What the steps of an import need is loaded when this view is opened.

import { fill, h, head } from "./dom.js";
import { t } from "./texts.js";

export const title = t("import.title");
export const permission = "users:create";

// The policy of the pages knows this name alone, which is given once, and for one address.
const script = new URL("import-worker.js", import.meta.url).href;
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("import-worker",
    { createScriptURL: () => script });

const startWorker = () =>
    new Worker(policy ? policy.createScriptURL("") : script, { type: "module" });

/** @param {HTMLElement} part */
export function show(part) {
    const steps = h("div");
    fill(part, head(title), steps);
    import("./import-steps.js").then((loaded) => loaded.show(steps, startWorker), () => {
        // A browser may remember that a module could not be loaded.
        fill(steps, h("p", { class: "error", role: "alert" }, t("problem.unreachable")),
            h("button", { onclick: () => location.reload() }, t("again")));
    });
    return () => true;
}
