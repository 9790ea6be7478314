// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Reads files as the console's import does: node console_reader.mjs MODULE. Each line of the input
// is JSON: the bytes in base64, how many are read at once, and the columns if there are any. A line
// of output is JSON: what the beginning of the file tells, and its rows.

import { createInterface } from "node:readline";

const { makeReader } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
    const { bytes, slice, columns } = JSON.parse(line);
    const reader = makeReader(new Blob([Buffer.from(bytes, "base64")]), slice);
    try {
        const head = await reader.open();
        await reader.start(columns
            ?? head.names.map((name) => ({ to: "attribute", name, isJson: false })));
        const rows = [];
        let pieces = 0;
        for (let piece; !piece?.isEnd; pieces++) {
            piece = await reader.next();
            rows.push(...piece.rows);
        }
        console.log(JSON.stringify({ ...head, rows, pieces }));
    } catch (error) {
        console.log(JSON.stringify({ error: error.name }));
    }
}
