// Draws a dashboard much as Grafana does: its panels, their units, thresholds,
// legends and mappings, with what Prometheus answered. `board` is the
// dashboard, `answers` what each query of each panel had, `from` and `to` when.
"use strict";

const PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d",
  "#fade2a", "#447ebc", "#c15c17", "#890f02"];
const COLOURS = { red: "#f2495c", orange: "#ff9830", yellow: "#fade2a", green: "#73bf69", blue: "#5794f2", text: "#ccccdc" };
const colour = (name) => COLOURS[name] ?? name;

const text = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const short = (v) => (Math.abs(v) >= 1e4 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toPrecision(3) : +v.toPrecision(3));

function scaled(v, units, step) {
  let i = 0;
  while (Math.abs(v) >= step && i < units.length - 1) [v, i] = [v / step, i + 1];
  return `${short(v)} ${units[i]}`;
}

function shown(v, unit, decimals) {
  if (v === null || Number.isNaN(v)) return "–";
  if (unit === "s") {
    if (v === 0) return "0 s";
    const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
    const [by, name] = units.find(([by]) => Math.abs(v) >= by) ?? units.at(-1);
    return `${short(v / by)} ${name}`;
  }
  if (unit === "bytes") return scaled(v, ["B", "KiB", "MiB", "GiB", "TiB"], 1024);
  if (unit === "Bps") return scaled(v, ["B/s", "kB/s", "MB/s", "GB/s"], 1000);
  if (unit === "cps") return scaled(v, ["c/s", "K c/s", "M c/s"], 1000);
  if (unit === "percentunit") return `${+(v * 100).toFixed(decimals ?? 2)}%`;
  const number = decimals === undefined ? short(v) : v.toFixed(decimals);
  if (unit?.startsWith("suffix:")) return number + unit.slice(7);
  if (unit === "short" && Math.abs(v) >= 1000) return scaled(v, ["", "K", "Mil", "Bil"], 1000);
  return `${number}`;
}

function atThreshold(v, thresholds) {
  const reached = thresholds.steps.filter((s) => s.value === null || v >= s.value);
  return colour(reached.at(-1)?.color ?? "text");
}

const named = (legend, labels) => (legend ? legend.replace(/\{\{(\w+)\}\}/g, (_, l) => labels[l] ?? "").trim() : JSON.stringify(labels));

/** All series of a panel, each with its name and what overrides say. */
function series(panel, answers) {
  return panel.targets.flatMap((target, i) =>
    answers[i].map(({ labels, samples }) => {
      const name = named(target.legendFormat, labels);
      const override = panel.fieldConfig.overrides.find(({ matcher: { id, options } }) =>
        id === "byName" ? options === name : new RegExp(options.slice(1, -1)).test(name));
      const fixed = override?.properties.find((p) => p.id === "color")?.value.fixedColor;
      return { name, labels, fixed, samples: samples.filter(([, v]) => v !== null && Number.isFinite(v)) };
    }))
    .map((s, i) => ({ ...s, colour: s.fixed ? colour(s.fixed) : PALETTE[i % PALETTE.length] }));
}

const nice = (max) => { const p = 10 ** Math.floor(Math.log10(max)); return [1, 2, 5, 10].map((f) => f * p).find((v) => v >= max); };

function timeseries(panel, answers, w, h) {
  const all = series(panel, answers);
  const { custom, unit, thresholds } = panel.fieldConfig.defaults;
  const log = custom.scaleDistribution.type === "log";
  const stacked = custom.stacking.mode === "normal";
  const limits = custom.thresholdsStyle.mode === "off" ? [] : thresholds.steps.filter((s) => s.value !== null);
  let below = new Map();
  if (stacked) for (const s of all) s.samples = s.samples.map(([t, v]) => { const b = below.get(t) ?? 0; below.set(t, b + v); return [t, b + v, b]; });
  const values = all.flatMap((s) => s.samples.map((p) => p[1])).filter((v) => !log || v > 0);
  const over = [...values, ...(values.length && log ? limits.map((l) => l.value) : [])];
  let max = Math.max(...over, 0) || 1, min = log ? Math.min(...over.filter((v) => v > 0), max / 4) : Math.min(0, ...values);
  if (!log) max = nice(max);
  const table = panel.options.legend.displayMode === "table";
  const foot = table ? 16 * (Math.min(all.length, 6) + 1) : 20 * Math.ceil(all.reduce((n, s) => n + s.name.length * 6.4 + 30, 0) / w);
  const bottom = h - Math.min(foot, h / 2) - 18, left = 58;
  const x = (t) => left + ((t - from) / (to - from)) * (w - left - 8);
  const y = (v) => log ? bottom - 6 - (Math.log(Math.max(v, min) / min) / Math.log(max / min || 2)) * (bottom - 12) : bottom - ((v - min) / (max - min)) * (bottom - 8);
  let out = "";
  const ticks = log ? [0, 0.25, 0.5, 0.75, 1].map((f) => min * (max / min) ** f) : [0, 0.25, 0.5, 0.75, 1].map((f) => min + f * (max - min));
  for (const v of ticks) out += `<line x1="${left}" x2="${w}" y1="${y(v)}" y2="${y(v)}" stroke="#2c3235"/><text x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${text(shown(v, unit))}</text>`;
  for (const l of limits) if (values.length && l.value <= max) out += `<line x1="${left}" x2="${w}" y1="${y(l.value)}" y2="${y(l.value)}" stroke="${colour(l.color)}" stroke-dasharray="6 5"/>`;
  const step = Math.max(2, ((w - left) / 80) * 0.8);
  for (const s of [...all].reverse()) {
    const c = s.colour;
    if (custom.drawStyle === "bars") {
      for (const [t, v, b = min] of s.samples) if (v > b) out += `<rect x="${x(t)}" width="${step}" y="${y(v)}" height="${y(b) - y(v)}" fill="${c}" fill-opacity=".7"/>`;
    } else {
      const line = s.samples.filter(([, v]) => !log || v > 0).map(([t, v]) => `${x(t)},${y(v)}`).join(" ");
      out += `<polyline points="${line}" fill="none" stroke="${c}" stroke-width="1.5"/>`;
    }
  }
  const time = (t) => new Date(t * 1000).toISOString().slice(11, 19);
  for (const f of [0, 0.5]) out += `<text x="${left + f * (w - left)}" y="${bottom + 14}">${time(from + f * (to - from))}</text>`;
  const calc = { lastNotNull: (v) => v.at(-1), max: (v) => Math.max(...v), mean: (v) => v.reduce((a, b) => a + b, 0) / v.length };
  const legend = all.map((s) => {
    const vs = s.samples.map((p) => p[1]);
    const cells = panel.options.legend.calcs.map((c) => `<td>${text(vs.length ? shown(calc[c](vs), unit) : "–")}</td>`).join("");
    return table ? `<tr><td><i style="background:${s.colour}"></i>${text(s.name)}</td>${cells}</tr>` : `<span><i style="background:${s.colour}"></i>${text(s.name)}</span>`;
  });
  const head = table ? `<tr><td></td>${panel.options.legend.calcs.map((c) => `<td>${{ lastNotNull: "Last", max: "Max", mean: "Mean" }[c]}</td>`).join("")}</tr>` : "";
  const drawn = `<svg width="${w}" height="${bottom + 18}">${out}</svg>`;
  return [drawn + (table ? `<table class="legend">${head}${legend.join("")}</table>` : `<div class="legend">${legend.join("")}</div>`), values.length];
}

function heatmap(panel, answers, w, h) {
  const { unit } = panel.options.yAxis;
  const rows = answers[0].map((s) => ({ le: s.labels.le === "+Inf" ? Infinity : +s.labels.le, at: new Map(s.samples) })).sort((a, b) => a.le - b.le);
  const times = [...new Set(rows.flatMap((r) => [...r.at.keys()]))].sort((a, b) => a - b).filter((_, i) => i % 8 === 0);
  const cells = rows.map((r, i) => times.map((t) => Math.max(0, (r.at.get(t) ?? 0) - (i ? rows[i - 1].at.get(t) ?? 0 : 0))));
  const most = Math.max(...cells.flat()), left = 58, bottom = h - 22;
  const ch = bottom / rows.length, cw = (w - left) / times.length;
  let out = "";
  cells.forEach((row, i) => row.forEach((n, j) => {
    if (n <= 1e-9) return;
    const light = 20 + 65 * (n / most) ** 0.4;
    out += `<rect x="${left + j * cw}" y="${bottom - (i + 1) * ch}" width="${cw - 1}" height="${ch - 1}" fill="hsl(24 95% ${light}%)"/>`;
  }));
  rows.forEach((r, i) => { if (i % Math.ceil(rows.length / 9) === 0) out += `<text x="${left - 6}" y="${bottom - (i + 0.5) * ch + 4}" text-anchor="end">${text(r.le === Infinity ? "+Inf" : shown(r.le, unit))}</text>`; });
  return [`<svg width="${w}" height="${h}">${out}</svg>`, most > 0];
}

function mapped(v, defaults) {
  for (const m of defaults.mappings ?? []) {
    if (m.type === "special" && ((m.options.match === "nan" && Number.isNaN(v)) || (m.options.match === "null" && v === null))) return m.options.result;
    if (m.type === "value" && m.options[String(v)]) return m.options[String(v)];
  }
}

function stat(panel, answers, w, h) {
  const defaults = panel.fieldConfig.defaults;
  const all = panel.targets.flatMap((t, i) => answers[i].map((s) => ({ name: named(t.legendFormat, s.labels), v: s.samples.at(-1)[1] ?? NaN })));
  const said = (all.length ? all : [{ v: null }]).map(({ name, v }) => {
    const m = mapped(v, defaults);
    const value = panel.options.textMode === "name" ? name : m?.text ?? shown(v, defaults.unit, defaults.decimals);
    return `<b style="color:${m?.color ? colour(m.color) : atThreshold(v, defaults.thresholds)};font-size:${Math.min(h / 2, (1.6 * w) / value.length)}px">${text(value)}</b>`;
  });
  return [`<div class="stat">${said.join(" ")}</div>`, all.length];
}

function bargauge(panel, answers, w) {
  const { unit, thresholds } = panel.fieldConfig.defaults;
  const all = answers[0].map((s) => ({ name: named(panel.targets[0].legendFormat, s.labels), v: s.samples.at(-1)[1] }));
  const most = Math.max(...all.map((s) => s.v));
  const rows = all.map(({ name, v }) => `<tr><td>${text(name)}</td><td style="width:${w / 2}px"><div style="height:14px;width:${(100 * v) / most}%;background:${atThreshold(v, thresholds)}"></div></td><td>${text(shown(v, unit))}</td></tr>`);
  return [`<table>${rows.join("")}</table>`, all.length];
}

function states(panel, answers, w) {
  const all = series(panel, answers), mappings = panel.fieldConfig.defaults.mappings[0].options;
  const left = 170, step = (w - left) / ((to - from) / 0.5);
  const rows = all.map((s, i) => s.samples.map(([t, v]) => `<rect x="${left + ((t - from) / (to - from)) * (w - left)}" y="${i * 26}" width="${step + 0.5}" height="22" fill="${colour(mappings[v]?.color ?? "text")}" fill-opacity=".75"/>`).join("")
    + `<text x="${left - 8}" y="${i * 26 + 15}" text-anchor="end">${text(s.name)}</text>`);
  const legend = Object.values(mappings).map((m) => `<span><i style="background:${colour(m.color)}"></i>${m.text}</span>`);
  return [`<svg width="${w}" height="${all.length * 26}">${rows.join("")}</svg><div class="legend">${legend.join("")}</div>`, all.length];
}

function table(panel, answers) {
  const organize = panel.transformations.find((t) => t.id === "organize").options;
  const columns = Object.entries(organize.indexByName).sort((a, b) => a[1] - b[1]).map(([key]) => key);
  const rows = new Map();
  answers.forEach((result, i) => result.forEach(({ labels, samples }) => {
    const key = JSON.stringify(labels);
    rows.set(key, { ...labels, ...rows.get(key), [`Value #${panel.targets[i].refId}`]: samples.at(-1)[1] });
  }));
  const title = (key) => organize.renameByName[key] ?? key;
  const sort = panel.options.sortBy[0]?.displayName;
  const by = columns.find((c) => title(c) === sort);
  const natural = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));
  const sorted = [...rows.values()].sort((a, b) => natural(b[by] ?? -1, a[by] ?? -1));
  const cell = (row, key) => {
    const properties = Object.fromEntries(panel.fieldConfig.overrides.find((o) => o.matcher.options === title(key))?.properties.map((p) => [p.id, p.value]) ?? []);
    const v = row[key];
    const value = v === undefined || v === null ? "–" : typeof v === "number" ? shown(v, properties.unit, properties.decimals) : v;
    const ink = properties.thresholds && typeof v === "number" ? atThreshold(v, properties.thresholds) : properties.links ? "#6e9fff" : "#ccccdc";
    return `<td style="color:${ink};text-align:${typeof v === "number" ? "right" : "left"}">${text(value)}</td>`;
  };
  const body = sorted.map((row) => `<tr>${columns.map((key) => cell(row, key)).join("")}</tr>`);
  return [`<table class="data"><tr>${columns.map((c) => `<th>${text(title(c))}</th>`).join("")}</tr>${body.join("")}</table>`, rows.size];
}

const KINDS = { timeseries, heatmap, stat, bargauge, "state-timeline": states, table };
const CELL = 1600 / 24, LINE = 38;
/** Titles of the panels that show nothing, or whose content does not fit. */
const problems = [];

function draw() {
  let out = `<h1>${text(board.title)}</h1><p>${text(board.description)}</p><main>`, next = 0, height = 0;
  for (const panel of board.panels) {
    const { x, y, w, h } = panel.gridPos;
    const place = `left:${x * CELL}px;top:${y * LINE}px;width:${w * CELL - 8}px;height:${h * LINE - 8}px`;
    const title = panel.title.replace(/\$(\w+)/g, (all, name) => chosen[name] ?? all);
    height = Math.max(height, (y + h) * LINE);
    if (panel.type === "row") { out += `<h2 style="${place}">${text(title)}</h2>`; continue; }
    const [drawn, something] = KINDS[panel.type](panel, answers[next++], w * CELL - 26, h * LINE - 40);
    if (!something) problems.push(`${panel.title}: nothing`);
    out += `<section style="${place}"><h3 title="${text(panel.description)}">${text(title)}</h3>${drawn}</section>`;
  }
  document.body.innerHTML = out + `</main>`;
  document.querySelector("main").style.height = `${height}px`;
}
draw();
