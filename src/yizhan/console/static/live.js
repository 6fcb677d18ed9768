// The overview, renewed each second by server-sent events from /live, with two charts of the last ten minutes.
"use strict";

const KEPT = 600;
const COLUMNS = ["at_s", "accepted", "delivered", "failed", "queued"];
const moments = COLUMNS.map(() => []);
const charts = [];
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" });
let source = null;
let again = 0;

function add(columns) {
  COLUMNS.forEach((name, at) => { moments[at] = moments[at].concat(columns[name]).slice(-KEPT); });
  for (const chart of charts) chart.renew();
}

// A colour as the style sheet has it at this moment: the canvas knows no variables.
function colour(name) {
  return getComputedStyle(document.querySelector(name)).color;
}

function draw(id, lines) {
  const box = document.getElementById(id);
  box.hidden = false;
  const axis = { stroke: () => colour(".quiet"), grid: { stroke: () => colour(".chart"), width: 1 }, ticks: { show: false } };
  const times = (_, moments) => moments.map((at) => clock.format(at * 1000));
  const counts = (_, values) => values.map((value) => value.toLocaleString());
  const series = lines.map((line) => ({ stroke: () => colour(`.of-${line.name}`), width: 2, dash: line.dash, points: { show: false } }));
  const data = () => [moments[0], ...lines.map((line) => moments[COLUMNS.indexOf(line.name)])];
  const size = () => ({ width: box.clientWidth, height: box.clientHeight });
  const plot = new uPlot({
    ...size(),
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { range: (_, __, last) => [(last ?? Date.now() / 1000) - KEPT, last ?? Date.now() / 1000] },
      y: { range: (_, __, most) => [0, Math.max(1, most ?? 1) * 1.1] },
    },
    axes: [{ ...axis, values: times, space: 60, size: 30 }, { ...axis, values: counts, size: 50 }],
    series: [{}, ...series],
  }, data(), box);
  charts.push({ renew: () => plot.setData(data()) });
  new ResizeObserver(() => plot.setSize(size())).observe(box);
}

// Only what is another changes, so that whoever reads, selects or has the focus is left in peace.
function renew(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[id^=live-]")) {
    const old = document.getElementById(part.id);
    if (old.innerHTML === part.innerHTML) continue;
    const focus = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.innerHTML = part.innerHTML;
    if (focus) old.querySelector(`[href="${CSS.escape(focus)}"]`)?.focus();
  }
}

function say(stale) {
  document.getElementById("stale").hidden = !stale;
}

function look() {
  clearTimeout(again);
  source?.close();
  source = new EventSource("/live");
  source.addEventListener("open", () => say(false));
  source.addEventListener("history", (event) => {
    moments.forEach((column) => { column.length = 0; });
    add(JSON.parse(event.data));
  });
  source.addEventListener("figures", (event) => add(JSON.parse(event.data)));
  source.addEventListener("overview", (event) => renew(event.data));
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => {
    say(true);
    if (source.readyState === EventSource.CLOSED) askWhy(); // refused; else it comes back by itself
  });
}

// The session is over, which the page itself finds out; or too many look on, and there may be room later.
async function askWhy() {
  const answer = await fetch(location.href, { redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.reload();
  else if (!document.hidden) again = setTimeout(look, 10_000);
}

// Nobody looks at a page that is hidden.
document.addEventListener("visibilitychange", () => {
  clearTimeout(again);
  if (document.hidden) source.close();
  else look();
});

draw("chart-rates", [{ name: "accepted" }, { name: "delivered", dash: [8, 4] }, { name: "failed", dash: [2, 3] }]);
draw("chart-queued", [{ name: "queued" }]);
look();
