// Elements. Every string becomes a text node, so that nothing a node, a peer or a memo says can be markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// What makes a control the same one when it is drawn anew.
const nameOf = (control) => [control.tagName, control.id, control.getAttribute("name"), control.getAttribute("aria-label"), control.getAttribute("href"), control.children.length ? "" : control.textContent].join("|");

// Calls back once nothing is pressed any more: what is drawn anew in between would never be clicked.
function onRelease(action) {
  const released = new AbortController();
  for (const name of ["pointerup", "pointercancel", "keyup"]) {
    addEventListener(name, () => { released.abort(); setTimeout(action); }, { signal: released.signal });
  }
}

// Draws the content anew, and leaves the focus with the control that had it.
export function replace(element, ...children) {
  if (element.matches(":active")) {
    onRelease(() => replace(element, ...children));
    return element;
  }
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (focused && !focused.isConnected) [...element.querySelectorAll(focused.tagName)].find((control) => nameOf(control) === nameOf(focused))?.focus({ preventScroll: true });
  return element;
}

export const link = (href, ...children) => h("a", { href }, ...children);

// What went wrong is told where everybody looks; the page sets how.
let tell = () => {};
export const tellWith = (teller) => { tell = teller; };
export const alarm = (error) => tell(error instanceof Error ? error.message : String(error));

// Runs what a button asks for, with the button disabled meanwhile.
async function act(button, action) {
  if (button.disabled) return;
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  tell("");
  try {
    await action();
  } catch (error) {
    alarm(error);
  } finally {
    button.disabled = false;
    if (hadFocus && button.isConnected && document.activeElement === document.body) button.focus();
  }
}

export function button(text, action, attributes) {
  const made = h("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => act(made, action));
  return made;
}

let fields = 0;
// A labelled field: `label`, `name`, `hint`, `control` (input, textarea or select), and attributes of the control.
export function field({ label, name, hint, control = "input", options, ...attributes }) {
  const id = attributes.id ?? `field-${name}-${(fields += 1)}`;
  const described = hint ? `${id}-hint` : null;
  const made = h(control, { autocomplete: "off", spellcheck: control === "select" ? null : "false", ...attributes, id, name, "aria-describedby": described },
    (options ?? []).map(([value, text]) => h("option", { value, selected: value === attributes.value }, text)));
  if (control === "textarea" && attributes.value) made.value = attributes.value;
  return h("div", { class: "field" }, h("label", { for: id }, label), made, hint ? h("p", { class: "hint", id: described }, hint) : null);
}

// A form of fields with one button; the action gets the values by name.
export function form(children, submit, action, attributes) {
  const sender = h("button", { class: "primary" }, submit);
  const made = h("form", attributes, ...children, h("div", { class: "actions" }, sender));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    act(sender, () => action(Object.fromEntries(new FormData(made)), made));
  });
  return made;
}

export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(Boolean).map(([term, ...value]) => h("div", null, h("dt", null, term), h("dd", null, ...value))));

// Wide tables scroll inside their frame, which the keyboard reaches too.
export const table = ({ caption, head, rows, none, hideCaption }) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
  h("table", null,
    h("caption", { class: hideCaption ? "hidden" : null }, caption),
    h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, rows.length ? rows : h("tr", null, h("td", { colspan: String(head.length), class: "faint" }, none ?? "Nothing yet.")))));

export const row = (...cells) => h("tr", null, cells.map((cell) => h("td", null, cell)));

export const card = (title, ...children) => h("section", { class: "card" }, title ? h("h2", null, title) : null, ...children);

export const note = (kind, ...children) => h("p", { class: `note ${kind}` }, ...children);

// A state in which there is nothing to show, with what can be done about it.
export const empty = (title, text, ...actions) => h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", null, text), actions.length ? h("div", { class: "actions" }, actions) : null);

export function copyable(text, shown = text) {
  return h("span", { class: "copyable" }, h("code", null, shown), " ", button("Copy", async () => {
    await copy(text);
    status("Copied.");
  }, { class: "quiet", "aria-label": `Copy ${shown.length > 24 ? `${shown.slice(0, 12)}…` : shown}` }));
}

// Where the page is not at localhost or behind https, there is no clipboard.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { class: "hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("this browser copies nothing here: mark the text and copy it by hand");
}

// Tells those who do not see the page what has changed.
export function status(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

// Saves a text as a file.
export function save(name, kind, text) {
  const url = URL.createObjectURL(new Blob([text], { type: kind }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
