// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// An import, or the check of one: pieces of a file are sent one after the other. Each has a key,
// so a piece that is sent again, because its answer was lost, counts once.

import { call, newKey, Problem } from "./api.js";
import { guarded, quoted } from "./csv.js";
import { memberFault, problemText, t } from "./texts.js";

/** @typedef {import("./import-reader.js").Head} Head */
/** @typedef {import("./import-reader.js").Row} Row */
/** @typedef {import("./texts.js").Key} Key */

/**
 * @typedef {object} JobOptions
 * @property {(message: any) => Promise<any>} ask the worker
 * @property {Head} found
 * @property {import("./import-reader.js").Column[]} columns
 * @property {string} mode
 * @property {boolean} isDry
 * @property {() => void} changed
 */

/** The column or member that refused rows have besides. */
export const REASON = "import_error";

const SHOWN = 50;
const LONGEST_WAIT = 15;
const TIMEOUT = 60000;
const BYTE_ORDER_MARK = "\ufeff";

/** With the guard of usermgmtctl against formulas. @param {string} text */
const cell = (text) => quoted(guarded(text, "excel"));

/** A line of CSV, with the reason instead of an earlier one. @param {Head} found
 *  @param {string[]} cells @param {string} reason */
const lineOf = ({ names, separator }, cells, reason) =>
    `${[...cells.filter((_, index) => names[index] !== REASON), reason].map(cell)
        .join(separator)}\r\n`;

/** A row as it was, with the reason. @param {Head} found @param {Row} row @param {string} reason */
function withReason(found, { raw }, reason) {
    if (typeof raw !== "string") {
        return lineOf(found, raw, reason);
    }
    const member = `"${REASON}":${JSON.stringify(reason)}}\n`;
    if (!/^\{[^]*\}$/.test(raw)) {
        return `{"line":${JSON.stringify(raw)},${member}`;
    }
    return `${raw.slice(0, -1)}${/^\{\s*\}$/.test(raw) ? "" : ","}${member}`;
}

/** @param {Problem} problem */
const reasonOf = (problem) => problem.faults.length === 0 ? problemText(problem)
    : problem.faults.map(memberFault).join(" ");

/** Is this an answer after which the same request can do better? @param {Problem} problem */
const isPassing = ({ status, code }) => [408, 429, 502, 503, 504].includes(status)
    || code === "unreachable";

export class Job {
    /** @param {JobOptions} options */
    constructor(options) {
        this.options = options;
        this.counts = { created: 0, updated: 0, skipped: 0, refused: 0 };
        /** @type {string[]} */
        this.refused = [];
        /** Of the present piece, and the first of all. @type {[Row, string][]} */
        this.pending = [];
        /** @type {[Row, string][]} */
        this.shown = [];
        this.rows = 0;
        /** Bytes of the file that are done, and milliseconds that the server took. */
        this.at = 0;
        this.busy = 0;
        /** Rows of a request without an answer. */
        this.unknown = 0;
        this.isPaused = false;
        this.isStopped = false;
        this.state = t("working");
        this.error = "";
        this.wake = () => {};
    }

    async run() {
        const { ask, columns } = this.options;
        const again = () => this.wake();
        addEventListener("online", again);
        let piece = await ask({ columns });
        while (!piece.error && !this.isStopped) {
            const next = piece.isEnd ? null : ask({});
            await this.take(piece.rows);
            this.keepRefused();
            if (this.unknown === 0) {
                this.rows += piece.rows.length;
                this.at = piece.at;
            }
            this.options.changed();
            if (!next) {
                break;
            }
            piece = await next;
        }
        removeEventListener("online", again);
        this.error = piece.error ?? "";
    }

    /** @param {Row[]} rows */
    async take(rows) {
        for (const row of rows.filter((one) => one.fault)) {
            this.refuse(row, t(/** @type {Key} */ (row.fault)));
        }
        const sent = rows.filter((one) => !one.fault);
        if (sent.length > 0) {
            await this.post(sent);
        }
    }

    /** @param {boolean} isPaused @param {string} [state] */
    hold(isPaused, state = t(isPaused ? "import.paused" : "working")) {
        this.isPaused = isPaused;
        this.tell(state);
        this.wake();
    }

    stop() {
        this.isStopped = true;
        this.wake();
    }

    /** @param {string} state */
    tell(state) {
        this.state = state;
        this.options.changed();
    }

    /** @param {number} [seconds] not longer than that */
    async wait(seconds) {
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        let timer;
        await new Promise((resolve) => {
            this.wake = () => resolve(undefined);
            timer = seconds === undefined ? timer : setTimeout(this.wake, seconds * 1000);
        });
        clearTimeout(timer);
    }

    /** @param {Row} row @param {string} reason */
    refuse(row, reason) {
        this.counts.refused++;
        this.pending.push([row, reason]);
    }

    /** In the order of the file. */
    keepRefused() {
        const some = this.pending.sort(([one], [other]) => one.line - other.line);
        this.refused.push(...some.map(([row, reason]) =>
            withReason(this.options.found, row, reason)));
        this.shown.push(...some.slice(0, SHOWN - this.shown.length));
        this.pending = [];
    }

    /** Send rows until there is an answer. @param {Row[]} rows @returns {Promise<void>} */
    async post(rows) {
        const { mode, isDry } = this.options;
        const users = rows.map((row) => row.text).join();
        const text = `{"mode":"${mode}","dry_run":${isDry},"users":[${users}]}`;
        const key = isDry ? undefined : newKey();
        for (let tries = 0; !this.isStopped;) {
            if (this.isPaused) {
                await this.wait();
                continue;
            }
            const began = performance.now();
            try {
                const { data } = await call("POST", "users/batch",
                    { text, key, signal: AbortSignal.timeout(TIMEOUT) });
                this.busy += performance.now() - began;
                this.unknown = 0;
                this.note(rows, data);
                return;
            } catch (error) {
                const problem = error instanceof DOMException && error.name === "TimeoutError"
                    ? new Problem(0, { code: "unreachable" }) : error;
                if (!(problem instanceof Problem)) {
                    throw problem;
                }
                if ([400, 413].includes(problem.status)) {
                    this.unknown = 0;
                    return await this.divide(rows, problem);
                }
                await this.endure(rows, problem, tries++);
            }
        }
    }

    /** Something can't be read, or is too large: find the row. @param {Row[]} rows @param {Problem} problem */
    async divide(rows, problem) {
        if (rows.length === 1) {
            this.refuse(rows[0], reasonOf(problem));
            return;
        }
        const half = rows.length >> 1;
        await this.post(rows.slice(0, half));
        await this.post(rows.slice(half));
    }

    /** @param {Row[]} rows @param {Problem} problem @param {number} tries */
    async endure(rows, problem, tries) {
        if (isPassing(problem)) {
            this.unknown = rows.length;
            this.tell(t(problem.code === "unreachable" ? "import.lost" : "import.busy"));
            await this.wait(problem.retryAfter || Math.min(2 ** tries, LONGEST_WAIT));
            this.tell(t(this.isPaused ? "import.paused" : "working"));
        } else {
            this.hold(true, problemText(problem));
        }
    }

    /** @param {Row[]} rows @param {any} answer */
    note(rows, { results, summary }) {
        for (const { index, problem } of results) {
            if (problem) {
                this.refuse(rows[index], reasonOf(new Problem(problem.status, problem)));
            }
        }
        this.counts.created += summary.created;
        this.counts.updated += summary.updated;
        this.counts.skipped += summary.skipped;
    }

    /** The refused rows as a file, which can be corrected and imported. */
    file() {
        const { found, found: { isJson } } = this.options;
        const header = BYTE_ORDER_MARK + lineOf(found, found.names, REASON);
        return new File(isJson ? this.refused : [header, ...this.refused],
            `refused.${isJson ? "ndjson" : "csv"}`,
            { type: isJson ? "application/x-ndjson" : "text/csv" });
    }
}
