// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The steps of an import: choose a file, say what its columns are, check, import. A worker reads
// the file.

import { fill, h, say, toast } from "./dom.js";
import { field, input, select } from "./form.js";
import { columnsTable, guess, wrongWith } from "./import-columns.js";
import { Job } from "./import-job.js";
import { can, go } from "./router.js";
import { save } from "./save.js";
import { figure, n, t } from "./texts.js";
import { startWorker } from "./worker.js";

/** @typedef {import("./import-reader.js").Column} Column */
/** @typedef {import("./import-reader.js").Head} Head */
/** @typedef {import("./texts.js").Key} Key */
/** @typedef {{file: File, found: Head, columns: Column[], mode: string}} Plan */

/** @type {Worker | undefined} */
let worker;
/** @type {Promise<any>} */
let asked = Promise.resolve();

/** Ask the worker; it answers one question after the other. @param {any} question */
function ask(question) {
    asked = asked.then(() => new Promise((resolve) => {
        worker ??= startWorker();
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = () => resolve({ error: "import.unreadable" });
        worker.postMessage(question);
    }));
    return asked;
}

/** @param {string} one */
const countTitle = (one) => t(/** @type {Key} */ (`import.${one}`));

/** @param {BeforeUnloadEvent} event */
const stay = (event) => event.preventDefault();

/** What is shown when this view is opened again: an import goes on meanwhile.
 *  @type {HTMLElement | null} */
let kept = null;
let isRunning = false;

/** Show where the import is. @param {HTMLElement} part */
export function show(part) {
    fill(part, kept ?? begin());
    kept = isRunning ? kept : null;
}

function begin() {
    const element = h("div", { class: "stack" });

    /** @param {string} heading @param {...import("./dom.js").Child} children */
    function step(heading, ...children) {
        const words = h("h2", { tabindex: "-1", dir: "auto" }, heading);
        fill(element, words, children);
        words.focus();
    }

    function choose() {
        const file = field("file", t("import.choose"), input({ type: "file", dir: null,
            accept: ".csv,.tsv,.txt,.ndjson,.jsonl,.json",
            onchange: () => open(/** @type {HTMLInputElement} */ (file.control).files) }),
        t("import.choose-hint"));
        const drop = h("div", { class: "card drop",
            ondragover: (/** @type {Event} */ event) => event.preventDefault(),
            ondrop: (/** @type {DragEvent} */ event) => {
                event.preventDefault();
                open(event.dataTransfer?.files);
            } }, file.element);
        fill(element, drop);

        /** @param {FileList | null | undefined} files */
        async function open(files) {
            const one = files?.[0];
            if (!one) {
                return;
            }
            drop.setAttribute("aria-busy", "true");
            file.fail("");
            const found = await ask({ file: one });
            drop.removeAttribute("aria-busy");
            if (found.error || found.names.length === 0) {
                file.fail(t(found.error ?? "import.empty"));
                file.control.focus();
            } else {
                map({ file: one, found, columns: guess(found.names), mode: "create" });
            }
        }
    }

    /** @param {Plan} plan */
    function map(plan) {
        const { file, found, columns } = plan;
        const wrong = h("div", { class: "summary", role: "alert" });
        const modes = field("mode", t("import.mode"), select(
            ["create", "skip", ...can("users:update") ? ["update", "upsert"] : []].map((one) =>
                [one, countTitle(`mode-${one}`)]), plan.mode));
        const run = (/** @type {boolean} */ isDry) => () => {
            plan.mode = modes.control.value;
            wrong.textContent = wrongWith(columns, plan.mode);
            if (!wrong.textContent) {
                send(plan, isDry);
            }
        };
        const form = [found.isJson ? "NDJSON" : "CSV", found.encoding.toUpperCase()];
        step(file.name, h("p", { class: "quiet" }, form.join(", ")), columnsTable(found, columns),
            modes.element, wrong,
            h("div", { class: "buttons" }, h("button", { onclick: choose }, t("cancel")),
                h("button", { onclick: run(false) }, t("import.start")),
                h("button", { class: "primary", onclick: run(true) }, t("import.check"))));
    }

    /** @param {Plan} plan @param {boolean} isDry */
    async function send(plan, isDry) {
        const { file, found, columns, mode } = plan;
        const bar = h("progress", { max: Math.max(file.size, 1), value: 0,
            "aria-label": t("working") });
        const line = h("p", { class: "number" });
        const state = h("p", { class: "quiet" });
        const pause = h("button", { onclick: () => job.hold(!job.isPaused) }, t("import.pause"));
        const stop = h("button", { onclick: () => job.stop() }, t("import.stop"));
        const job = new Job({ ask, found, columns, mode, isDry, changed: draw });
        function draw() {
            bar.value = job.at;
            line.textContent = progressOf(job, file.size);
            pause.textContent = t(job.isPaused ? "import.go-on" : "import.pause");
            if (state.textContent !== job.state) {
                state.textContent = job.state;
                say(job.state);
            }
        }
        kept = element;
        isRunning = true;
        if (!isDry) {
            addEventListener("beforeunload", stay);
        }
        step(t(isDry ? "import.checking" : "import.importing", file.name), bar, line, state,
            h("div", { class: "buttons" }, pause, stop));
        await job.run();
        removeEventListener("beforeunload", stay);
        isRunning = false;
        end(plan, job, isDry);
    }

    /** @param {Plan} plan @param {Job} job @param {boolean} isDry */
    function end(plan, job, isDry) {
        const heading = t(job.isStopped || job.error ? "import.stopped"
            : isDry ? "import.checked" : "import.done");
        const counts = Object.entries(job.counts);
        step(heading,
            job.error && h("p", { class: "summary" }, t(/** @type {Key} */ (job.error))),
            job.unknown > 0 && !isDry && h("p", { class: "summary" }, n("import.unknown", job.unknown)),
            h("div", { class: "tiles" }, counts.map(([one, count]) => h("div", { class: "tile" },
                h("span", { class: "quiet" }, countTitle(one)), h("b", {}, figure(count))))),
            refusedTable(job),
            h("div", { class: "buttons" },
                job.counts.refused > 0 && h("button", { onclick: () => save(job.file()) },
                    t("import.download")),
                isDry ? [h("button", { onclick: () => map(plan) }, t("import.back")),
                    h("button", { class: "primary", onclick: () => send(plan, false) },
                        t("import.start"))]
                    : [h("button", { onclick: choose }, t("import.again")), can("users:read")
                        && h("a", { class: "button primary", href: "users" }, t("users.title"))]));
        const told = counts.map(([one, count]) => `${countTitle(one)}: ${figure(count)}`);
        say(`${heading}. ${told.join(", ")}`);
        if (element.isConnected) {
            kept = null;
        } else {
            toast(heading, { label: t("open"), run: () => go("import") });
        }
    }

    choose();
    return element;
}

/** @param {Job} job @param {number} size */
function progressOf({ rows, at, busy }, size) {
    const seconds = busy / 1000;
    const left = seconds * (size - at) / Math.max(at, 1);
    return [n("row", rows), seconds > 0 && n("import.rate", Math.round(rows / seconds)),
        seconds > 1 && (left < 90 ? n("import.seconds", Math.ceil(left))
            : n("import.minutes", Math.round(left / 60)))].filter(Boolean).join(" · ");
}

/** @param {Job} job */
const refusedTable = ({ shown, counts }) => shown.length > 0 && [
    h("div", { class: "table" }, h("table", {},
        h("caption", { class: "hidden" }, t("import.refused")),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("import.line")),
            h("th", { scope: "col" }, t("import.reason")))),
        h("tbody", {}, shown.map(([row, reason]) => h("tr", {},
            h("th", { scope: "row", class: "number" }, figure(row.line)),
            h("td", { class: "reason", dir: "auto" }, reason)))))),
    counts.refused > shown.length && h("p", { class: "quiet" }, t("import.and-more"))];
