// Elements. What comes from outside becomes text and attributes, never markup.

// The one of the page's own drawing: so that no address stands in this page.
const SVG = document.querySelector("svg").namespaceURI;

/** An element: properties, then children. `null`, `undefined` and `false` are left out. */
function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An element of a drawing. */
function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") {
      // By the object model: the page's policy knows no style attributes.
      for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
    } else if (name.startsWith("on") || name === "value" || name === "checked") {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

const HANDLERS = [
  "onclick",
  "onkeydown",
  "onsubmit",
  "onchange",
  "onpointermove",
  "onpointerleave",
  "onfocus",
  "onblur",
];

/** Makes `old` look like `now`, and leaves alone what is the same: focus, scrolling, and what is being typed stay. */
function morph(old, now) {
  if (!isSame(old, now)) {
    old.replaceWith(now);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether something is unfolded is up to who reads.
    if (name !== "style" && name !== "open" && !now.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== now.style.cssText) old.style.cssText = now.style.cssText;
  for (const handler of HANDLERS) {
    if (old[handler] !== now[handler]) old[handler] = now[handler];
  }
  morphChildren(old, [...now.childNodes]);
}

function morphChildren(parent, now) {
  const key = (node) => node.dataset?.key;
  const wanted = new Set(now.map(key));
  const keyed = new Map();
  for (const child of [...parent.childNodes]) {
    if (key(child) === undefined) continue;
    if (wanted.has(key(child))) keyed.set(key(child), child);
    else child.remove();
  }
  let at = parent.firstChild;
  for (const next of now) {
    let match = key(next) === undefined ? at : keyed.get(key(next));
    if (match && !isSame(match, next)) match = undefined;
    if (!match) {
      parent.insertBefore(next, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else parent.insertBefore(match, at);
    morph(match, next);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function isSame(one, other) {
  return one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;
}

/** Up and down (and Home, End) go from one to the next of what `selector` finds in an element. */
function walk(selector) {
  return (event) => {
    const all = [...event.currentTarget.querySelectorAll(selector)];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined || !all[to]) return;
    event.preventDefault();
    all[to].focus();
  };
}
