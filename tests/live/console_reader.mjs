// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Reads files as the console's import does, and writes CSV as its export does: node
// console_reader.mjs FOLDER. Each line of the input is JSON: the bytes in base64, how many are read
// at once, and the columns if there are any; or the rows to write, and the form. A line of output
// is JSON: what the beginning of the file tells, and its rows; or the text that was written.

import { createInterface } from "node:readline";

const { makeReader } = await import(`${process.argv[2]}/import-reader.js`);
const { csv } = await import(`${process.argv[2]}/csv.js`);

for await (const line of createInterface({ input: process.stdin })) {
    const { bytes, slice, columns, write, form } = JSON.parse(line);
    if (write) {
        console.log(JSON.stringify(csv(write[0], write.slice(1), form)));
        continue;
    }
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
