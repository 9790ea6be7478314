// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Calls of the API. A problem is thrown, with the errors of its fields. Where the session is
// over, a call waits until the person has signed in again, so that no form is lost.

import { askToSignIn } from "./sign-in.js";

/** @typedef {{field: string, in: string, code: string, detail: string}} Fault */
/** @typedef {Record<string, any> & {user_uid: string, email: string, display_name: string,
 *      phone?: string, role: string, active: boolean, created_at: string,
 *      updated_at: string}} User */
/** @typedef {{identity: string, user_uid: string | null, role: string, permissions: string[],
 *      organization: string, features: string[]}} Me */
/** @typedef {{data: any, etag: string | null}} Answer */
/** @typedef {{body?: any, etag?: string | null, key?: string, signal?: AbortSignal}} Options */

const base = new URL("../", import.meta.url);

/** What the API refuses, or what keeps a call from it. */
export class Problem extends Error {
    /**
     * @param {number} status 0 if there was no answer
     * @param {{code?: string, detail?: string, title?: string, errors?: Fault[],
     *      request_id?: string}} problem
     */
    constructor(status, problem) {
        super(problem.detail ?? problem.title ?? String(status));
        this.status = status;
        this.code = problem.code ?? "";
        this.faults = problem.errors ?? [];
        this.requestId = problem.request_id ?? "";
    }
}

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

/**
 * @param {string} method
 * @param {string} path below the base, with its query
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, options = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (options.body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    if (options.etag) {
        headers["If-Match"] = options.etag;
    }
    if (options.key) {
        headers["Idempotency-Key"] = options.key;
    }
    for (;;) {
        const response = await send(new URL(path, base), {
            method, headers, redirect: "manual", signal: options.signal ?? null,
            body: options.body === undefined ? null : JSON.stringify(options.body),
        });
        if (response.status !== 401 && response.type !== "opaqueredirect") {
            return await read(response);
        }
        await askToSignIn();
    }
}

/**
 * @param {URL} url
 * @param {RequestInit} request
 */
async function send(url, request) {
    try {
        return await fetch(url, request);
    } catch (error) {
        if (request.signal?.aborted) {
            throw error;
        }
        throw new Problem(0, { code: "unreachable" });
    }
}

/** @param {Response} response @returns {Promise<Answer>} */
async function read(response) {
    const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
    const text = await response.text();
    const data = isJson && text !== "" ? parse(text) : {};
    if (!response.ok) {
        throw new Problem(response.status, data);
    }
    if (!isJson) {
        throw new Problem(response.status, { code: "unreachable" });
    }
    return { data, etag: response.headers.get("ETag") };
}

/**
 * A key that makes a request that is sent twice count once. One for each body.
 */
export function idempotency() {
    let last = "";
    let key = "";
    return (/** @type {any} */ body) => {
        const text = JSON.stringify(body);
        if (text !== last) {
            last = text;
            key = [...crypto.getRandomValues(new Uint8Array(12))]
                .map((byte) => byte.toString(16).padStart(2, "0")).join("");
        }
        return key;
    };
}
