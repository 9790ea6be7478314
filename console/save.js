// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Files that the browser saves.

import { h } from "./dom.js";

/**
 * Have the browser save what an address leads to.
 * @param {string} href
 * @param {string} name
 */
export function download(href, name) {
    const link = h("a", { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
}

/** Have the browser save a file that the page has. @param {File} file */
export function save(file) {
    const href = URL.createObjectURL(file);
    download(href, file.name);
    // The download has begun by then.
    setTimeout(() => URL.revokeObjectURL(href), 60000);
}
