// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// JSON whose numbers stay what they are, also in a worker.

/** @type {{rawJSON?: (text: string) => any}} */
const json = /** @type {any} */ (JSON);

/**
 * A number that JavaScript would round is kept as its text, where the browser can do that.
 * @param {string} text
 */
export function parse(text) {
    return JSON.parse(text, /** @type {any} */ (
        /** @type {(key: string, value: any, context?: {source?: string}) => any} */
        (_key, value, context) => typeof value === "number" && json.rawJSON && context?.source
            && String(value) !== context.source ? json.rawJSON(context.source) : value));
}

/** Is it a number of JSON? @param {string} text */
export const isNumberText = (text) => /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text);

/**
 * A number of JSON from its text.
 * @param {string} text
 */
export function number(text) {
    return json.rawJSON ? parse(text) : Number(text);
}

/** Is a value a number, also one that is kept as its text? @param {any} value */
export const isNumber = (value) => typeof value === "number"
    || (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === null);

/** A value as text. @param {any} value @returns {string} */
export const value = (value) => typeof value === "string" ? value : JSON.stringify(value);
