// SPDX-License-Identifier: MIT
// The jobs of the service that this page comes from, as they change. Texts of people become text nodes, never HTML.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const jobs = new Map();
  let chosen = null; // the number of the job that is shown in full
  let token = sessionStorage.getItem("meha-token") || "";

  function el(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== undefined));
    return element;
  }

  // ---- the service ----

  async function call(method, path, body, type = "application/json") {
    const headers = body === undefined ? {} : { "Content-Type": type };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(path, { method, headers, body });
    if (answer.status === 401) at("token").hidden = false;
    if (!answer.ok) {
      const text = await answer.text();
      let message = text;
      try { message = JSON.parse(text).error; } catch { /* it is no JSON */ }
      throw new Error(message);
    }
    return answer;
  }
  const getJson = async (path) => (await call("GET", path)).json();
  const post = async (path, request) => (await call("POST", path, JSON.stringify(request))).json();

  function trouble(text) {
    at("trouble").textContent = text;
    at("trouble").hidden = !text;
  }
  /** Runs what a person has asked for, and says why it could not be done. */
  async function attempt(f) {
    try {
      trouble("");
      await f();
    } catch (error) {
      trouble(error.message);
    }
  }

  // ---- all jobs ----

  const when = (time) => (time ? new Date(1000 * time).toLocaleString() : "");
  const isOver = (job) => ["stopped", "finished", "failed"].includes(job.state);

  function rowOf(job) {
    const share = job.progress.share;
    const isRunning = job.state === "running" || job.state === "stopping";
    const bar = el("progress", { max: 1, value: share ?? (isRunning ? undefined : 0), "aria-label": `progress of job ${job.id}` });
    const percent = share === null ? "" : `${Math.floor(100 * share)} %`;
    return el("tr", { "data-job": job.id, "aria-current": job.id === chosen ? "true" : undefined },
      el("td", { class: "number" }, String(job.id)),
      el("td", {}, el("a", { href: `#${job.id}` }, job.name)),
      el("td", {}, el("span", { class: `state ${job.state}` }, job.state), el("small", {}, job.state === "failed" ? ` code ${job.code}` : "")),
      el("td", { class: "progress" }, bar, el("small", {}, percent)),
      el("td", { class: "number" }, String(job.ranks)),
      el("td", { class: "number" }, String(job.priority)),
      el("td", {}, when(job.created)));
  }

  function showRow(job) {
    const body = at("jobs").tBodies[0];
    const old = body.querySelector(`tr[data-job="${job.id}"]`);
    if (old) {
      const hadFocus = old.contains(document.activeElement);
      const row = rowOf(job);
      old.replaceWith(row);
      if (hadFocus) row.querySelector("a").focus();
    } else {
      const next = [...body.rows].find((row) => Number(row.dataset.job) < job.id);
      body.insertBefore(rowOf(job), next || null);
    }
  }

  function showCounts() {
    const counts = {};
    for (const job of jobs.values()) counts[job.state] = (counts[job.state] || 0) + 1;
    at("counts").textContent = Object.entries(counts).map(([state, n]) => `${n} ${state}`).join(", ");
    at("none").hidden = jobs.size > 0;
  }

  function take(job) {
    jobs.set(job.id, job);
    showRow(job);
    showCounts();
    if (job.id === chosen) showJobSoon();
  }

  function drop(id) {
    jobs.delete(id);
    at("jobs").querySelector(`tr[data-job="${id}"]`)?.remove();
    showCounts();
    if (id === chosen) choose(null);
  }

  async function load() {
    const all = await getJson("/api/jobs?limit=200");
    for (const id of [...jobs.keys()].filter((known) => !all.jobs.some((job) => job.id === known))) drop(id);
    all.jobs.forEach(take);
    showCounts();
    at("submit").elements.ranks.max = all.slots;
  }

  // ---- one job ----

  const curves = [
    { title: "Values", names: ["upper_value", "lower_value"] },
    { title: "Residuals", names: ["residual", "residual_x", "residual_y"], isLog: true },
    { title: "Quality", names: ["test_accuracy", "holdout_accuracy", "detection_auroc", "detection_f1", "noise_rate"] },
  ];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colours = () => (dark.matches ? ["#6fb0ff", "#ff9a5c", "#5bd08f", "#c3a2ff", "#e8c04a"] : ["#1d5fa8", "#c2490b", "#147a43", "#7a3fc9", "#8a6100"]);
  let charts = [];
  let reports = [];

  function makeCharts() {
    charts.forEach(({ chart }) => chart.destroy());
    charts = [];
    at("charts").replaceChildren();
    const style = getComputedStyle(document.body);
    for (const { title, names, isLog } of curves) {
      const present = names.filter((name) => reports.some((report) => typeof report[name] === "number"));
      if (present.length === 0) continue;
      const canvas = el("canvas", { role: "img", "aria-label": `${title}: ${present.join(", ")} by iteration` });
      at("charts").append(el("div", {}, el("h3", {}, title), el("div", { class: "chart" }, canvas)));
      const axis = { ticks: { color: style.color }, grid: { color: "rgba(128, 128, 128, .2)" } };
      const chart = new Chart(canvas, {
        type: "line",
        data: { datasets: present.map((name, i) => ({ label: name, data: [], borderColor: colours()[i], backgroundColor: colours()[i], borderWidth: 2, pointRadius: 0 })) },
        options: {
          animation: false, maintainAspectRatio: false, interaction: { mode: "nearest", axis: "x", intersect: false },
          scales: { x: { type: "linear", title: { display: true, text: "iteration", color: style.color }, ...axis }, y: { type: isLog ? "logarithmic" : "linear", ...axis } },
          plugins: { legend: { labels: { color: style.color, boxHeight: 2 } } },
        },
      });
      charts.push({ chart, present });
    }
  }

  function showCurves() {
    const present = curves.flatMap(({ names }) => names.filter((name) => reports.some((report) => typeof report[name] === "number")));
    if (charts.flatMap((entry) => entry.present).join() !== present.join()) makeCharts();
    for (const { chart, present: names } of charts) {
      names.forEach((name, i) => {
        chart.data.datasets[i].data = reports.filter((report) => typeof report[name] === "number").map((report) => ({ x: report.iteration, y: report[name] }));
      });
      chart.update();
    }
  }

  async function fetchReports(job) {
    const last = reports.length > 0 ? reports[reports.length - 1].iteration : -1;
    const shown = job.progress.iteration;
    if (shown !== null && shown < last) reports = []; // it went on from an earlier checkpoint
    const news = await getJson(`/api/jobs/${job.id}/metrics?since=${reports.length > 0 ? last : -1}`);
    if (job.id !== chosen || news.metrics.length === 0) return;
    reports.push(...news.metrics);
    showCurves();
  }

  async function fetchFile(job, name) {
    const blob = await (await call("GET", `/api/jobs/${job.id}/files/${name}`)).blob();
    const link = el("a", { href: URL.createObjectURL(blob), download: `job-${job.id}-${name}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function linkOf(job, name) {
    const isReport = name === "report.html";
    const link = el("a", { href: `/api/jobs/${job.id}/files/${name}`, target: isReport ? "_blank" : undefined, rel: "noopener" }, isReport ? "Report" : name);
    if (token) { // which a link cannot bring
      link.addEventListener("click", (event) => {
        event.preventDefault();
        attempt(() => fetchFile(job, name));
      });
    }
    return link;
  }

  async function showJob() {
    const id = chosen;
    const job = await getJson(`/api/jobs/${id}`);
    if (id !== chosen) return;
    at("job").hidden = false;
    at("job-title").textContent = `Job ${job.id}: ${job.name}`;
    const iteration = job.progress.iteration === null ? "" : `, iteration ${job.progress.iteration}${job.progress.iterations ? ` of ${job.progress.iterations}` : ""}`;
    at("job-state").textContent = `${job.state}${job.place ? ` (${job.place})` : ""}${iteration}${job.code === null ? "" : `, exit code ${job.code}`}${job.message ? `: ${job.message}` : ""}`;
    at("stop").disabled = !["queued", "running"].includes(job.state);
    at("resume").querySelector("button").disabled = !isOver(job);
    at("resume").elements.iterations.disabled = job.kind !== "run";
    at("report").disabled = !isOver(job) || !job.files.includes("result.h5");
    at("delete").disabled = ["running", "stopping"].includes(job.state) || (!isOver(job) && job.place !== "");
    at("files").replaceChildren(...job.files.sort((a, b) => (b === "report.html") - (a === "report.html")).map((name) => linkOf(job, name)));
    const log = at("log");
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.textContent = job.log;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
    await fetchReports(job);
  }

  let isShowing = false;
  let mustShow = false;
  /** One at a time, and once more where something has changed meanwhile. */
  async function showJobSoon() {
    mustShow = true;
    if (isShowing) return;
    isShowing = true;
    while (mustShow && chosen !== null) {
      mustShow = false;
      await showJob().catch((error) => trouble(error.message));
    }
    isShowing = false;
  }

  function choose(id) {
    chosen = id;
    reports = [];
    makeCharts();
    at("job").hidden = id === null;
    for (const row of at("jobs").tBodies[0].rows) {
      if (Number(row.dataset.job) === id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    if (id !== null) showJobSoon();
  }

  // ---- events ----

  function takeEvent(text) {
    const lines = text.split("\n");
    const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
    const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
    if (name === "job") take(JSON.parse(data));
    if (name === "deleted") drop(JSON.parse(data).id);
  }

  async function listen() {
    const answer = await call("GET", "/api/events");
    await load();
    trouble("");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      parts.forEach(takeEvent);
    }
  }

  async function listenForEver() {
    for (;;) {
      await listen().catch((error) => trouble(at("token").hidden ? `The service does not answer (${error.message}); asking again.` : error.message));
      if (!at("token").hidden) return;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }

  // ---- what people do ----

  const onSubmit = (form, f) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => f(form.elements));
  });

  onSubmit(at("token").querySelector("form"), async ({ token: field }) => {
    token = field.value.trim();
    sessionStorage.setItem("meha-token", token);
    at("token").hidden = true;
    listenForEver();
  });
  onSubmit(at("upload"), async ({ file }) => {
    const name = file.files[0].name.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^[.-]/, "_").slice(-100);
    await call("PUT", `/api/files/${name}`, file.files[0], "application/octet-stream");
    at("uploaded").textContent = `Uploaded as ${name}`;
    at("submit").elements.doubtful.value ||= name;
  });
  onSubmit(at("submit"), async (fields) => {
    const request = { ranks: Number(fields.ranks.value), priority: Number(fields.priority.value) };
    if (fields.name.value) request.name = fields.name.value;
    if (fields.kind.value === "config") request.config = fields.config.value;
    else {
      request.clean = { doubtful: fields.doubtful.value };
      for (const name of ["label", "trusted"]) if (fields[name].value) request.clean[name] = fields[name].value;
    }
    const job = await post("/api/jobs", request);
    at("submitted").textContent = `Job ${job.id}`;
    location.hash = `#${job.id}`;
  });
  at("submit").addEventListener("change", ({ target }) => {
    if (target.name !== "kind") return;
    at("of-clean").hidden = target.value !== "clean";
    at("of-config").hidden = target.value !== "config";
  });
  onSubmit(at("resume"), async ({ iterations }) => {
    await post(`/api/jobs/${chosen}/resume`, iterations.value && !iterations.disabled ? { set: { "run.iterations": Number(iterations.value) } } : {});
  });
  at("stop").addEventListener("click", () => attempt(() => post(`/api/jobs/${chosen}/cancel`, {})));
  at("report").addEventListener("click", () => attempt(() => post(`/api/jobs/${chosen}/report`, {})));
  at("delete").addEventListener("click", () => {
    if (window.confirm(`Delete job ${chosen} and all its files?`)) attempt(() => call("DELETE", `/api/jobs/${chosen}`));
  });
  window.addEventListener("hashchange", () => choose(Number(location.hash.slice(1)) || null));
  dark.addEventListener("change", () => { makeCharts(); showCurves(); });

  if (Number(location.hash.slice(1))) choose(Number(location.hash.slice(1)));
  listenForEver();
})();
