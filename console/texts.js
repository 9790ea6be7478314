// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Texts, numbers and dates, as the language writes them. The server chooses the file of the words
// by Accept-Language.

import { codes, language, words } from "./words.js";

export { language };

/** @typedef {keyof typeof words} Key */
/** @typedef {{[K in Key]: K extends `${infer Noun}.other` ? Noun : never}[Key]} Counted */

/** @param {Key} key @param {...(string | number)} values */
export function t(key, ...values) {
    return words[key].replace(/\{(\d)\}/g, (_, index) => String(values[Number(index)]));
}

// The whole name tells how dates are written: en-GB.
const region = navigator.languages.find((name) => name.toLowerCase().startsWith(language))
    ?? language;

// Formats take the browser some time. The page lets this module run while it waits for the others,
// so those of the overview are made by then.
const numbers = new Intl.NumberFormat(region);
const times = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" });
const days = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeZone: "UTC" });

/** Make something when it is first asked for. @template T @param {() => T} make */
function late(make) {
    /** @type {T | undefined} */
    let made;
    return () => made ??= make();
}

const plural = late(() => new Intl.PluralRules(language));
const dates = late(() => new Intl.DateTimeFormat(region, { dateStyle: "medium" }));

/** A text with a number. @param {Counted} noun @param {number} count */
export function n(noun, count) {
    const form = plural().select(count) === "one" ? "one" : "other";
    return t(/** @type {Key} */ (`${noun}.${form}`), figure(count));
}

/** @param {import("./api.js").Problem} problem */
export function problemText(problem) {
    const text = problem.code === "unreachable" ? t("problem.unreachable")
        : codes[problem.code] ?? problem.message;
    return problem.requestId ? `${text} (${problem.requestId})` : text;
}

/** The members of users that are no attributes. */
export const MEMBERS = ["email", "display_name", "phone", "role", "active", "created_at",
    "updated_at", "user_uid"];

/** What a member of a user is called; attributes have the names that they were given.
 *  @param {string} name */
export const memberTitle = (name) => MEMBERS.includes(name)
    ? t(/** @type {Key} */ (`member.${name}`)) : name;

/** @param {import("./api.js").Fault} fault */
export const faultText = (fault) => codes[fault.code] ?? fault.detail;

/** With the member that it is about. @param {import("./api.js").Fault} fault */
export const memberFault = (fault) => `${memberTitle(fault.field)}: ${faultText(fault)}`;

/** @param {Intl.DateTimeFormat} format @param {string} text */
function made(format, text) {
    const element = document.createElement("time");
    element.dateTime = text;
    element.title = text;
    element.className = "number";
    element.textContent = format.format(new Date(text));
    return element;
}

/** An instant, as its date. @param {string} text */
export const date = (text) => made(dates(), text);
/** An instant, with the time of the day. @param {string} text */
export const time = (text) => made(times, text);
/** A day in UTC, such as 2026-11-30. @param {string} text */
export const day = (text) => days.format(new Date(text));
/** @param {number} value */
export const figure = (value) => numbers.format(value);
