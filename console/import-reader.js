// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Users from a file of CSV or NDJSON. It is read slice by slice, so a large one takes no more
// memory than a small one. The forms of CSV are those of usermgmtctl.

import { unguarded } from "./csv.js";
import { parse } from "./json.js";

/**
 * Where a column goes: to a member of a user, "attribute" with a name, "attributes" (an object
 * with some), or "" for nowhere.
 * @typedef {{to: string, name: string, isJson: boolean}} Column
 * @typedef {string[] | string} Raw the cells of CSV, or a line of NDJSON
 * @typedef {{line: number, raw: Raw, object?: any, fault?: string}} Entry
 * @typedef {{line: number, raw: Raw, text: string, fault?: string}} Row text: the user in JSON;
 *      fault: why there is none
 * @typedef {{rows: Row[], at: number, isEnd: boolean}} Piece at: bytes of the file until its end
 * @typedef {{isJson: boolean, encoding: string, separator: string, names: string[],
 *      rows: string[][]}} Head
 */

// A longer record has no end.
const LONGEST = 1 << 20;
// What one request has. UserMgmtMaxBody allows three bytes for each character.
const ROWS = 500;
const CHARACTERS = 300000;

// The characters that tell the form of a file, and the lines of NDJSON that tell its members.
const HEAD = 1 << 16;
const SEEN = 200;
const PREVIEW = 3;

const YES = /^(true|1|yes|y|on|active|wahr|ja|j|aktiv|x)$/i;
const NO = /^(false|0|no|n|off|inactive|suspended|falsch|nein|inaktiv|gesperrt)$/i;

/** @param {any} value */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** A text as JSON, if it is that. @param {string} text */
function valueOf(text) {
    if (/^(true|false)$/i.test(text)) {
        return /^t/i.test(text);
    }
    try {
        // What can't be JSON is left alone, since errors are slow.
        return /^[-\d"[{n]/.test(text) ? parse(text) : text;
    } catch {
        return text;
    }
}

/**
 * @param {Blob} file
 * @param {number} [slice] bytes
 */
export function makeReader(file, slice = 1 << 18) {
    let encoding = "utf-8";
    let decoder = new TextDecoder();
    let isJson = false;
    let separator = ",";
    let ends = /,/g;
    /** @type {string[]} */
    let names = [];
    /** @type {Column[]} */
    let columns = [];
    // Bytes that are read; the text of them from the next record on.
    let done = 0;
    let text = "";
    let from = 0;
    let line = 1;

    // ---- text ----

    function rewind() {
        decoder = new TextDecoder(encoding, { fatal: true });
        done = from = 0;
        text = "";
        line = 1;
    }

    const isLast = () => done >= file.size;

    async function more() {
        const bytes = await file.slice(done, done + slice).arrayBuffer();
        done += bytes.byteLength;
        text = text.slice(from) + decoder.decode(bytes, { stream: !isLast() });
        from = 0;
    }

    /** What no byte order mark tells is UTF-8, or else what old programs of Windows write. */
    async function findEncoding() {
        const start = String(new Uint8Array(await file.slice(0, 2).arrayBuffer()));
        encoding = { "255,254": "utf-16le", "254,255": "utf-16be" }[start] ?? encoding;
        rewind();
        try {
            for (; !isLast(); from = text.length) {
                await more();
            }
        } catch (error) {
            // A TypeError is of the decoder, others are of the file.
            if (!(error instanceof TypeError) || encoding !== "utf-8" || start === "239,187") {
                throw error;
            }
            encoding = "windows-1252";
        }
    }

    // ---- records ----

    /** @returns {Promise<Entry | null>} null at the end */
    async function record() {
        for (;;) {
            const found = isJson ? takeLine() : takeCells();
            if (found || (isLast() && from >= text.length)) {
                return found;
            }
            if (isLast() || text.length - from > LONGEST) {
                const start = text.slice(from, from + 200);
                done = file.size;
                from = text.length;
                return { line, raw: isJson ? start : [start], fault: "import.endless" };
            }
            await more();
        }
    }

    /** @returns {Entry | null} null if the record goes on after the text that there is */
    function takeLine() {
        while (from < text.length) {
            const found = text.indexOf("\n", from);
            if (found < 0 && !isLast()) {
                break;
            }
            const end = found < 0 ? text.length : found;
            const raw = text.slice(from, end).trim();
            from = end + 1;
            line++;
            if (raw !== "") {
                const object = valueOf(raw);
                return { line: line - 1, raw, object,
                    fault: isObject(object) ? undefined : "error.json" };
            }
        }
        return null;
    }

    /** @returns {Entry | null} as of takeLine() */
    function takeCells() {
        while (from < text.length) {
            const cells = [];
            const first = line;
            let lines = 1;
            let at = from;
            let fault;
            let cell;
            do {
                cell = takeCell(at);
                if (!cell) {
                    return null;
                }
                cells.push(unguarded(cell.content));
                fault ??= cell.fault;
                lines += cell.lines;
                at = cell.end + 1;
            } while (text[cell.end] === separator);
            from = text.startsWith("\r\n", cell.end) ? at + 1 : at;
            line += lines;
            // Spreadsheets have empty rows below their data.
            if (cells.some((one) => one.trim())) {
                return { line: first, raw: cells, fault };
            }
        }
        return null;
    }

    /** A cell; end: where the separator or the end of the line after it is. @param {number} at */
    function takeCell(at) {
        const isQuoted = text[at] === '"';
        let content = "";
        for (let begin = at + 1; isQuoted; begin = at + 2) {
            at = text.indexOf('"', begin);
            if (at < 0 || (at + 1 === text.length && !isLast())) {
                return null;
            }
            content += text.slice(begin, at++);
            if (text[at] !== '"') {
                break;
            }
            content += text[at--];
        }
        ends.lastIndex = at;
        const end = ends.exec(text)?.index ?? text.length;
        // A line feed may come after the carriage return.
        if (!isLast() && end + 1 >= text.length) {
            return null;
        }
        const rest = text.slice(at, end);
        return { content: content + rest, end, lines: content ? content.split(/\r\n|\r|\n/).length - 1 : 0,
            fault: rest.includes('"') || (isQuoted && rest) ? "import.malformed" : undefined };
    }

    // ---- users ----

    async function header() {
        const entry = await record();
        return entry && !entry.fault
            ? /** @type {string[]} */ (entry.raw).map((cell) => cell.trim()) : [];
    }

    /** @returns {Promise<Head>} */
    async function open() {
        await findEncoding();
        rewind();
        do {
            await more();
        } while (!isLast() && text.length < HEAD);
        if (text.includes("\0")) {
            throw new TypeError("not a text");
        }
        isJson = /^\s*\[?\s*\{/.test(text);
        const [first] = text.replace(/"[^"]*"/g, "").trimStart().split(/[\r\n]/, 1);
        const count = (/** @type {string} */ one) => first.split(one).length;
        separator = [",", ";", "\t"].reduce((most, one) => count(one) > count(most) ? one : most);
        ends = new RegExp(`[${separator}\r\n]`, "g");
        names = isJson ? [] : await header();
        const entries = [];
        for (let entry; entries.length < (isJson ? SEEN : PREVIEW) && (entry = await record());) {
            entries.push(entry);
        }
        if (isJson) {
            names = [...new Set(entries.flatMap(({ object }) =>
                isObject(object) ? Object.keys(object) : []))];
        }
        const rows = entries.slice(0, PREVIEW).map(({ raw, object }) => isJson
            ? names.map((name) => JSON.stringify(object?.[name]) ?? "") : /** @type {string[]} */ (raw));
        return { isJson, encoding, separator, names, rows };
    }

    /** From the beginning. @param {Column[]} chosen */
    async function start(chosen) {
        columns = chosen;
        rewind();
        if (!isJson) {
            await header();
        }
    }

    /** The next rows, as many as one request has. @returns {Promise<Piece>} */
    async function next() {
        const rows = [];
        let characters = 0;
        let entry;
        while (rows.length < ROWS && characters < CHARACTERS && (entry = await record())) {
            const user = JSON.stringify(userOf(entry));
            const { line, raw, fault } = entry;
            rows.push({ line, raw, text: user, fault });
            characters += user.length;
        }
        return { rows, at: Math.min(file.size, done - text.length + from), isEnd: !entry };
    }

    /** What is sent of a record; a fault of it is noted in the record. @param {Entry} entry */
    function userOf(entry) {
        const { raw, object } = entry;
        const user = Object.create(null);
        if (!isJson && raw.length !== names.length) {
            entry.fault ??= "import.cells";
        }
        if (!entry.fault) {
            const contents = isJson ? Object.entries(object)
                : names.map((name, index) => [name, raw[index]]);
            contents.forEach(([name, content], index) => {
                const column = columns[isJson ? names.indexOf(name) : index];
                // An empty cell is one that is not given.
                if (isJson || content !== "") {
                    put(user, column ?? { to: "attribute", name, isJson }, content);
                }
            });
        }
        return user;
    }

    /** @param {any} user @param {Column} column @param {any} content */
    function put(user, { to, name, isJson }, content) {
        const isText = typeof content === "string";
        const value = isText && (isJson || to === "attributes") ? valueOf(content) : content;
        if (to === "attributes" && isObject(value)) {
            Object.assign(user, value);
        } else if (to === "active" && isText) {
            const word = content.trim();
            user.active = YES.test(word) || (!NO.test(word) && content);
        } else if (to === "display_name" && to in user) {
            // A first name and a last name.
            user[to] += ` ${content}`;
        } else if (to) {
            user[to === "attribute" ? name : to] = value;
        }
    }

    return { open, start, next };
}
