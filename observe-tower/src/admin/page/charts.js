// Drawings. Each has its figures in words beside it, so none of them needs to be seen.

const WIDTH = 96;
const HEIGHT = 20;

/** A line of what is known; where nothing is, it breaks. */
function spark(values, title) {
  const top = Math.max(...values.filter(isKnown), 0);
  const step = WIDTH / Math.max(values.length - 1, 1);
  let path = "";
  let isOpen = false;
  values.forEach((value, place) => {
    if (!isKnown(value) || top === 0) {
      isOpen = false;
      return;
    }
    const [x, y] = [(place * step).toFixed(1), (HEIGHT - 1 - (value / top) * (HEIGHT - 3)).toFixed(1)];
    // A point that stands alone is a short line.
    path += isOpen ? `L${x} ${y}` : `M${x} ${y}h.8`;
    isOpen = true;
  });
  return drawing(title, s("path", { class: "spark-line", d: path }));
}

/** Bars from the ground: for what is counted. */
function sparkBars(values, title, kind) {
  const top = Math.max(...values, 1);
  const step = WIDTH / Math.max(values.length, 1);
  const path = values
    .map((value, place) => {
      if (!(value > 0)) return "";
      const height = Math.max((value / top) * (HEIGHT - 2), 1.5);
      return `M${(place * step).toFixed(1)} ${HEIGHT}v-${height.toFixed(1)}h${Math.max(step * 0.8, 0.8).toFixed(2)}v${height.toFixed(1)}z`;
    })
    .join("");
  return drawing(title, s("path", { class: `spark-bars ${kind ?? ""}`, d: path }));
}

function drawing(title, ...content) {
  return s(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": title,
    },
    s("title", null, title),
    ...content,
  );
}
