// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The accent colour of the site, made dark or light enough to be read.

/** @typedef {[number, number, number]} Color */

/** @param {Color} color */
function luminance(color) {
    const [red, green, blue] = color.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of WCAG. @param {Color} one @param {Color} other */
function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}

/**
 * Mix a colour with black or white until it can be read on another.
 * @param {Color} color @param {Color} ground
 */
function readable(color, ground) {
    const goal = luminance(ground) > 0.4 ? 0 : 255;
    let made = color;
    for (let share = 0; share <= 1 && contrast(made, ground) < 4.8; share += 0.05) {
        made = /** @type {Color} */ (color.map((part) =>
            Math.round(part + (goal - part) * share)));
    }
    return made;
}

/** @param {string} text "#rrggbb" */
export function setColors(text) {
    const color = /** @type {Color} */ ([1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
    const css = (/** @type {Color} */ made) => `rgb(${made.join(" ")})`;
    /** @type {Color} */
    const white = [255, 255, 255];
    /** @type {Color} */
    const black = [16, 18, 22];
    const { style } = document.documentElement;
    style.setProperty("--accent", css(color));
    style.setProperty("--on-accent", css(contrast(color, white) >= 4.5 ? white
        : contrast(color, black) > contrast(color, white) ? black : white));
    style.setProperty("--accent-light", css(readable(color, [238, 241, 246])));
    style.setProperty("--accent-dark", css(readable(color, [36, 39, 46])));
}
