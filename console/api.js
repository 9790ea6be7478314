// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Calls of the API. A problem is thrown, with the errors of its fields. Where the session is
// over, a call waits until the person has signed in again, so that no form is lost.

import { parse } from "./json.js";
import { askToSignIn } from "./sign-in.js";

/** @typedef {{field: string, in: string, code: string, detail: string}} Fault */
/** @typedef {Record<string, any> & {user_uid: string, email: string, display_name: string,
 *      phone?: string, role: string, active: boolean, created_at: string,
 *      updated_at: string}} User */
/** @typedef {{identity: string, user_uid: string | null, role: string, permissions: string[],
 *      organization: string, features: string[]}} Me */
/** @typedef {{data: any, etag: string | null}} Answer */
/** @typedef {{body?: any, text?: string, etag?: string | null, key?: string,
 *      signal?: AbortSignal}} Options text: a body that is JSON already */

const base = new URL("../", import.meta.url);

/** The address of a path below the base. @param {string} path */
export const address = (path) => new URL(path, base).href;

/** What the API refuses, or what keeps a call from it. */
export class Problem extends Error {
    /**
     * @param {number} status 0 if there was no answer
     * @param {{code?: string, detail?: string, title?: string, errors?: Fault[],
     *      request_id?: string}} problem
     * @param {number} [retryAfter] seconds
     */
    constructor(status, problem, retryAfter = 0) {
        super(problem.detail ?? problem.title ?? String(status));
        this.status = status;
        this.code = problem.code ?? "";
        this.faults = problem.errors ?? [];
        this.requestId = problem.request_id ?? "";
        this.retryAfter = retryAfter;
    }
}

/**
 * @param {string} method
 * @param {string} path below the base, with its query
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, options = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    const body = options.text ?? (options.body && JSON.stringify(options.body));
    if (body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    if (options.etag) {
        headers["If-Match"] = options.etag;
    }
    if (options.key) {
        headers["Idempotency-Key"] = options.key;
    }
    return await read(await send(address(path), { method, headers, body: body ?? null,
        signal: options.signal ?? null }));
}

/**
 * Send a request. If the session is over, it is sent again when the person has signed in.
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function send(url, options = {}) {
    for (;;) {
        const response = await fetch(url, { ...options, redirect: "manual" }).catch(lost);
        if (response.status !== 401 && response.type !== "opaqueredirect") {
            return response;
        }
        await askToSignIn();
    }
}

/** The connection is lost, or the request was aborted. @param {unknown} error @returns {never} */
function lost(error) {
    throw error instanceof TypeError ? new Problem(0, { code: "unreachable" }) : error;
}

/** @param {Response} response @returns {Promise<Answer>} */
async function read(response) {
    const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
    const text = await response.text().catch(lost);
    const data = isJson && text !== "" ? parse(text) : {};
    if (!response.ok) {
        throw new Problem(response.status, data, Number(response.headers.get("Retry-After")) || 0);
    }
    if (!isJson) {
        throw new Problem(response.status, { code: "unreachable" });
    }
    return { data, etag: response.headers.get("ETag") };
}

/** A key that makes a request that is sent twice count once. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * A key for each body.
 */
export function idempotency() {
    let last = "";
    let key = "";
    return (/** @type {any} */ body) => {
        const text = JSON.stringify(body);
        if (text !== last) {
            last = text;
            key = newKey();
        }
        return key;
    };
}
