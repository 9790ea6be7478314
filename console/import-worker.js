// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Reads a file beside the page, so that the page stays free. Each message has an answer.

import { makeReader } from "./import-reader.js";

/** @type {ReturnType<typeof makeReader>} */
let reader;

/** @param {MessageEvent} event */
onmessage = async ({ data: { file, columns } }) => {
    try {
        if (file) {
            reader = makeReader(file);
            postMessage(await reader.open());
            return;
        }
        if (columns) {
            await reader.start(columns);
        }
        postMessage(await reader.next());
    } catch (error) {
        postMessage({ error: error instanceof TypeError ? "import.encoding" : "import.unreadable" });
    }
};
