// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The beginning: asks who the caller is, draws the frame, and shows the view of the address.

import { call, Problem } from "./api.js";
import { fill, h, head, icon, own, prepareNotices } from "./dom.js";
import { address, begin, here, session } from "./router.js";
import { site } from "./site.js";
import { setColors } from "./colors.js";
import { language, problemText, t } from "./texts.js";
import { isView, load, mayOpen, permissionOf, prepare, prepareAll, titleOf } from "./views.js";
// Takes the one name of the policy before anything else can.
import "./worker.js";

/** In the order of the navigation. */
const menu = /** @type {const} */ (["overview", "users", "groups", "sub-admins", "invitations",
    "api-keys", "audit", "import"]);

const FIRST = "overview";
const main = h("main", { id: "main" });

function frame() {
    const { me } = session;
    const links = menu.filter(mayOpen).map((name) =>
        h("a", { href: address(name === FIRST ? "" : name), "data-view": name }, icon(name),
            h("span", {}, t(`${name}.title`))));
    document.body.append(
        h("a", { class: "skip", href: "#main", onclick: (/** @type {Event} */ event) => {
            event.preventDefault();
            main.querySelector("h1")?.focus();
        } }, t("skip")),
        h("header", { class: "side" },
            h("a", { class: "brand", href: address("") },
                site.logo ? h("img", { src: site.logo, alt: "" }) : h("img", { src: "icon.svg", alt: "" }),
                own(site.title)),
            h("nav", { "aria-label": t("navigation") }, links),
            h("div", { class: "who" }, h("span", { dir: "auto", title: me.identity }, me.identity),
                h("span", { dir: "auto", title: me.organization },
                    `${t(`role.${me.role === "admin" ? "admin" : "sub_admin"}`)} · ${me.organization}`))),
        main);
}

/** @param {string} heading @param {...import("./dom.js").Child} children */
function message(heading, ...children) {
    document.title = `${heading} · ${site.title}`;
    fill(main, h("div", { class: "message" }, h("h1", { tabindex: "-1" }, heading), ...children));
}

/** @param {unknown} error */
function cannotStart(error) {
    document.body.append(main);
    if (!(error instanceof Problem)) {
        throw error;
    }
    message(t("start.failed"), h("p", {}, problemText(error)),
        h("button", { onclick: () => location.reload() }, t("again")));
}

function noRole() {
    document.body.append(main);
    message(t("no-role.title"),
        h("p", {}, t("no-role.who", session.me.identity, session.me.organization)),
        h("p", {}, t("no-role.hint")));
}

let shown = "";
/** @type {((params: URLSearchParams) => boolean) | null} */
let follow = null;

/** @param {import("./router.js").Place} place @param {boolean} isNew */
function draw({ view, params }, isNew) {
    const name = view || FIRST;
    for (const link of document.querySelectorAll("header.side a[data-view]")) {
        // One user is among the users.
        const isHere = [name, `${name}s`].includes(link.getAttribute("data-view") ?? "");
        link.toggleAttribute("data-here", isHere);
        if (isHere) {
            link.setAttribute("aria-current", "page");
        } else {
            link.removeAttribute("aria-current");
        }
    }
    if (shown === name && follow?.(params)) {
        return;
    }
    shown = name;
    follow = null;
    if (!isView(name)) {
        message(t("not-found"));
    } else if (!mayOpen(name)) {
        message(t("not-allowed"), h("p", {}, t("not-allowed.text", permissionOf(name))));
    } else {
        open(name, isNew);
        return;
    }
    begun(isNew);
}

/** @param {boolean} isNew */
function begun(isNew) {
    document.querySelector("a[data-here]")?.scrollIntoView({ block: "nearest" });
    scrollTo(0, 0);
    if (isNew) {
        main.querySelector("h1")?.focus();
    }
}

/** @param {string} name @param {boolean} isNew */
async function open(name, isNew) {
    const waiting = head(t(titleOf(name)));
    document.title = `${t(titleOf(name))} · ${site.title}`;
    fill(main, waiting);
    const view = await load(name).catch((error) => error);
    if (!waiting.isConnected) {
        // Meanwhile another view was opened.
        return;
    }
    const hasFocus = main.contains(document.activeElement);
    try {
        if (view instanceof Error) {
            throw view;
        }
        follow = view.show(main, here().params);
    } catch (error) {
        cannotOpen(name, error);
    }
    begun(isNew || hasFocus);
}

/** @param {string} name @param {unknown} error */
function cannotOpen(name, error) {
    const isLost = error instanceof Problem;
    if (!isLost) {
        console.error(error);
    }
    message(t(titleOf(name)),
        h("p", { role: "alert" }, isLost ? problemText(error) : t("view.failed")),
        h("button", { onclick: () => isLost ? draw(here(), true) : location.reload() },
            t("again")));
}

// A menu closes when something else is clicked or has the focus, and by Escape.
for (const name of /** @type {const} */ (["pointerdown", "focusin", "keydown"])) {
    document.addEventListener(name, (event) => {
        for (const menu of document.querySelectorAll("details.menu")) {
            const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
            if (menu instanceof HTMLDetailsElement && menu.open
                && (isEscape || !menu.contains(/** @type {Node} */ (event.target)))) {
                menu.open = false;
                if (isEscape) {
                    menu.querySelector("summary")?.focus();
                }
            }
        }
    });
}

document.documentElement.lang = language;
setColors(site.color);
prepareNotices(t("notices"));
prepare(here().view || FIRST);
try {
    session.me = (await call("GET", "me/")).data;
    const isInvited = here().view === "accept";
    if (session.me.role === "none" && !isInvited) {
        noRole();
    } else {
        if (session.me.role === "none") {
            document.body.append(main);
        } else {
            frame();
            prepareAll();
        }
        begin(draw);
    }
} catch (error) {
    cannotStart(error);
}
