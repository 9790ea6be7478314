// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The worker of imports. The console loads this module at its start, before anything else can take
// the one name that the policy of the pages knows, and no name is given twice.

const script = new URL("import-worker.js", import.meta.url).href;
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("import-worker",
    { createScriptURL: () => script });

export const startWorker = () =>
    new Worker(policy ? policy.createScriptURL("") : script, { type: "module" });
