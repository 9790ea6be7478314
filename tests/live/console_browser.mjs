// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Drives a browser through the web console: node console_browser.mjs SCENARIO. SETTINGS is JSON:
// the address of the console, the login, and what a scenario needs. A line of output is JSON: a
// step that the test is to do meanwhile (it answers with a line), or at the end the result.

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const settings = JSON.parse(process.env.SETTINGS);
const require = createRequire(`${settings.modules}/`);
const { chromium } = require("playwright-core");
const { source: axe } = require("axe-core");

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const problems = [];

/** Let the test do something. */
async function step(name, values = {}) {
    console.log(JSON.stringify({ step: name, ...values }));
    await lines.next();
}

const browser = await chromium.launch({
    executablePath: settings.chromium, args: ["--no-sandbox", "--disable-gpu"],
});

/** A page of a person, whose errors are noted. */
async function open(path, options = {}) {
    const context = await browser.newContext({
        httpCredentials: { username: settings.login, password: settings.password },
        viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options,
    });
    if (settings.axe !== false) {
        await context.addInitScript({ content: axe });
    }
    await context.addInitScript(() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation", (event) =>
            window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60000);
    page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
    page.on("console", (message) => {
        // The browser itself logs each answer from 400 on.
        if (["error", "warning"].includes(message.type())
            && !message.text().startsWith("Failed to load resource")) {
            problems.push(`${message.type()}: ${message.text()}`);
        }
    });
    page.on("request", (request) => {
        if (!request.url().startsWith(settings.origin)) {
            problems.push(`another host: ${request.url()}`);
        }
    });
    await page.goto(new URL(path, settings.console).href);
    return page;
}

async function close(page) {
    problems.push(...(await page.evaluate(() => window.violations)).map((one) => `policy: ${one}`));
    await page.context().close();
}

/** What axe finds. */
async function check(page, where) {
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map((one) =>
        `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`));
    problems.push(...found.map((one) => `axe, ${where}: ${one}`));
    const [needed, there] = await page.evaluate(() =>
        [document.documentElement.scrollWidth, window.innerWidth]);
    if (needed > there) {
        problems.push(`${where}: ${needed} pixels in a window of ${there}`);
    }
}

/** An error that the page is to log is none of its problems. */
function expectLogged(pattern) {
    const index = problems.findIndex((one) => one.startsWith("error: ") && pattern.test(one));
    if (index < 0) {
        throw new Error(`${pattern} is not logged`);
    }
    problems.splice(index, 1);
}

/** Hold requests for an address. Returns a function that lets them go on. */
async function hold(page, address) {
    let goOn = () => {};
    const held = new Promise((resolve) => {
        goOn = resolve;
    });
    await page.route(address, (route) => held.then(() => route.continue()));
    return goOn;
}

/** Press Tab until something with this text or label has the focus, which must be visible. */
async function tabTo(page, text, key = "Tab") {
    for (let presses = 0; presses < 150; presses++) {
        const found = await page.evaluate((wanted) => {
            const element = document.activeElement;
            const words = [element.textContent, element.getAttribute("aria-label"),
                ...[...element.labels ?? []].map((label) => label.textContent)];
            return words.some((one) => one?.trim() === wanted)
                ? getComputedStyle(element).outlineStyle : null;
        }, text);
        if (found) {
            if (found === "none") {
                problems.push(`the focus on ${text} can't be seen`);
            }
            return;
        }
        await page.keyboard.press(key);
    }
    throw new Error(`Tab does not lead to ${text}`);
}

const row = (page, text) => page.locator("tbody tr", { hasText: text }).first();
const button = (page, name) => page.getByRole("button", { name, exact: true });
const inDialog = (page) => page.getByRole("dialog");

/** The texts of the first column. */
const names = (page) => page.locator("tbody th a").allTextContents();

// ---- an import ----

const chooseFile = (page, file) =>
    page.getByLabel("CSV or NDJSON file").setInputFiles(file);

const target = (page, column) => page.getByLabel(`${column} becomes`, { exact: true });

/** What the columns become, as it is guessed. */
const guessed = (page) => page.locator("tbody tr").evaluateAll((rows) => rows.map((row) =>
    [row.querySelector("th span").textContent, row.querySelector("select").value]));

/** The numbers at the end. */
async function counts(page, heading) {
    await page.getByRole("heading", { name: heading }).waitFor();
    return (await page.locator(".tile b").allTextContents()).map((text) =>
        Number(text.replaceAll(",", "")));
}

/** The text of a file that a button downloads. */
async function downloaded(page, name) {
    const [download] = await Promise.all([page.waitForEvent("download"),
        button(page, name).click()]);
    return { name: download.suggestedFilename(),
        text: await readFile(await download.path(), "utf-8") };
}

/** The longest time between two frames, and between two timers, in milliseconds. */
async function watchPauses(page) {
    await page.evaluate(() => {
        window.gaps = { frame: 0, timer: 0 };
        for (const [name, next] of [["frame", requestAnimationFrame], ["timer", setTimeout]]) {
            let last = performance.now();
            const tick = () => {
                const now = performance.now();
                window.gaps[name] = Math.max(window.gaps[name], Math.round(now - last));
                last = now;
                next.call(window, tick);
            };
            tick();
        }
    });
}

/** Wait until this many rows are imported. */
const imported = (page, rows) => page.waitForFunction((wanted) =>
    parseInt(document.querySelector(".stack > .number")?.textContent.replaceAll(",", ""), 10)
        >= wanted, rows);

/** In a page: say when all of the overview is there. */
function noteWhenReady() {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const isReady = () => all(".tile b").length === 5
        && all(".tile b").every((one) => /\d/.test(one.textContent))
        && all(".chart").length === 2 && all(".chart").every((one) => one.children.length > 0)
        && all(".events time").length > 0;
    const observer = new MutationObserver(() => {
        if (isReady()) {
            observer.disconnect();
            // A frame begins, and what is queued in it comes after it is painted.
            requestAnimationFrame(() => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => {
                    window.readyAt = performance.now();
                    console.debug("ready");
                };
                port2.postMessage(null);
            });
        }
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
}

const scenarios = {
    /** Each view and dialog, in one scheme of colours and one width. */
    async views() {
        const { scheme, width } = settings;
        const page = await open("users", {
            colorScheme: scheme, viewport: { width, height: 800 }, reducedMotion: "reduce",
        });
        await page.locator("tbody tr").first().waitFor();
        await check(page, "users");
        await button(page, "New user").click();
        await button(page, "Add attribute").click();
        await button(page, "Create").click();
        await page.locator("dialog [aria-invalid]").first().waitFor();
        await check(page, "the form of a user");
        await button(page, "Cancel").click();
        await page.getByLabel("Select all on this page").check();
        await page.locator(".marked").waitFor();
        await check(page, "selected users");
        if (width > 800) {
            await page.locator("summary").click();
            await check(page, "columns");
        }
        await page.locator("h1").click();
        await button(page, "Delete").click();
        await inDialog(page).waitFor();
        await check(page, "the question before users are deleted");
        await page.keyboard.press("Escape");
        for (const [path, text] of settings.views) {
            await page.goto(new URL(path, settings.console).href);
            await page.getByText(text).first().waitFor();
            await page.waitForLoadState("networkidle");
            await check(page, path);
        }
        await close(page);
    },

    /** How long the first view takes, with an empty cache: from the navigation until all numbers,
     *  both charts and the latest changes are painted. The page notes that itself, since each
     *  question of the driver would hold it up. */
    async first() {
        const runs = [];
        const login = Buffer.from(`${settings.login}:${settings.password}`).toString("base64");
        // With credentials of its own the driver would hold up each request.
        const options = { httpCredentials: undefined, extraHTTPHeaders: {
            Authorization: `Basic ${login}` } };
        for (let run = 0; run < settings.runs; run++) {
            const page = await open("about:blank", options);
            await page.addInitScript(noteWhenReady);
            const ready = page.waitForEvent("console", (message) => message.text() === "ready");
            await page.goto(settings.console, { waitUntil: "commit" });
            await ready;
            runs.push(await page.evaluate(() => {
                const all = [...performance.getEntriesByType("navigation"),
                    ...performance.getEntriesByType("resource")];
                return { ready: Math.round(window.readyAt), requests: all.map((one) => [
                    new URL(one.name).pathname.split("/user-management/")[1],
                    Math.round(one.startTime), Math.round(one.responseEnd), one.transferSize]) };
            }));
            await close(page);
        }
        return { runs };
    },

    /** The charts of the overview, and the same as tables. */
    async history() {
        const page = await open("./", { locale: settings.locale });
        await page.locator(".bars").nth(1).waitFor();
        const labels = await page.getByRole("img").evaluateAll((all) =>
            all.map((one) => one.getAttribute("aria-label")));
        const titles = await page.locator(".bars").first().locator("title").allTextContents();
        const heights = await page.locator(".bars").first().locator("rect:not(.space)")
            .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
        await page.locator(".figures summary").first().focus();
        await page.keyboard.press("Enter");
        const rows = await page.locator(".figures").first().locator("tbody tr").evaluateAll((all) =>
            all.map((one) => [...one.children].map((cell) => cell.textContent)));
        await check(page, "the charts");
        await close(page);
        return { labels, titles, heights, rows };
    },

    async keyboard() {
        const page = await open("users");
        await page.locator("tbody tr").first().waitFor();
        await page.keyboard.press("Tab");
        await tabTo(page, "Skip to content");
        await page.keyboard.press("Enter");
        await tabTo(page, "New user");
        await page.keyboard.press("Enter");
        await tabTo(page, "Email");
        await page.keyboard.type("keys@example.com");
        await tabTo(page, "Name");
        await page.keyboard.type("Only Keys");
        await tabTo(page, "Add attribute");
        await page.keyboard.press("Enter");
        await page.keyboard.type("height");
        await page.keyboard.press("Tab");
        await page.keyboard.type("Number");
        await page.keyboard.press("Tab");
        await page.keyboard.type("175");
        await page.keyboard.press("Enter");
        await inDialog(page).waitFor({ state: "detached" });
        await row(page, "Only Keys").waitFor();
        await tabTo(page, "Only Keys");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Only Keys" }).waitFor();
        await button(page, "Edit").waitFor();
        const focused = await page.evaluate(() => document.activeElement.tagName);
        if (focused !== "H1") {
            problems.push(`the focus is on ${focused} in a new view`);
        }
        await tabTo(page, "Edit");
        await page.keyboard.press("Enter");
        await tabTo(page, "Name");
        await page.keyboard.press("Control+A");
        await page.keyboard.type("Keys Alone");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Keys Alone" }).waitFor();
        await page.waitForFunction(() => document.activeElement.textContent === "Edit");
        await tabTo(page, "Suspend");
        await page.keyboard.press("Enter");
        await button(page, "Activate").waitFor();
        await close(page);
    },

    async lists() {
        const page = await open("users?order_by=email");
        await page.locator(".count").getByText(`${settings.count} users`).waitFor();
        const first = await names(page);
        await page.getByRole("link", { name: "Next" }).click();
        await page.getByRole("link", { name: "Previous" }).waitFor();
        await page.waitForFunction((name) =>
            document.querySelector("tbody th a").textContent !== name, first[0]);
        const second = await names(page);
        await page.reload();
        await page.locator("tbody th a").first().waitFor();
        const reloaded = await names(page);
        await page.goBack();
        await page.waitForFunction((name) =>
            document.querySelector("tbody th a")?.textContent === name, first[0]);
        await page.getByRole("link", { name: "Name" }).click();
        await page.locator("th[aria-sort=ascending]", { hasText: "Name" }).waitFor();
        await page.getByRole("link", { name: "Name" }).click();
        await page.locator("th[aria-sort=descending]", { hasText: "Name" }).waitFor();
        await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
        const descending = await names(page);
        await page.getByRole("searchbox").pressSequentially("user 00");
        await page.waitForURL(/q=user\+00/);
        await page.locator(".count").getByText("10 users").waitFor();
        const found = await names(page);
        const kept = await page.evaluate(() => document.activeElement.type);
        await page.getByRole("searchbox").fill("ser 00");
        await page.getByText("No user matches").waitFor();
        await page.getByRole("link", { name: "Clear filters" }).click();
        await page.locator(".count").getByText(`${settings.count} users`).waitFor();
        await page.getByRole("combobox", { name: "Status" }).selectOption("false");
        await page.getByText("No user matches").waitFor();
        await close(page);
        return { first, second, reloaded, descending, found, kept };
    },

    async columns() {
        const page = await open("users");
        await page.locator("tbody tr").first().waitFor();
        await page.locator("summary").click();
        await page.getByLabel("shoeSize").check();
        await page.getByLabel("Created").uncheck();
        await page.keyboard.press("Escape");
        await page.reload();
        await page.locator("tbody tr").first().waitFor();
        const headings = await page.locator("thead th").allTextContents();
        const cell = await row(page, "<b>Markup</b>").locator("td").last().textContent();
        await close(page);
        return { headings: headings.map((text) => text.replace(/[↑↓]/u, "")), cell };
    },

    async several() {
        const page = await open("users?q=user+00");
        await page.locator("tbody tr").first().waitFor();
        await row(page, "User 001").getByRole("checkbox").check();
        await row(page, "User 002").getByRole("checkbox").check();
        await button(page, "Suspend").click();
        await page.locator(".toast").getByText("2 users are suspended").waitFor();
        await row(page, "User 001").locator("td").getByText("Suspended").waitFor();
        await step("suspended");
        await button(page, "Undo").click();
        await page.locator(".toast").getByText("2 users are active again").waitFor();
        await step("active");
        await row(page, "User 003").getByRole("checkbox").check();
        await button(page, "Make sub-admin").click();
        await row(page, "User 003").getByText("Sub-admin").waitFor();
        await step("appointed");
        await row(page, "User 004").getByRole("checkbox").check();
        await row(page, "User 005").getByRole("checkbox").check();
        await step("delete-one");
        await button(page, "Delete").click();
        await inDialog(page).getByRole("button", { name: "Delete" }).click();
        await page.getByText("One user was not changed").waitFor();
        const refused = await inDialog(page).locator("li").allTextContents();
        await button(page, "Done").click();
        await close(page);
        return { refused };
    },

    /** Values keep their types, also those that JavaScript would round. */
    async types() {
        const page = await open(`user?uid=${settings.uid}`);
        await button(page, "Edit").click();
        const value = (name) => page.getByLabel(`Value of ${name}`);
        const shown = {};
        for (const name of settings.names) {
            shown[name] = [await value(name).inputValue(), await page.locator(".attribute", {
                has: value(name) }).getByLabel("Type").inputValue()];
        }
        await value("note").fill("another note");
        await button(page, "Save").click();
        await inDialog(page).waitFor({ state: "detached" });
        await step("saved");
        await button(page, "Edit").click();
        await value("big").fill("9007199254740997");
        await value("list").fill("[1, 9007199254740999, \"x\"]");
        await page.getByLabel("Remove gone").click();
        await button(page, "Save").click();
        await inDialog(page).waitFor({ state: "detached" });
        await close(page);
        return { shown };
    },

    async conflict() {
        const page = await open(`user?uid=${settings.uid}`);
        await button(page, "Edit").click();
        await page.getByLabel("Name", { exact: true }).first().fill("My name");
        await page.getByLabel("Phone").fill("111");
        await step("change");
        await button(page, "Save").click();
        await page.getByText("Changed by somebody else").waitFor();
        await check(page, "both versions");
        const shown = await inDialog(page).last().locator("tbody tr").evaluateAll((rows) =>
            rows.map((one) => [...one.children].slice(0, 3).map((cell) => cell.textContent)));
        // Left, it shows the form as it was.
        await page.keyboard.press("Escape");
        const kept = await page.getByLabel("Phone").inputValue();
        await button(page, "Save").click();
        await page.getByLabel("Which version of display_name").selectOption("theirs");
        await inDialog(page).last().getByRole("button", { name: "Save" }).click();
        await page.getByRole("heading", { name: "Their name" }).waitFor();
        await close(page);
        return { shown, kept };
    },

    /** The session ends while a form is filled in. */
    async session() {
        const page = await open("users");
        await button(page, "New user").first().click();
        await page.getByLabel("Email").last().fill("kept@example.com");
        await page.getByLabel("Name", { exact: true }).last().fill("Kept");
        await step("end");
        await button(page, "Create").click();
        await page.getByText("Your session is over").waitFor();
        await check(page, "the end of the session");
        const link = await page.getByRole("link", { name: "Sign in" }).getAttribute("href");
        await button(page, "Try again").click();
        await page.waitForTimeout(300);
        await page.getByText("Your session is over").waitFor();
        await step("begin");
        await button(page, "Try again").click();
        await page.locator(".toast").getByText("Kept was created").waitFor();
        await close(page);
        return { link };
    },

    /** An invitation is made, accepted by its link, and another one removed. */
    async invitation() {
        const page = await open("invitations");
        await page.getByText("No invitations are pending").waitFor();
        await button(page, "New invitation").first().click();
        await page.getByLabel("Email").last().fill("nowhere");
        await button(page, "Invite").click();
        await page.locator("dialog [aria-invalid]").waitFor();
        await page.getByLabel("Email").last().fill(settings.guest);
        await button(page, "Invite").click();
        await page.getByText("Link of the invitation").waitFor();
        await check(page, "the link of an invitation");
        const link = await page.locator(".secret").inputValue();
        await button(page, "Done").click();
        await row(page, settings.guest).waitFor();
        await check(page, "invitations");
        const other = await open(link.slice(settings.console.length), {
            httpCredentials: { username: settings.guest, password: settings.password },
        });
        await button(other, "Accept the invitation").waitFor();
        await check(other, "the page that accepts an invitation");
        await button(other, "Accept the invitation").click();
        await other.getByText("You are a sub-admin of default now.").waitFor();
        const left = other.url();
        await other.getByRole("link", { name: "Open the console" }).click();
        await other.getByRole("link", { name: "Users" }).first().waitFor();
        await other.goto(link);
        await button(other, "Accept the invitation").click();
        await other.locator(".summary", { hasText: /./u }).waitFor();
        const again = await other.locator(".summary").textContent();
        await close(other);
        await step("accepted");
        await button(page, "New invitation").first().click();
        await page.getByLabel("Email").last().fill("other@example.com");
        await page.getByLabel("Page that accepts it").fill("https://app.example.com/join");
        await button(page, "Invite").click();
        const own = await page.locator(".secret").inputValue();
        await button(page, "Done").click();
        await row(page, "other@example.com").waitFor();
        await page.getByRole("button", { name: "Send again: other@example.com" }).click();
        await page.getByText("Link of the invitation").waitFor();
        const second = await page.locator(".secret").inputValue();
        await button(page, "Done").click();
        await page.getByRole("button", { name: "Remove other@example.com" }).click();
        await inDialog(page).getByRole("button", { name: "Remove" }).click();
        await page.locator(".toast").getByText("Invitation removed").waitFor();
        await page.getByRole("combobox").selectOption("accepted");
        await row(page, settings.guest).getByText("Accepted").last().waitFor();
        await close(page);
        return { link, left, again, own, second };
    },

    /** Somebody is invited, with the keyboard alone. */
    async invite() {
        const page = await open("invitations");
        await page.getByText("No invitations are pending").waitFor();
        await tabTo(page, "New invitation");
        await page.keyboard.press("Enter");
        await tabTo(page, "Email");
        await page.keyboard.type(settings.guest);
        await page.keyboard.press("Enter");
        await page.getByText("gets a mail").waitFor();
        const link = await page.locator(".secret").inputValue();
        await tabTo(page, "Done");
        await page.keyboard.press("Enter");
        await row(page, settings.guest).waitFor();
        await close(page);
        return { link };
    },

    /** A link of a mail is opened and accepted, with the keyboard alone. */
    async accept() {
        const page = await open(settings.link);
        await button(page, "Accept the invitation").waitFor();
        await tabTo(page, "Accept the invitation");
        await page.keyboard.press("Enter");
        await page.getByText("You are a sub-admin of default now.").waitFor();
        await tabTo(page, "Open the console");
        await page.keyboard.press("Enter");
        await page.getByRole("link", { name: "Users" }).first().waitFor();
        await close(page);
    },

    /** Views whose modules can't be had: without a connection, in part, and after the end of the
     *  session. Nothing but the view itself is in the way, so no page is loaded again. */
    async unloaded() {
        const page = await open("about:blank");
        const lost = (route) => route.abort();
        for (const name of ["view-users.js", "view-groups.js", "list.js"]) {
            await page.route(`**/${name}`, lost);
        }
        await page.goto(settings.console);
        // The other views are tried before anybody opens them, which is not told.
        await page.waitForResponse("**/view-import.js");
        const link = (name) => page.getByRole("link", { name, exact: true });
        const said = async (text) => {
            await page.locator("main [role=alert]", { hasText: text }).waitFor();
            await check(page, text);
            return page.evaluate(() => [document.title, document.activeElement.textContent]);
        };
        await link("Users").click();
        const shown = [await said("The server could not be reached.")];
        await page.unroute("**/view-users.js", lost);
        await button(page, "Try again").click();
        shown.push(await said("This view can't be loaded."));
        expectLogged(/dynamically imported module/);
        await page.unroute("**/list.js", lost);
        await button(page, "Try again").click();
        await page.locator(".count").getByText("1 user").waitFor();
        await page.evaluate(() => {
            window.isSame = true;
        });
        await step("end");
        await page.unroute("**/view-groups.js", lost);
        await link("Groups").click();
        await page.getByText("Your session is over").waitFor();
        await step("begin");
        await button(page, "Try again").click();
        await row(page, "Sub-admins").waitFor();
        const isSame = await page.evaluate(() => window.isSame);
        await close(page);
        return { shown, isSame };
    },

    /** Views that a newer service does not have, or that don't go with the older modules of the
     *  page: the person is told, and all other views go on. */
    async unfit() {
        const page = await open("about:blank");
        const answer = (name, body, status = 200) => page.route(`**/view-${name}.js`, (route) =>
            route.fulfill({ status, body, contentType: "text/javascript" }));
        await answer("groups", "", 404);
        await answer("audit", 'import { later } from "./dom.js"; export const show = later;');
        await answer("import", 'import { fill, head } from "./dom.js";'
            + 'export function show(part) { fill(part, head("Half")); throw new Error("unfit"); }');
        await page.goto(settings.console);
        const shown = [];
        for (const [name, logged] of [["Groups", /dynamically imported module/],
            ["Audit trail", /does not provide an export/], ["Import", /unfit/]]) {
            await page.getByRole("link", { name, exact: true }).click();
            await page.locator("main [role=alert]", { hasText: "This view can't be loaded." })
                .waitFor();
            expectLogged(logged);
            shown.push(await page.evaluate(() => [document.title, document.activeElement.textContent,
                document.querySelectorAll("h1").length]));
        }
        await page.getByRole("link", { name: "Users", exact: true }).click();
        await page.locator(".count", { hasText: "user" }).waitFor();
        await close(page);
        return { shown };
    },

    /** The focus is in a view before its module is there. */
    async waiting() {
        const page = await open("about:blank");
        const goOn = await hold(page, "**/view-groups.js");
        await page.goto(new URL("groups", settings.console).href, { waitUntil: "commit" });
        await page.getByRole("heading", { name: "Groups", exact: true }).waitFor();
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        const focused = () => page.evaluate(() => document.activeElement.tagName);
        const before = await focused();
        goOn();
        await row(page, "Sub-admins").waitFor();
        const after = await focused();
        await close(page);
        return { before, after };
    },

    /** While a view is loaded, another one is opened. */
    async overtaken() {
        const page = await open("about:blank");
        const goOn = await hold(page, "**/view-audit.js");
        await page.goto(settings.console);
        await page.getByRole("link", { name: "Audit trail", exact: true }).click();
        await page.getByRole("heading", { name: "Audit trail", exact: true }).waitFor();
        await page.getByRole("link", { name: "Groups", exact: true }).click();
        await row(page, "Sub-admins").waitFor();
        goOn();
        await page.waitForResponse("**/view-audit.js");
        await page.waitForTimeout(300);
        const heading = await page.locator("h1").textContent();
        await page.goBack();
        await page.locator("tbody tr code").first().waitFor();
        await close(page);
        return { heading };
    },

    /** A key is made, rotated and revoked. */
    async keys() {
        const page = await open("api-keys");
        await page.getByText("No API keys yet").waitFor();
        await check(page, "no API keys");
        await button(page, "New API key").first().click();
        await check(page, "the form of an API key");
        await button(page, "Create").click();
        await page.locator("dialog [aria-invalid]").first().waitFor();
        await page.getByLabel("Name").last().fill("Nightly import");
        await page.getByLabel("users:read").check();
        await page.getByLabel("Allowed from").fill("192.0.2.0/24\n2001:db8::/32");
        await button(page, "Create").click();
        await page.locator(".secret").waitFor();
        const key = await page.locator(".secret").inputValue();
        await step("made");
        await button(page, "Done").click();
        await button(page, "Details").click();
        await page.getByText("192.0.2.0/24, 2001:db8::/32").waitFor();
        await check(page, "an API key");
        await button(page, "Rotate Nightly import").click();
        await inDialog(page).getByRole("button", { name: "Rotate" }).click();
        await page.locator(".secret").waitFor();
        const rotated = await page.locator(".secret").inputValue();
        await button(page, "Done").click();
        await row(page, "Nightly import").getByText("Rotating").last().waitFor();
        const kept = await page.content();
        await button(page, "Revoke Nightly import").click();
        await inDialog(page).getByRole("button", { name: "Revoke" }).click();
        await row(page, "Nightly import").getByText("Revoked").last().waitFor();
        await close(page);
        return { key, rotated, isKept: kept.includes(key) || kept.includes(rotated) };
    },

    async audit() {
        const page = await open("./");
        await page.locator(".events li code").first().waitFor();
        const latest = await page.locator(".events li:has(code)").evaluateAll((all) =>
            all.map((one) => [one.firstChild.textContent, one.querySelector(".quiet > *").textContent,
                one.querySelector("a")?.getAttribute("href").replace(/=.+/, "=") ?? ""]));
        await page.getByRole("link", { name: "Ann" }).first().click();
        await page.getByRole("heading", { name: "Ann" }).waitFor();
        await page.getByRole("link", { name: "Audit trail", exact: true }).click();
        await page.locator("tbody tr").first().waitFor();
        await page.getByLabel("Action").fill("users.update");
        await button(page, "Filter").click();
        await page.waitForURL(/action=users.update/);
        await page.locator(".count").getByText("1 event").waitFor();
        await button(page, "Details").click();
        await page.locator("tr.details").waitFor();
        await check(page, "an event");
        const change = await page.locator(".diff tbody tr").evaluateAll((rows) =>
            rows.map((one) => [...one.children].map((cell) => cell.textContent)));
        const named = await page.locator("tr.details p a").textContent();
        await page.getByLabel("From").fill("2001-01-01");
        await page.getByLabel("Until").fill("2001-01-31");
        await button(page, "Filter").click();
        await page.getByText("No event matches").waitFor();
        const { searchParams } = new URL(page.url());
        await close(page);
        return { latest, change, named, query: [...searchParams] };
    },

    async roles() {
        const page = await open("sub-admins");
        await page.getByText("No sub-admins yet").waitFor();
        await button(page, "Add sub-admin").first().click();
        await page.getByLabel("Email").last().fill(settings.user);
        await button(page, "Make sub-admin").click();
        await row(page, settings.user).waitFor();
        await step("appointed");
        await check(page, "sub-admins");
        await page.getByRole("button", { name: /^Remove / }).click();
        await page.getByText("No sub-admins yet").waitFor();
        await step("dismissed");
        await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
        await row(page, settings.user).waitFor();
        await close(page);
    },

    /** Files are imported as they are, one after the other. */
    async importForms() {
        const page = await open("import");
        const results = [];
        for (const file of settings.files) {
            await chooseFile(page, file);
            await page.getByLabel("Users that exist already").selectOption("upsert");
            const guess = await guessed(page);
            await button(page, "Import").click();
            results.push([guess, await counts(page, "Import finished")]);
            await button(page, "Import another file").click();
        }
        await close(page);
        return { results };
    },

    /** A file is chosen, its columns too, and it is checked and imported. */
    async importFile() {
        const page = await open("import");
        await page.getByRole("heading", { name: "Import" }).waitFor();
        await chooseFile(page, settings.file);
        await button(page, "Check first").waitFor();
        const guess = await guessed(page);
        for (const [column, value] of Object.entries(settings.columns ?? {})) {
            await target(page, column).selectOption(value);
        }
        for (const column of settings.asSuch ?? []) {
            await page.locator("tr", { has: target(page, column) }).getByRole("checkbox").check();
        }
        await page.getByLabel("Users that exist already").selectOption(settings.mode ?? "create");
        await button(page, "Check first").click();
        const checked = await counts(page, "Checked: nothing is imported yet");
        await step("checked");
        await button(page, "Import").click();
        const done = await counts(page, "Import finished");
        const focused = await page.evaluate(() => document.activeElement.textContent);
        const reasons = await page.locator("tbody tr").evaluateAll((rows) =>
            rows.map((row) => [...row.children].map((cell) => cell.textContent)));
        const refused = done[3] > 0 ? await downloaded(page, "Download refused rows") : null;
        await close(page);
        return { guess, checked, done, focused, reasons, refused };
    },

    async importGerman() {
        const page = await open("import", { locale: "de-DE" });
        await page.locator("input[type=file]").setInputFiles(settings.file);
        await button(page, "Importieren").click();
        await page.getByRole("heading", { name: "Import beendet" }).waitFor();
        const reasons = await page.locator("td.reason").allTextContents();
        await close(page);
        return { reasons };
    },

    /** What can't be imported, and what the form of the columns refuses. */
    async importRefused() {
        const page = await open("import", { colorScheme: settings.scheme,
            viewport: { width: settings.width, height: 800 } });
        const error = page.locator(".error", { hasText: /./u });
        await page.getByText("drop it here").waitFor();
        await check(page, "import");
        const said = [];
        for (const file of settings.bad) {
            await chooseFile(page, file);
            await page.locator("[aria-invalid]").waitFor();
            said.push(await error.textContent());
            await check(page, "a file that can't be imported");
            await page.reload();
        }
        // Dropped, not chosen.
        const data = await page.evaluateHandle(() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["Login,Team\nann,1\n"], "dropped.csv"));
            return transfer;
        });
        await page.dispatchEvent(".drop", "drop", { dataTransfer: data });
        await page.getByRole("heading", { name: "dropped.csv" }).waitFor();
        await button(page, "Check first").click();
        said.push(await page.locator(".summary").textContent());
        await target(page, "Login").selectOption("email");
        await target(page, "Team").selectOption("email");
        await page.getByLabel("Users that exist already").selectOption("update");
        await button(page, "Check first").click();
        said.push(await page.locator(".summary").textContent());
        await target(page, "Team").selectOption("attribute");
        await page.getByLabel("Name of the attribute of Team").fill("");
        await button(page, "Check first").click();
        await check(page, "columns that can't be imported");
        said.push(await page.locator(".summary").textContent());
        await page.getByLabel("Name of the attribute of Team").fill("team");
        await button(page, "Check first").click();
        await counts(page, "Checked: nothing is imported yet");
        await check(page, "refused rows");
        await close(page);
        return { said };
    },

    /** Everything by the keyboard alone. */
    async importKeyboard() {
        const page = await open("users");
        const chosen = page.waitForEvent("filechooser");
        await page.locator(".empty, tbody tr").first().waitFor();
        await tabTo(page, "Import");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Import" }).waitFor();
        await tabTo(page, "CSV or NDJSON file");
        await page.keyboard.press("Enter");
        await (await chosen).setFiles(settings.file);
        await button(page, "Check first").waitFor();
        await tabTo(page, "Users that exist already");
        await page.keyboard.type("Skip");
        await tabTo(page, "Check first");
        await page.keyboard.press("Enter");
        await counts(page, "Checked: nothing is imported yet");
        await tabTo(page, "Import");
        await page.keyboard.press("Enter");
        const done = await counts(page, "Import finished");
        await close(page);
        return { done };
    },

    /** The server is killed in the middle, the person pauses, looks at another view, and the
     *  session ends. */
    async importLost() {
        const page = await open("import");
        await watchPauses(page);
        await chooseFile(page, settings.file);
        await button(page, "Import").waitFor();
        await button(page, "Import").click();
        await imported(page, settings.count / 10);
        await step("kill");
        await page.locator(".stack").getByText("The server can't be reached.").waitFor();
        const said = await page.locator("[role=status]").filter({ hasText: /./u }).textContent();
        await check(page, "an import that waits");
        await step("start");
        await imported(page, settings.count / 4);
        await button(page, "Pause").click();
        await page.locator(".stack").getByText("Paused").waitFor();
        await page.waitForTimeout(500);
        const line = () => page.locator(".stack > .number").textContent();
        const before = await line();
        await page.waitForTimeout(700);
        const stays = before === await line();
        let asked = "";
        page.on("dialog", (dialog) => {
            asked = dialog.type();
            dialog.dismiss();
        });
        await page.close({ runBeforeUnload: true });
        await page.waitForTimeout(300);
        await button(page, "Go on").click();
        await imported(page, settings.count / 2);
        await step("end");
        await page.getByText("Your session is over").waitFor();
        await step("begin");
        // It must not be finished before the other view is shown.
        const goOn = await hold(page, "**/users/batch");
        await button(page, "Try again").click();
        await page.getByRole("link", { name: "Sub-admins" }).click();
        await page.getByRole("heading", { name: "Sub-admins", exact: true }).waitFor();
        goOn();
        await page.waitForTimeout(300);
        await page.getByRole("link", { name: "Import" }).click();
        const done = await counts(page, "Import finished");
        const gaps = await page.evaluate(() => window.gaps);
        await close(page);
        return { done, said, stays, asked, gaps };
    },

    /** An answer that is lost, those of a busy server, and one that fails; then it is stopped. */
    async importBusy() {
        const page = await open("import");
        const answers = [
            { status: 503, headers: { "Retry-After": "1" }, json: { code: "busy" } },
            { status: 429, headers: { "Retry-After": "1" }, body: "" },
            { status: 502, contentType: "text/html", body: "<p>Bad Gateway" },
            { status: 500, json: { code: "internal_error", detail: "It broke." } }];
        const keys = new Set();
        let requests = 0;
        await page.route("**/users/batch", async (route) => {
            keys.add(route.request().headers()["idempotency-key"]);
            if (requests++ === 0) {
                await step(String((await route.fetch()).status()));
                return route.abort();
            }
            const answer = answers.shift();
            return answer ? route.fulfill({ contentType: "application/problem+json", ...answer })
                : route.continue();
        });
        await chooseFile(page, settings.file);
        await button(page, "Import").click();
        await page.getByText("The server is busy.").first().waitFor();
        await page.getByText("It broke.").first().waitFor();
        const tries = requests;
        await check(page, "an import that a failure has stopped");
        await button(page, "Go on").click();
        const done = await counts(page, "Import finished");
        const sent = keys.size;
        await button(page, "Import another file").click();
        answers.push(...Array.from({ length: 50 }, () => ({ status: 503, body: "" })));
        await chooseFile(page, settings.file);
        await button(page, "Import").click();
        await page.getByText("The server is busy.").first().waitFor();
        await button(page, "Stop").click();
        const stopped = await counts(page, "Import stopped");
        const unknown = await page.locator(".summary").textContent();
        await close(page);
        return { tries, sent, done, stopped, unknown };
    },

    /** What the policy of the pages refuses: nothing but the import's worker can be made. */
    async policy() {
        const page = await open("import");
        await page.getByRole("heading", { name: "Import" }).waitFor();
        const refused = await page.evaluate(() => Object.entries({
            "another policy": () => trustedTypes.createPolicy("other", {}),
            "the same name again": () => trustedTypes.createPolicy("import-worker", {}),
            "a worker by its text": () => new Worker("import-worker.js"),
            "markup": () => {
                document.body.innerHTML = "<p>";
            },
        }).filter(([, act]) => {
            try {
                act();
                return false;
            } catch (error) {
                return error instanceof TypeError;
            }
        }).map(([name]) => name));
        await page.context().close();
        // The browser has told of each.
        problems.length = 0;
        return { refused };
    },

    /** A group is made, filled, looked at among the users, renamed and deleted. */
    async groups() {
        const page = await open("groups");
        await row(page, "Sub-admins").waitFor();
        await button(page, "New group").click();
        await button(page, "Create").click();
        await page.locator("dialog [aria-invalid]").waitFor();
        await check(page, "the form of a group");
        await page.getByLabel("Name", { exact: true }).last().fill("sub-ADMINS");
        await button(page, "Create").click();
        await inDialog(page).getByText("Another group of the organization").waitFor();
        await page.getByLabel("Name", { exact: true }).last().fill("Night shift");
        await button(page, "Create").click();
        await page.getByRole("heading", { name: "Night shift" }).waitFor();
        await page.getByText("This group has no members").waitFor();
        await check(page, "a group without members");
        for (const email of settings.emails) {
            await button(page, "Add").first().click();
            await page.getByLabel("Email").last().fill(email);
            await inDialog(page).getByRole("button", { name: "Add" }).click();
            await inDialog(page).waitFor({ state: "detached" });
        }
        await page.locator(".count").getByText("3 members").waitFor();
        await check(page, "a group");
        await step("filled");
        await page.getByRole("button", { name: "Remove User 001" }).click();
        await page.locator(".count").getByText("2 members").waitFor();
        await step("removed");
        await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
        await page.locator(".count").getByText("3 members").waitFor();
        await page.getByRole("link", { name: "Show among users" }).click();
        await page.locator(".count").getByText("3 users").waitFor();
        const shown = await names(page);
        await check(page, "the users of a group");
        await page.getByRole("button", { name: "Group: Night shift. Show all users" }).click();
        await page.locator(".count").getByText("6 users").waitFor();
        const kept = await page.evaluate(() => document.activeElement.type);
        await page.goBack();
        await page.locator(".count").getByText("3 users").waitFor();
        await page.goBack();
        await button(page, "Rename").click();
        await page.getByLabel("Name", { exact: true }).last().fill("Day shift");
        await button(page, "Save").click();
        await page.getByRole("heading", { name: "Day shift" }).waitFor();
        // In the view of one user.
        await page.getByRole("link", { name: "User 002" }).click();
        await page.getByRole("link", { name: "Day shift" }).waitFor();
        await page.getByRole("button", { name: "Remove Day shift" }).click();
        await page.getByRole("link", { name: "Day shift" }).waitFor({ state: "detached" });
        await step("left");
        await page.locator(".card", { hasText: "Groups" }).getByRole("button", { name: "Add" }).click();
        await page.getByLabel("Group", { exact: true }).fill("day");
        await inDialog(page).getByRole("button", { name: "Add" }).click();
        await inDialog(page).getByText("No group matches").waitFor();
        await check(page, "the form that adds to a group");
        await page.getByLabel("Group", { exact: true }).fill("DAY shift");
        await inDialog(page).getByRole("button", { name: "Add" }).click();
        await page.getByRole("link", { name: "Day shift" }).waitFor();
        await step("joined");
        await page.getByRole("link", { name: "Day shift" }).click();
        await button(page, "Delete").click();
        const question = await inDialog(page).innerText();
        await check(page, "the question before a group is deleted");
        await inDialog(page).getByRole("button", { name: "Delete" }).click();
        await page.locator(".toast").getByText("The group Day shift was deleted").waitFor();
        await row(page, "Sub-admins").waitFor();
        // The group of the sub-admins.
        await page.getByRole("link", { name: "Sub-admins" }).last().click();
        await page.getByText("The members of this group are the sub-admins.").waitFor();
        const reserved = await page.locator(".head button, .empty button").allTextContents();
        await button(page, "Add").first().click();
        await page.getByLabel("Email").last().fill(settings.emails[0]);
        await inDialog(page).getByRole("button", { name: "Add" }).click();
        await row(page, "User 001").waitFor();
        await step("appointed");
        await close(page);
        return { shown, kept, question, reserved };
    },

    /** All users and some of them are saved as files. */
    async export() {
        const page = await open("users?q=user+00&order_by=email", { acceptDownloads: true });
        await page.locator("tbody tr").first().waitFor();
        const files = {};
        async function take(name, press, format, columns) {
            await press();
            await page.getByLabel("Format").selectOption(format);
            if (columns) {
                await page.getByLabel("Columns").last().selectOption(columns);
            }
            if (name === "excel") {
                await check(page, "the form of an export");
            }
            const [download] = await Promise.all([page.waitForEvent("download"),
                button(page, "Download").click()]);
            const stream = await download.createReadStream();
            const pieces = [];
            for await (const piece of stream) {
                pieces.push(piece);
            }
            files[name] = [download.suggestedFilename(), Buffer.concat(pieces).toString()];
            await inDialog(page).waitFor({ state: "detached" });
        }
        const all = () => button(page, "Export").first().click();
        const some = () => page.locator(".marked").getByRole("button", { name: "Export" }).click();
        await take("excel", all, "excel", "shown");
        await take("csv", all, "csv", "all");
        await take("ndjson", all, "ndjson");
        await row(page, "User 002").getByRole("checkbox").check();
        await row(page, "User 001").getByRole("checkbox").check();
        await take("someExcel", some, "excel", "shown");
        await take("someCsv", some, "csv", "all");
        await take("someNdjson", some, "ndjson");
        await close(page);
        return files;
    },

    /** Two people, each with an own browser, change one user at the same time. */
    async both() {
        const one = await open(`user?uid=${settings.uid}`);
        const other = await open(`user?uid=${settings.uid}`);
        for (const [page, name, phone] of [[one, "Name of one", "111"], [other, "Name of other", ""]]) {
            await button(page, "Edit").click();
            await page.getByLabel("Name", { exact: true }).first().fill(name);
            await page.getByLabel("Phone").fill(phone);
        }
        await other.getByLabel("Value of age").fill("24");
        await button(other, "Save").click();
        await other.getByRole("heading", { name: "Name of other" }).waitFor();
        await button(one, "Save").click();
        await one.getByText("Changed by somebody else").waitFor();
        const shown = await inDialog(one).last().locator("tbody tr").evaluateAll((rows) =>
            rows.map((line) => [...line.children].slice(0, 3).map((cell) => cell.textContent)));
        // Meanwhile the other one goes on: the choice is asked for again.
        await button(other, "Suspend").click();
        await button(other, "Activate").waitFor();
        await one.getByLabel("Which version of display_name").selectOption("mine");
        await inDialog(one).last().getByRole("button", { name: "Save" }).click();
        await one.waitForFunction(() => document.querySelectorAll("dialog").length === 3);
        await inDialog(one).last().getByRole("button", { name: "Save" }).click();
        await one.getByRole("heading", { name: "Name of one" }).waitFor();
        await one.getByText("Suspended").first().waitFor();
        await step("merged");
        await close(one);
        await other.reload();
        await other.getByRole("heading", { name: "Name of one" }).waitFor();
        await close(other);
        return { shown };
    },

    /** What somebody sees: the texts of links and buttons. */
    async sees() {
        const page = await open(settings.path, { locale: settings.locale ?? "en-GB" });
        await page.getByText(settings.text).first().waitFor();
        await page.waitForLoadState("networkidle");
        await check(page, settings.path);
        const links = await page.locator("a:visible, button:visible").allTextContents();
        const text = await page.locator("body").innerText();
        const language = await page.evaluate(() => document.documentElement.lang);
        await close(page);
        return { links, text, language };
    },
};

let result = {};
try {
    result = await scenarios[process.argv[2]]() ?? {};
} catch (error) {
    problems.push(String(error.stack ?? error).slice(0, 2000));
}
await browser.close();
console.log(JSON.stringify({ problems, result }));
process.exit(0);
