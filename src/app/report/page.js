// SPDX-License-Identifier: MIT
// Draws what stands in #data. Texts of people's files become text nodes, never HTML.
"use strict";
(() => {
  const { runs, differences } = JSON.parse(document.getElementById("data").textContent);
  const main = document.querySelector("main");
  const one = runs.length === 1;

  // ---- elements ----

  function el(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== ""));
    return element;
  }

  function section(id, title, lead) {
    const element = el("section", { id, "aria-labelledby": id + "-title" }, el("h2", { id: id + "-title" }, title),
      lead ? el("p", { class: "lead" }, lead) : undefined);
    main.append(element);
    return element;
  }

  /** @param rows  of cells: a text, a number (right-aligned) or an element; the first is the row's header */
  function table(caption, head, rows, kind) {
    const cell = (value, i) => {
      const text = value instanceof Node ? value : typeof value === "number" ? short(value) : String(value ?? "–");
      return i === 0 ? el("th", { scope: "row" }, text) : el("td", { class: typeof value === "number" ? "number" : head[i] === "meaning" ? "meaning" : undefined }, text);
    };
    const isNumber = (i) => rows.some((row) => typeof row[i] === "number");
    return scroll(caption, el("table", { class: kind }, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...head.map((name, i) => el("th", { scope: "col", class: i > 0 && isNumber(i) ? "number" : undefined }, name)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell))))));
  }

  function scroll(label, ...children) {
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, ...children);
  }

  // ---- words ----

  function short(value) {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  }
  const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);

  const chance = (p) => (p < 0.0005 ? "< 0.001" : p.toFixed(3));

  /** The name of a run that tells it from the others. */
  const nameOf = (run) => (runs.filter((other) => other.name === run.name).length > 1 ? run.directory : run.name);

  // ---- charts ----

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const palettes = {
    light: { ink: "#16191d", soft: "#545b65", line: "#e3e6ea", right: "#1d5fa8", wrong: "#c2490b",
             curves: ["#1d5fa8", "#c2490b", "#147a43", "#7a3fc9", "#8a6100", "#b3246f", "#0b7285", "#555c66"] },
    dark: { ink: "#e9edf2", soft: "#a6b0bc", line: "#2b323c", right: "#5b9df0", wrong: "#ef8146",
            curves: ["#6fb0ff", "#ff9a5c", "#5bd08f", "#c3a2ff", "#e8c04a", "#ff8fc4", "#58cfe0", "#b5bec9"] },
  };
  const palette = () => palettes[dark.matches && !printing ? "dark" : "light"];
  const dashes = [[], [7, 4], [2, 3], [10, 4, 2, 4]];
  const charts = [];

  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;

  /** A vertical line at the state that results describe. */
  const bestLine = {
    id: "bestLine",
    afterDatasetsDraw(chart, _args, options) {
      if (typeof options.at !== "number") return;
      const x = chart.scales.x.getPixelForValue(options.at);
      const { top, bottom, left, right } = chart.chartArea;
      const context = chart.ctx;
      context.save();
      context.strokeStyle = context.fillStyle = palette().ink;
      context.setLineDash([3, 3]);
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, bottom);
      context.stroke();
      context.font = `12px ${Chart.defaults.font.family}`;
      context.textAlign = x > (left + right) / 2 ? "right" : "left";
      context.fillText("best", x + (context.textAlign === "right" ? -5 : 5), top + 12);
      context.restore();
    },
  };

  function axis(title, more) {
    return { title: { display: !!title, text: title, color: palette().soft }, grid: { color: palette().line, drawBorder: false },
             ticks: { color: palette().soft, maxRotation: 0, autoSkipPadding: 12, ...(more && more.ticks) }, ...without(more, "ticks") };
  }
  const without = (object, name) => Object.fromEntries(Object.entries(object || {}).filter(([key]) => key !== name));

  /** The arrow keys walk through the points and show what the mouse would. */
  function walk(chart, event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const n = Math.max(...chart.data.datasets.map((set) => set.data.length));
    if (!step || !n) return;
    event.preventDefault();
    chart.walkedTo = ((chart.walkedTo ?? (step > 0 ? -1 : n)) + step + n) % n;
    const active = chart.data.datasets.map((set, datasetIndex) => ({ datasetIndex, index: chart.walkedTo }))
      .filter(({ datasetIndex, index }) => index < chart.data.datasets[datasetIndex].data.length);
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
    chart.update();
  }

  /** @param make  returns Chart.js's config, in the colours of the moment   @param told  what a reader who does not see it hears
   *  @param rows  the same as a table */
  function figure(title, told, make, head, rows, { tall, meaning } = {}) {
    const canvas = el("canvas", { "aria-hidden": "true" });
    const box = el("div", { class: tall ? "chart tall" : "chart", tabindex: 0, role: "img", "aria-label": `${title}. ${told}` }, canvas);
    const entry = { canvas, make, chart: null };
    box.addEventListener("keydown", (event) => walk(entry.chart, event));
    charts.push(entry);
    return el("div", {}, el("h3", {}, title, meaning ? el("small", {}, meaning) : ""), box,
      el("details", {}, el("summary", {}, `${title} as a table`), table(title, head, rows)));
  }

  function draw() {
    for (const entry of charts) {
      if (entry.chart) entry.chart.destroy();
      entry.chart = new Chart(entry.canvas, printing ? onPaper(entry) : entry.make());
    }
  }

  /** Of the width that a column, or a page of A4 or Letter, has: a browser tells it too late. */
  function onPaper(entry) {
    const box = entry.canvas.parentElement;
    entry.canvas.width = box.closest(".columns") ? 335 : 690;
    entry.canvas.height = box.clientHeight;
    const config = entry.make();
    return { ...config, options: { ...config.options, responsive: false, devicePixelRatio: 2 } };
  }

  const legend = (shown) => ({ display: shown, position: "top", align: "start", labels: { color: palette().ink, boxWidth: 22, boxHeight: 2 } });

  // ---- curves ----

  const isPower = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;

  /** Ticks of a logarithmic axis: powers of ten where there are two, else all that have room. */
  function logTicks(value, _index, ticks) {
    const powers = ticks.filter((tick) => isPower(tick.value)).length;
    if (powers < 2) return value.toExponential(1);
    return isPower(value) ? "10" + [...String(Math.round(Math.log10(value)))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("") : null;
  }

  /** @param series  [{name, iterations, values}] */
  function curves(title, isLog, series, best, legendShown) {
    const clean = (value) => (value === null || (isLog && value <= 0) ? null : value);
    const told = series.map((s) => {
      const values = s.values.filter((v) => v !== null);
      return `${s.name} goes from ${short(values[0])} to ${short(values[values.length - 1])}`;
    }).join("; ") + (best === undefined ? "" : `. Best state: iteration ${best}`) + ".";
    const all = [...new Set(series.flatMap((s) => s.iterations))].sort((a, b) => a - b);
    const rows = all.map((k) => [String(k), ...series.map((s) => s.values[s.iterations.indexOf(k)] ?? null)]);
    const make = () => ({
      type: "line",
      data: {
        datasets: series.map((s, i) => ({
          label: s.name,
          data: s.iterations.map((k, j) => ({ x: k, y: clean(s.values[j]) })).filter((point) => point.y !== null),
          borderColor: palette().curves[i % 8], backgroundColor: palette().curves[i % 8], borderDash: dashes[Math.floor(i / 8) % 4 || (series.length > 1 ? i % 4 : 0)],
          borderWidth: 2, pointRadius: s.iterations.length > 40 ? 0 : 3, pointHitRadius: 8, tension: 0,
        })),
      },
      options: {
        interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: { x: axis("iteration", { type: "linear", ticks: { precision: 0 } }),
                  y: axis("", isLog ? { type: "logarithmic", ticks: { callback: logTicks } } : { ticks: { callback: short } }) },
        plugins: { legend: legend(legendShown), bestLine: { at: best }, tooltip: { callbacks: { title: (items) => (items.length ? `iteration ${items[0].parsed.x}` : ""),
                   label: (item) => `${item.dataset.label}: ${short(item.parsed.y)}` } } },
      },
      plugins: [bestLine],
    });
    return figure(title, told, make, ["iteration", ...series.map((s) => s.name)], rows,
      { meaning: series.every((s) => s.meaning === series[0].meaning) && series[0].meaning !== title ? series[0].meaning : "" });
  }

  function curvesOfOne(run) {
    const { iterations, groups, best, reports } = run.curves;
    if (!groups.length) return;
    const shown = reports > iterations.length ? ` ${iterations.length} of ${reports} reports are shown.` : "";
    const grid = el("div", { class: "columns" }, ...groups.map((group) =>
      curves(group.title, group.log, group.series.map((s) => ({ ...s, iterations })), run.isChosen ? best : undefined, group.series.length > 1)));
    section("curves", "The run", (run.isChosen ? `Results are those of iteration ${best}, the best on held-out rows.` : "What the run has reported, by iteration.") + shown).append(grid);
  }

  function curvesOfAll() {
    const groups = new Map();  // metric → {log, series}
    for (const run of runs) {
      for (const group of run.curves.groups) {
        for (const s of group.series) {
          if (!groups.has(s.name)) groups.set(s.name, { log: group.log, series: [] });
          groups.get(s.name).series.push({ name: nameOf(run), iterations: run.curves.iterations, values: s.values, meaning: s.meaning });
        }
      }
    }
    const common = [...groups].filter(([, group]) => group.series.length > 1);
    if (!common.length) return;
    section("curves", "The runs", "Metrics that at least two of the runs have reported, by iteration.").append(
      el("div", { class: "columns" }, ...common.map(([name, group]) => curves(name, group.log, group.series, undefined, true))));
  }

  // ---- classes ----

  /** @param values  [row][column]; the diagonal is right */
  function matrix(title, names, values, format, rowAxis, columnAxis) {
    const off = Math.max(1e-9, ...values.flatMap((row, k) => row.filter((_v, g) => g !== k)));
    const diagonal = Math.max(1e-9, ...values.map((row, k) => row[k]));
    const cell = (value, k, g) => {
      const td = el("td", { class: k === g ? "right" : value ? undefined : "none", title: `${rowAxis} ${names[k]}, ${columnAxis} ${names[g]}: ${format(value)}` }, Number(format(value)) === 0 ? "·" : format(value));
      td.style.setProperty("--h", String(k === g ? value / diagonal : Math.sqrt(value / off)));
      return td;
    };
    const body = values.map((row, k) => el("tr", {}, el("th", { scope: "row", title: names[k] }, names[k]), ...row.map((value, g) => cell(value, k, g))));
    const many = names.length > 5 || names.some((name) => name.length > 14);
    return el("div", {}, el("h3", {}, title), scroll(title,
      el("table", { class: many ? "matrix many" : "matrix" },
        el("thead", {}, el("tr", {}, el("th", { class: "axis" }, el("span", {}, `${columnAxis} →`), el("span", {}, `${rowAxis} ↓`)),
          ...names.map((name) => el("th", { scope: "col", class: "name", title: name }, el("span", {}, name))))),
        el("tbody", {}, ...body))));
  }

  function countsOf(run, title) {
    return matrix(title, run.classes.names, run.classes.counts, (n) => n.toLocaleString("en"), "given", "looks like");
  }

  function transitionOf(run, title) {
    return matrix(title, run.classes.names, run.classes.transition, (share) => (100 * share).toFixed(share < 0.1 ? 1 : 0), "truly", "given as");
  }

  /** One matrix for each run. */
  function classesOfAll(shown) {
    const areEstimated = shown.every((run) => run.classes.transition.length);
    section("classes", "Which classes are taken for which", areEstimated ? "Estimated: true class and given label, in % of the class's rows."
      : "Given label and what rows look like.").append(el("div", { class: "columns wide" },
      ...shown.filter((run) => areEstimated || run.classes.counts.length).map((run) => (areEstimated ? transitionOf : countsOf)(run, nameOf(run)))));
  }

  function classes(run, into) {
    const { all, names, transition, counts, pairs } = run.classes;
    const grid = el("div", { class: names.length > 12 ? "stack" : "columns wide" });
    if (counts.length) grid.append(countsOf(run, "Counted: given label and what rows look like"));
    if (transition.length) grid.append(transitionOf(run, "Estimated: true class and given label, % of its rows"));
    into.append(grid);
    if (all > names.length) grid.before(el("p", { class: "lead" }, `${names.length} of ${all} classes are shown: those that take part in most confusions.`));
    if (pairs.length) {
      into.append(el("details", { open: all > names.length }, el("summary", {}, "The most frequent confusions as a list"),
        table("Rows that look wrong", ["given label", "looks like", "rows"], pairs.map((p) => [p.given, p.suggested, p.rows]))));
    }
  }

  // ---- rows ----

  function picture(row) {
    const { width, height, channels, pixels } = row.image;
    const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
    const canvas = el("canvas", { width, height, role: "img", "aria-label": `image of row ${row.row}: given ${row.given}, looks like ${row.suggested}` });
    const data = new ImageData(width, height);
    for (let i = 0; i < width * height; ++i) {
      for (let c = 0; c < 3; ++c) data.data[4 * i + c] = bytes[i * channels + Math.min(c, channels - 1)];
      data.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(data, 0, 0);
    return canvas;
  }

  const placeOf = (row) => (row.line ? `line ${row.line}` : `row ${row.row}`);

  function pictures(rows) {
    return el("div", { class: "gallery" }, ...rows.map((row) => el("figure", {}, picture(row), el("figcaption", {},
      el("span", { class: "suggested" }, row.suspect ? `looks like ${row.suggested}` : row.given),
      row.suspect ? el("span", { class: "given" }, `given as ${row.given}`) : "",
      row.truth === undefined ? "" : el("span", { class: "given" }, `truly ${row.truth}`),
      el("span", { class: "given" }, `p ${chance(row.p)}`), el("span", { class: "given" }, placeOf(row))))));
  }

  function rowsTable(gallery) {
    const knowsTruth = gallery.rows.some((row) => row.truth !== undefined);
    const head = [gallery.rows.some((row) => row.line) ? "line" : "row", "given label", "looks like", "p_correct",
                  ...(knowsTruth ? ["truth"] : []), ...gallery.columns];
    const body = gallery.rows.map((row) => el("tr", {},
      el("th", { scope: "row", class: "number" }, String(row.line || row.row)), el("td", { class: "name" }, row.given),
      el("td", { class: "name chosen" }, row.suggested), el("td", { class: "number" }, chance(row.p)),
      ...(knowsTruth ? [el("td", { class: "name" }, row.truth)] : []),
      ...(row.cells || []).map((text) => el("td", { class: text.length > 40 ? "text" : undefined, dir: "auto" }, text))));
    return scroll("The most doubtful rows", el("table", { class: "rows" },
      el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...body)));
  }

  function gallery(run) {
    const { rows, columns, leftOut, note, suspects } = run.gallery;
    const lead = `${count(rows.length, "row")} of the smallest p_correct, the probability that the given label is right; ` +
      `${suspects === 1 ? "1 label looks" : suspects.toLocaleString("en") + " labels look"} wrong in all.` +
      (leftOut ? ` ${columns.length} of ${columns.length + leftOut} columns are shown.` : "");
    const element = section("gallery", "The most doubtful rows", lead);
    if (note) element.append(el("p", { class: "warning" }, note));
    element.append(rows.length && rows.every((row) => row.image) ? pictures(rows) : rowsTable(run.gallery));
  }

  // ---- p_correct ----

  function histogram(shown) {
    const n = shown[0].histogram.rows.length;
    const label = (i) => `${(i / n).toFixed(2)}–${((i + 1) / n).toFixed(2)}`;
    const labels = Array.from({ length: n }, (_v, i) => label(i));
    const sets = shown.length > 1 ? shown.map((run) => ({ label: nameOf(run), values: share(run.histogram.rows) }))
      : shown[0].histogram.wrong ? [{ label: "label is right", values: shown[0].histogram.rows.map((m, i) => m - shown[0].histogram.wrong[i]), colour: "right" },
                                    { label: "label is wrong", values: shown[0].histogram.wrong, colour: "wrong" }]
      : [{ label: "rows", values: shown[0].histogram.rows, colour: "right" }];
    const make = () => ({
      type: "bar",
      data: { labels, datasets: sets.map((s, i) => ({ label: s.label, data: s.values, backgroundColor: s.colour ? palette()[s.colour] : palette().curves[i % 8],
                                                      categoryPercentage: shown.length > 1 ? 0.8 : 1, barPercentage: 0.94 })) },
      options: {
        interaction: { mode: "index", intersect: false },
        scales: { x: axis("p_correct", { stacked: shown.length === 1, grid: { display: false },
                          ticks: { callback: (_v, i) => (i % 4 ? "" : (i / n).toFixed(1)) } }),
                  y: axis(shown.length > 1 ? "share of the rows" : "rows", { stacked: shown.length === 1, ticks: { callback: shown.length > 1 ? percent : short } }) },
        plugins: { legend: { ...legend(sets.length > 1), labels: { color: palette().ink, boxWidth: 14, boxHeight: 14 } },
                   tooltip: { callbacks: { title: (items) => (items.length ? `p_correct ${items[0].label}` : "") } } },
      },
    });
    const below = (values) => sum(values.slice(0, n / 2)) / Math.max(1e-9, sum(values));
    const told = shown.map((run) => `${percent(below(run.histogram.rows))} of the rows${one ? "" : " of " + nameOf(run)} are below one half`).join("; ") + ".";
    const head = ["p_correct", ...sets.map((s) => s.label), ...(sets[0].colour && sets.length > 1 ? ["share right"] : [])];
    const rows = labels.map((text, i) => [text, ...sets.map((s) => s.values[i]),
      ...(sets[0].colour && sets.length > 1 ? [sets[0].values[i] + sets[1].values[i] ? sets[0].values[i] / (sets[0].values[i] + sets[1].values[i]) : null] : [])]);
    return figure("Rows by p_correct", told, make, head, rows, { tall: true });
  }
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const share = (values) => values.map((v) => v / Math.max(1, sum(values)));

  function distribution() {
    const shown = runs.filter((run) => run.histogram);
    if (!shown.length || (!one && shown.length < 2)) return;
    section("p_correct", "How sure the labels are", "p_correct is the probability that a row's given label is right. Rows below one half look wrong."
      ).append(histogram(shown));
  }

  // ---- models, stages, config, provenance ----

  /** Lines of a table with a column for each run. */
  function sideBySide(lists) {
    const names = [...new Set(lists.flatMap((list) => list.map((entry) => entry.name)))];
    return names.map((name) => {
      const found = lists.map((list) => list.find((entry) => entry.name === name));
      return { name, meaning: found.find(Boolean).meaning, values: found.map((entry) => (entry ? entry.value : null)) };
    });
  }

  const trainedOn = (meaning) => meaning.replace(/^(… |test accuracy: )/, "");

  function models() {
    const lines = sideBySide(runs.map((run) => run.models.accuracy)).filter((line) => line.name !== "model_accuracy");
    const found = sideBySide(runs.map((run) => run.models.found));
    if (!lines.length && !found.length) return;
    const columns = one ? ["value"] : runs.map(nameOf);
    const element = section("models", "Models and findings compared");
    const grid = el("div", { class: one ? "columns wide" : "stack" });
    if (lines.length) {
      const best = columns.map((_c, i) => Math.max(...lines.map((line) => line.values[i] ?? 0)));
      const chosen = (line) => runs.some((run) => run.trainedOn === trainedOn(line.meaning));
      grid.append(el("div", {}, el("h3", {}, "Test accuracy of the same kind of model, trained on different rows"),
        table("Share of test rows that it classifies as labelled", ["trained on", ...columns.map((c) => (one ? "test accuracy" : c)), "metric"],
          lines.map((line) => [el("span", { class: chosen(line) ? "chosen" : undefined }, trainedOn(line.meaning), " ", chosen(line) ? el("span", { class: "tag" }, "to use") : ""),
            ...line.values.map((v, i) => el("span", { class: v === best[i] ? "chosen" : undefined }, v === null ? "–" : v.toFixed(4))), line.name]), "facts")));
    }
    if (found.length) {
      grid.append(el("div", {}, el("h3", {}, "How well wrong labels are found"),
        table("As the run has measured it", ["metric", ...columns, "meaning"], found.map((line) => [line.name, ...line.values, line.meaning]), "facts")));
    }
    element.append(grid);
  }

  function stages() {
    const shown = runs.filter((run) => run.stages.length);
    if (!shown.length) return;
    const lines = sideBySide(shown.map((run) => run.stages.map((s) => ({ ...s, value: s.seconds }))));
    const total = shown.map((run) => sum(run.stages.map((s) => s.seconds)));
    const make = () => ({
      type: "bar",
      data: { labels: lines.map((line) => line.name), datasets: shown.map((run, i) => ({ label: nameOf(run), data: lines.map((line) => line.values[i]), backgroundColor: palette().curves[i % 8], barPercentage: 0.8 })) },
      options: { indexAxis: "y", interaction: { mode: "index", axis: "y", intersect: false },
                 scales: { x: axis("seconds", { beginAtZero: true }), y: axis("", { grid: { display: false }, ticks: { autoSkip: false } }) },
                 plugins: { legend: { ...legend(!one), labels: { color: palette().ink, boxWidth: 14, boxHeight: 14 } },
                            tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${short(item.parsed.x)} s` } } } },
    });
    const told = shown.map((run, i) => `${one ? "" : nameOf(run) + ": "}${short(total[i])} seconds in all`).join("; ") + ".";
    const rows = lines.map((line) => [line.name, ...line.values.flatMap((v, i) => [v, v === null ? "–" : percent(v / Math.max(1e-9, total[i]))]), line.meaning]);
    section("time", "Time by stage", "Wall time of all lives of the run, in seconds.").append(
      figure("Seconds by stage", told, make, ["stage", ...shown.flatMap((run) => [one ? "seconds" : nameOf(run), "share"]), "meaning"], rows));
  }

  function origin(run, element) {
    element.append(el("dl", { class: "pairs" }, ...run.provenance.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      el("h3", {}, "To repeat it"), el("pre", {}, run.commands.join("\n")),
      el("details", {}, el("summary", {}, "Config, with all defaults"), el("pre", {}, run.config)));
  }

  function provenance() {
    const element = section("provenance", "Where this comes from");
    if (differences.length) {
      element.append(table(`Options that differ from ${nameOf(runs[0])}`, ["option", "run", nameOf(runs[0]), "there"],
        differences.map((d) => [d.option, nameOf(runs[d.run]), d.first, d.other])));
    } else if (!one) {
      element.append(el("p", {}, "No option differs."));
    }
    for (const run of runs) {
      if (one) {
        origin(run, element);
      } else {
        const details = el("details", {}, el("summary", {}, nameOf(run)));
        origin(run, details);
        element.append(details);
      }
    }
  }

  // ---- the page ----

  function all() {
    const withClasses = runs.filter((run) => run.classes);
    if (withClasses.length && one) classes(runs[0], section("classes", "Which classes are taken for which"));
    if (withClasses.length && !one) classesOfAll(withClasses);
    if (one && runs[0].gallery) gallery(runs[0]);
    distribution();
    models();
    if (one) curvesOfOne(runs[0]); else curvesOfAll();
    stages();
    provenance();
  }

  all();
  draw();
  dark.addEventListener("change", draw);
  window.addEventListener("beforeprint", () => { printing = true; draw(); });
  window.addEventListener("afterprint", () => { printing = false; draw(); });
})();
