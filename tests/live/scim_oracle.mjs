// Licensed under the Apache License, Version 2.0; see the file LICENSE.
//
//     node scim_oracle.mjs MODULES
//
// What the packages scim-patch and scim2-parse-filter of npm make of the lines of its input:
//
//     {"filter": TEXT}                         the tree, or null if it is refused
//     {"resource": USER, "operation": {…}}     the user, or null if the operation is refused

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { scimPatch } = require("scim-patch");
const { parse } = require("scim2-parse-filter");

function answer({ filter, resource, operation }) {
    try {
        return filter !== undefined ? parse(filter) : scimPatch(resource, [operation]);
    } catch {
        return null;
    }
}

for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(answer(JSON.parse(line))));
}
