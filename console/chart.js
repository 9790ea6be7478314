// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// A number for each of some days, as bars and as a table.

import { fill, h, svg } from "./dom.js";
import { day, figure, t } from "./texts.js";

/** @typedef {{date: string, count: number | null}} Day a count is null if it is not known */

const WIDTH = 10;
const GAP = 2;
const HEIGHT = 60;

/** @param {number | null} count */
const shown = (count) => count === null ? t("history.not-counted") : figure(count);

/** @param {string} title @param {Day[]} days @param {number} most @param {number} sum */
function bars(title, days, most, sum) {
    const top = days.find(({ count }) => count === most) ?? days[0];
    return svg("svg", { viewBox: `0 0 ${days.length * WIDTH - GAP} ${HEIGHT}`,
        preserveAspectRatio: "none", class: "bars", role: "img",
        "aria-label": t("history.summary", title, day(days[0].date),
            day(days[days.length - 1].date), figure(sum), day(top.date), figure(most)) },
    days.map(({ date, count }, index) => {
        // The least that can be seen.
        const height = count ? Math.max(count / most * HEIGHT, 2) : 0;
        const place = { x: index * WIDTH, width: WIDTH - GAP };
        return svg("g", {}, svg("title", {}, `${day(date)}: ${shown(count)}`),
            svg("rect", { ...place, class: "space", y: 0, height: HEIGHT }),
            svg("rect", { ...place, y: HEIGHT - height, height }));
    }));
}

/** @param {Day[]} days */
const figures = (days) => h("details", { class: "figures" },
    h("summary", {}, t("history.figures")),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("history.day")),
        h("th", { scope: "col", class: "end" }, t("history.count")))),
    h("tbody", {}, [...days].reverse().map(({ date, count }) => h("tr", {},
        h("th", { scope: "row" }, day(date)), h("td", { class: "end number" }, shown(count)))))));

/**
 * Fill a card. Without days it has the room that they will take.
 * @param {HTMLElement} card
 * @param {string} title
 * @param {Day[]} [days] the oldest one first
 */
export function draw(card, title, days) {
    const counts = (days ?? []).map(({ count }) => count ?? 0);
    const sum = counts.reduce((all, count) => all + count, 0);
    const isKnown = days?.every(({ count }) => count !== null);
    fill(card, h("div", { class: "title" }, h("h2", {}, title), days && h("span", {
        class: "quiet number" }, t(isKnown ? "history.sum" : "history.sum-more", figure(sum),
        figure(days.length)))),
    h("div", { class: "chart" }, days && (sum > 0
        ? [bars(title, days, Math.max(...counts), sum),
            h("div", { class: "ends quiet", "aria-hidden": "true" }, h("span", {}, day(days[0].date)),
                h("span", {}, day(days[days.length - 1].date)))]
        : h("p", { class: "quiet" }, t(isKnown ? "history.none" : "history.not-counted")))),
    sum > 0 && days ? figures(days) : null);
}
