// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// All texts. A translation is an object with the same keys. {0} stands for an argument; texts
// that count have a key for each of the language's plural forms.

const en = {
    "again": "Try again",
    "all": "Show all",
    "activate": "Activate",
    "active": "Active",
    "activated.one": "{0} user is active again",
    "activated.other": "{0} users are active again",
    "appointed.one": "{0} user is a sub-admin now",
    "appointed.other": "{0} users are sub-admins now",
    "attribute.add": "Add attribute",
    "attribute.name": "Name",
    "attribute.remove": "Remove {0}",
    "attribute.type": "Type",
    "attribute.value": "Value of {0}",
    "attributes": "Attributes",
    "attributes.hint": "Data that your product keeps about this user. Values keep their type.",
    "attributes.none": "This user has no further attributes.",
    "cancel": "Cancel",
    "chosen": "Selected users",
    "chosen.one": "{0} selected",
    "chosen.other": "{0} selected",
    "chosen.clear": "Clear selection",
    "close": "Close",
    "columns": "Columns",
    "copied": "Copied.",
    "copy": "Copy",
    "copy.by-hand": "The browser can't copy here. The text is selected: press Ctrl+C.",
    "create": "Create",
    "delete": "Delete",
    "delete.text": "This can't be undone. The audit trail stays.",
    "delete.title.one": "Delete this user?",
    "delete.title.other": "Delete {0} users?",
    "deleted.one": "{0} user deleted",
    "deleted.other": "{0} users deleted",
    "details": "Details",
    "dismissed.one": "{0} user is no sub-admin any more",
    "dismissed.other": "{0} users are no sub-admins any more",
    "done": "Done",
    "edit": "Edit",
    "end-sub-admin": "End sub-admin",
    "error.json": "This is not valid JSON.",
    "error.number": "A number such as 23 or 0.95.",
    "error.required": "Fill this in.",
    "error.twice": "This name is already used.",
    "failed": "That did not work",
    "filter.active": "Any status",
    "filter.role": "Any role",
    "filters.clear": "Clear filters",
    "first-page": "Go to the first page",
    "make-sub-admin": "Make sub-admin",
    "member.active": "Status",
    "member.created_at": "Created",
    "member.display_name": "Name",
    "member.email": "Email",
    "member.phone": "Phone",
    "member.role": "Role",
    "member.updated_at": "Changed",
    "member.user_uid": "User ID",
    "merge.choice": "Which version of {0}",
    "merge.keep": "Keep",
    "merge.member": "Member",
    "merge.mine": "Yours",
    "merge.text": "While you edited, somebody else changed this user. Choose what to keep.",
    "merge.theirs": "Theirs",
    "merge.title": "Changed by somebody else",
    "navigation": "Main",
    "next": "Next",
    "no": "No",
    "no-role.hint": "Ask an admin of your organization to make you a sub-admin. If you have an invitation, open the link in it.",
    "no-role.title": "You have no role here",
    "no-role.who": "You are signed in as {0}, in the organization {1}. Only its admins and sub-admins can open this console.",
    "not-allowed": "Not for your role",
    "not-allowed.text": "This view needs the permission {0}.",
    "not-found": "There is no such view",
    "nothing-yet": "Nothing yet.",
    "notices": "Notices",
    "open": "Open",
    "pages": "Pages",
    "previous": "Previous",
    "problem.unreachable": "The server could not be reached. Check the connection and try again.",
    "refused.one": "One user was not changed",
    "refused.other": "{0} users were not changed",
    "role.admin": "Admin",
    "role.sub_admin": "Sub-admin",
    "role.user": "User",
    "save": "Save",
    "saved": "Saved",
    "select-all": "Select all on this page",
    "select-one": "Select {0}",
    "session.open": "Sign in",
    "session.text": "Sign in again in a new tab, then come back. What you have entered stays here.",
    "session.title": "Your session is over",
    "skip": "Skip to content",
    "start.failed": "The console can't start",
    "suspend": "Suspend",
    "suspended": "Suspended",
    "suspended.one": "{0} user is suspended",
    "suspended.other": "{0} users are suspended",
    "type.json": "JSON",
    "type.number": "Number",
    "type.text": "Text",
    "type.yes-no": "Yes/No",
    "undo": "Undo",
    "user.edit-title": "Edit user",
    "user.gone": "There is no such user",
    "user.members": "Details",
    "user.one": "{0} user",
    "user.other": "{0} users",
    "user.sessions": "Latest sessions",
    "user.title": "User",
    "user.trail": "Audit trail",
    "users.made": "{0} was created",
    "users.new": "New user",
    "users.none": "No users yet",
    "users.none-hint": "Create the first one here, or import many with usermgmtctl or the API.",
    "users.none-found": "No user matches",
    "users.search": "Name or email begins with …",
    "users.search-hint": "The search finds names and addresses that begin with the text. It does not look inside of them.",
    "users.title": "Users",
    "working": "Working …",
    "yes": "Yes",
    "overview.title": "Overview",
    "overview.active": "Active users",
    "overview.sub-admins": "Sub-admins",
    "overview.invitations": "Pending invitations",
    "overview.sessions": "Sessions",
    "overview.payment": "Payment type: {0}",
    "overview.activities": "Activities",
    "overview.latest": "Latest changes",
};

/** @typedef {keyof typeof en} Key */
/** @typedef {{[K in Key]: K extends `${infer Noun}.other` ? Noun : never}[Key]} Counted */

/** @type {Record<Key, string> & Record<string, string>} */
const de = {
    "again": "Noch einmal",
    "all": "Alle zeigen",
    "activate": "Aktivieren",
    "active": "Aktiv",
    "activated.one": "{0} Person ist wieder aktiv",
    "activated.other": "{0} Personen sind wieder aktiv",
    "appointed.one": "{0} Person ist jetzt Sub-Admin",
    "appointed.other": "{0} Personen sind jetzt Sub-Admins",
    "attribute.add": "Attribut hinzufügen",
    "attribute.name": "Name",
    "attribute.remove": "{0} entfernen",
    "attribute.type": "Typ",
    "attribute.value": "Wert von {0}",
    "attributes": "Attribute",
    "attributes.hint": "Daten, die Ihr Produkt über diese Person speichert. Werte behalten ihren Typ.",
    "attributes.none": "Es gibt keine weiteren Attribute.",
    "cancel": "Abbrechen",
    "chosen": "Ausgewählte Personen",
    "chosen.one": "{0} ausgewählt",
    "chosen.other": "{0} ausgewählt",
    "chosen.clear": "Auswahl aufheben",
    "close": "Schließen",
    "columns": "Spalten",
    "copied": "Kopiert.",
    "copy": "Kopieren",
    "copy.by-hand": "Der Browser kann hier nicht kopieren. Der Text ist markiert: Strg+C.",
    "create": "Anlegen",
    "delete": "Löschen",
    "delete.text": "Das lässt sich nicht rückgängig machen. Das Protokoll bleibt.",
    "delete.title.one": "Diese Person löschen?",
    "delete.title.other": "{0} Personen löschen?",
    "deleted.one": "{0} Person gelöscht",
    "deleted.other": "{0} Personen gelöscht",
    "details": "Einzelheiten",
    "dismissed.one": "{0} Person ist kein Sub-Admin mehr",
    "dismissed.other": "{0} Personen sind keine Sub-Admins mehr",
    "done": "Fertig",
    "edit": "Bearbeiten",
    "end-sub-admin": "Sub-Admin beenden",
    "error.json": "Das ist kein gültiges JSON.",
    "error.number": "Eine Zahl wie 23 oder 0.95.",
    "error.required": "Bitte ausfüllen.",
    "error.twice": "Diesen Namen gibt es schon.",
    "failed": "Das hat nicht geklappt",
    "filter.active": "Jeder Status",
    "filter.role": "Jede Rolle",
    "filters.clear": "Filter aufheben",
    "first-page": "Zur ersten Seite",
    "make-sub-admin": "Zum Sub-Admin machen",
    "member.active": "Status",
    "member.created_at": "Angelegt",
    "member.display_name": "Name",
    "member.email": "E-Mail",
    "member.phone": "Telefon",
    "member.role": "Rolle",
    "member.updated_at": "Geändert",
    "member.user_uid": "Benutzer-ID",
    "merge.choice": "Welche Fassung von {0}",
    "merge.keep": "Behalten",
    "merge.member": "Feld",
    "merge.mine": "Ihre",
    "merge.text": "Während Sie bearbeitet haben, hat jemand anders diese Person geändert. Wählen Sie, was bleibt.",
    "merge.theirs": "Die andere",
    "merge.title": "Von jemand anders geändert",
    "navigation": "Hauptmenü",
    "next": "Weiter",
    "no": "Nein",
    "no-role.hint": "Bitten Sie einen Admin Ihrer Organisation, Sie zum Sub-Admin zu machen. Wenn Sie eine Einladung haben, öffnen Sie den Link darin.",
    "no-role.title": "Sie haben hier keine Rolle",
    "no-role.who": "Sie sind angemeldet als {0}, in der Organisation {1}. Nur ihre Admins und Sub-Admins können diese Konsole öffnen.",
    "not-allowed": "Nicht für Ihre Rolle",
    "not-allowed.text": "Diese Ansicht braucht das Recht {0}.",
    "not-found": "Diese Ansicht gibt es nicht",
    "nothing-yet": "Noch nichts.",
    "notices": "Meldungen",
    "open": "Öffnen",
    "pages": "Seiten",
    "previous": "Zurück",
    "problem.unreachable": "Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
    "refused.one": "Eine Person wurde nicht geändert",
    "refused.other": "{0} Personen wurden nicht geändert",
    "role.admin": "Admin",
    "role.sub_admin": "Sub-Admin",
    "role.user": "Person",
    "save": "Speichern",
    "saved": "Gespeichert",
    "select-all": "Alle auf dieser Seite auswählen",
    "select-one": "{0} auswählen",
    "session.open": "Anmelden",
    "session.text": "Melden Sie sich in einem neuen Tab wieder an und kommen Sie zurück. Ihre Eingaben bleiben hier.",
    "session.title": "Ihre Sitzung ist zu Ende",
    "skip": "Zum Inhalt",
    "start.failed": "Die Konsole kann nicht starten",
    "suspend": "Sperren",
    "suspended": "Gesperrt",
    "suspended.one": "{0} Person ist gesperrt",
    "suspended.other": "{0} Personen sind gesperrt",
    "type.json": "JSON",
    "type.number": "Zahl",
    "type.text": "Text",
    "type.yes-no": "Ja/Nein",
    "undo": "Rückgängig",
    "user.edit-title": "Person bearbeiten",
    "user.gone": "Diese Person gibt es nicht",
    "user.members": "Angaben",
    "user.one": "{0} Person",
    "user.other": "{0} Personen",
    "user.sessions": "Letzte Sitzungen",
    "user.title": "Person",
    "user.trail": "Protokoll",
    "users.made": "{0} wurde angelegt",
    "users.new": "Neue Person",
    "users.none": "Noch niemand",
    "users.none-hint": "Legen Sie hier die erste Person an, oder importieren Sie viele mit usermgmtctl oder der API.",
    "users.none-found": "Niemand passt dazu",
    "users.search": "Name oder E-Mail beginnt mit …",
    "users.search-hint": "Die Suche findet Namen und Adressen, die mit dem Text beginnen. Sie sucht nicht darin.",
    "users.title": "Personen",
    "working": "Läuft …",
    "yes": "Ja",
    "overview.title": "Überblick",
    "overview.active": "Aktive Personen",
    "overview.sub-admins": "Sub-Admins",
    "overview.invitations": "Offene Einladungen",
    "overview.sessions": "Sitzungen",
    "overview.payment": "Tarif: {0}",
    "overview.activities": "Aktivitäten",
    "overview.latest": "Letzte Änderungen",
    // What the API says in English, by its codes.
    "code.email_exists": "Diese Adresse hat schon eine andere Person.",
    "code.already_sub_admin": "Das ist schon ein Sub-Admin.",
    "code.busy": "Der Server ist gerade ausgelastet. Versuchen Sie es gleich noch einmal.",
    "code.forbidden": "Dazu fehlt Ihnen das Recht.",
    "code.protected_user": "Einen Admin oder Sub-Admin dürfen Sie nicht ändern.",
    "code.user_not_found": "Diese Person gibt es nicht (mehr).",
    "code.unavailable": "Die Datenbank ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
    "code.required": "Bitte ausfüllen.",
    "code.invalid_email": "Das ist keine gültige E-Mail-Adresse.",
    "code.invalid_phone": "3 bis 32 Ziffern, Leerzeichen und + - ( ) .",
    "code.invalid_name": "Ein Name beginnt mit einem Buchstaben oder _ und hat höchstens 64 Buchstaben, Ziffern, _ . -",
    "code.reserved_name": "Dieser Name ist reserviert.",
    "code.too_long": "Zu lang.",
};

/** @type {Record<string, Record<string, string>>} */
const languages = { en, de };

/** The first language of the browser that there is. */
export const language = navigator.languages.map((name) => name.slice(0, 2).toLowerCase())
    .find((name) => name in languages) ?? "en";
const texts = languages[language];

/** @param {Key} key @param {...(string | number)} values */
export function t(key, ...values) {
    return texts[key].replace(/\{(\d)\}/g, (_, index) => String(values[Number(index)]));
}

// The whole name tells how dates are written: en-GB.
const region = navigator.languages.find((name) => name.toLowerCase().startsWith(language))
    ?? language;
const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(region);

/** A text with a number. @param {Counted} noun @param {number} count */
export function n(noun, count) {
    const form = plural.select(count) === "one" ? "one" : "other";
    return t(/** @type {Key} */ (`${noun}.${form}`), numbers.format(count));
}

/** @param {import("./api.js").Problem} problem */
export function problemText(problem) {
    const text = texts[`problem.${problem.code}`] ?? texts[`code.${problem.code}`]
        ?? problem.message;
    return problem.requestId ? `${text} (${problem.requestId})` : text;
}

/** @param {import("./api.js").Fault} fault */
export const faultText = (fault) => texts[`code.${fault.code}`] ?? fault.detail;

const dates = new Intl.DateTimeFormat(region, { dateStyle: "medium" });
const times = new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" });

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
export const date = (text) => made(dates, text);
/** An instant, with the time of the day. @param {string} text */
export const time = (text) => made(times, text);
/** @param {number} value */
export const figure = (value) => numbers.format(value);
