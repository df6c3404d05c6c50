// Figures as text: with their unit, and as many digits as say something.

const NARROW = "\u202f";
const UNKNOWN = "–";

function digits(value, places) {
  return value.toLocaleString("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places });
}

/** Three digits that count. */
function three(value) {
  const size = Math.abs(value);
  return digits(value, size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function isKnown(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function count(value) {
  return isKnown(value) ? digits(value, 0) : UNKNOWN;
}

function ms(value) {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size < 1 && size > 0) return `${digits(value * 1e3, 0)}${NARROW}µs`;
  if (size < 1e3) return `${three(value)}${NARROW}ms`;
  if (size < 1e5) return `${three(value / 1e3)}${NARROW}s`;
  return span(value / 1e3);
}

/** A bound of a bucket, a mark on an axis: round as it is. */
function bound(value) {
  const [size, unit] =
    value >= 1e3 ? [value / 1e3, "s"] : value >= 1 || value === 0 ? [value, "ms"] : [value * 1e3, "µs"];
  return `${size.toLocaleString("en-GB", { maximumFractionDigits: 3 })}${NARROW}${unit}`;
}

/** A span of time in seconds. */
function span(value) {
  if (!isKnown(value)) return UNKNOWN;
  if (value < 1) return ms(value * 1e3);
  const whole = Math.floor(value);
  const parts = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = parts.findIndex(([size]) => whole >= size);
  const texts = [];
  let rest = whole;
  for (const [size, unit] of parts.slice(first, first + 2)) {
    const many = Math.floor(rest / size);
    rest -= many * size;
    if (many > 0) texts.push(`${many}${NARROW}${unit}`);
  }
  return texts.join(" ");
}

function rate(value) {
  return isKnown(value) ? `${three(value)}${NARROW}/s` : UNKNOWN;
}

function share(value) {
  if (!isKnown(value)) return UNKNOWN;
  const percent = value * 100;
  const text =
    percent !== 0 && Math.abs(percent) < 0.01
      ? "< 0.01"
      : digits(percent, percent === 0 || Math.abs(percent) >= 10 ? 0 : Math.abs(percent) >= 1 ? 1 : 2);
  return `${text.replace("-", "−")}${NARROW}%`;
}

function bytes(value) {
  if (!isKnown(value)) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  for (; Math.abs(size) >= 1024 && unit < units.length - 1; unit += 1) size /= 1024;
  return `${unit === 0 ? digits(size, 0) : three(size)}${NARROW}${units[unit]}`;
}

/** A value of a metric in the unit that its family says. */
function measured(value, unit) {
  if (!isKnown(value)) return UNKNOWN;
  if (unit === "bytes") return bytes(value);
  if (unit === "seconds") return value > 1e9 ? new Date(value * 1e3).toLocaleString("en-GB") : span(value);
  if (unit === "ratio") return share(value);
  const text = Number.isInteger(value) ? count(value) : three(value);
  return unit ? `${text}${NARROW}${unit}` : text;
}

/** The time of the day, here. */
function clock(time, withParts) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  const two = (part) => String(part).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withParts ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** A time as an element: short, and whole where it is pointed at. */
function when(time, withParts) {
  return h("time", { datetime: time, title: time }, clock(time, withParts));
}

function many(number, one, more) {
  return `${count(number)} ${number === 1 ? one : (more ?? `${one}s`)}`;
}
