"use strict";
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  /** Return an element that shows texts as they are, whatever they hold. */
  function make(name, attributes = {}, ...inside) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  }

  // Claims: what opens below a row.
  const ids = Object.keys(content.claims);
  const FEW = 4; // claims that a point names at first
  const idOf = new Map(Object.entries(content.claims).map(([id, claim]) => [claim.anchor, id]));

  function listed(pairs) {
    const list = make("dl");
    for (const [label, text] of pairs) list.append(make("dt", {}, label), make("dd", {}, text));
    return list;
  }

  function detail(claim) {
    const cell = make("td", { colspan: 7 }, listed(claim.facts));
    for (const outcome of claim.outcomes) {
      const agrees = outcome.agrees ? `, agrees ${outcome.agrees}` : "";
      cell.append(make("h4", {}, `${outcome.name}: ${outcome.ours}, ${outcome.verdict}${agrees}`));
      if (outcome.p) cell.append(make("p", {}, outcome.p));
      const seeds = make("div", { class: "seeds" });
      outcome.seeds.forEach((value, place) => {
        seeds.append(make("span", {}, `seed ${claim.seeds[place] ?? place} `, make("b", {}, value)));
      });
      cell.append(seeds);
    }
    if (claim.arms.length) {
      cell.append(make("h4", {}, "Arms, means over seeds by round"), listed(claim.arms));
      cell.append(make("small", {}, content.legend));
    }
    cell.append(make("h4", {}, "Look further"));
    for (const command of claim.commands) cell.append(make("div", {}, make("code", {}, command)));
    cell.append(make("small", {}, claim.test));
    return make("tr", { class: "detail" }, cell);
  }

  function toggle(row, open) {
    const button = row.querySelector(".open");
    const shown = row.nextElementSibling?.classList.contains("detail") ? row.nextElementSibling : null;
    if (open === Boolean(shown)) return;
    button.setAttribute("aria-expanded", String(open));
    if (open) row.after(detail(content.claims[idOf.get(row.id)]));
    else shown.remove();
  }

  const table = document.querySelector(".claims");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  body.addEventListener("click", (event) => {
    const button = event.target.closest(".open");
    if (button) toggle(button.closest("tr"), button.getAttribute("aria-expanded") === "false");
  });

  function visit() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row?.matches(".claims tr")) return;
    row.hidden = false;
    toggle(row, true);
    row.scrollIntoView();
  }
  addEventListener("hashchange", visit);

  // Claims: filters and order. What was not asked is left out until somebody asks for it.
  const ASKED = ["reproduced", "refuted", "inconclusive", "error"];
  const search = document.getElementById("search");
  const paper = document.getElementById("paper");
  const chips = all("[data-chip]");
  for (const chip of chips) chip.setAttribute("aria-pressed", String(ASKED.includes(chip.dataset.chip)));
  const found = document.getElementById("found");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function filter() {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.chip);
    let count = 0;
    for (const row of rows) {
      const kinds = [row.dataset.verdict, "unexpected" in row.dataset ? "unexpected" : ""];
      const fits =
        sought.every((word) => words.get(row).includes(word)) &&
        (!paper.value || row.dataset.paper === paper.value) &&
        (!chosen.length || chosen.some((kind) => kinds.includes(kind)));
      if (!fits) toggle(row, false);
      row.hidden = !fits;
      count += fits;
    }
    found.textContent = count === rows.length ? `${count} claims` : `${count} of ${rows.length} claims`;
  }
  search.addEventListener("input", filter);
  paper.addEventListener("change", filter);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }

  const ORDER = ["reproduced", "refuted", "inconclusive", "error", "skipped"];
  const sorted = rows.map((row) => row.querySelector(".open").textContent).sort();
  const names = new Map(rows.map((row) => [row, sorted.indexOf(row.querySelector(".open").textContent)]));
  const keyOf = {
    order: (row) => Number(row.dataset.order),
    name: (row) => names.get(row),
    estimate: (row) => ("estimate" in row.dataset ? Number(row.dataset.estimate) : Infinity),
    n: (row) => ("n" in row.dataset ? Number(row.dataset.n) : Infinity),
    verdict: (row) => ORDER.indexOf(row.dataset.verdict),
  };
  for (const button of all("[data-sort]", table)) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const key = keyOf[button.dataset.sort];
      const last = (value) => value === Infinity;
      rows.forEach((row) => toggle(row, false));
      rows.sort((a, b) => {
        const [left, right] = [key(a), key(b)];
        if (last(left) || last(right)) return last(left) - last(right);
        return sign * (left - right) || keyOf.order(a) - keyOf.order(b);
      });
      body.append(...rows);
    });
  }

  // Charts: drawn when they come into sight, and all others when there is nothing else to do.
  let ready = null;
  async function load() {
    for (const library of all("[data-library]")) {
      const bytes = Uint8Array.from(atob(library.textContent), (sign) => sign.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      document.head.append(make("script", {}, await new Response(stream).text()));
    }
  }

  const records = ({ fields, rows: values }) =>
    values.map((row) => Object.fromEntries(fields.map((field, place) => [field, row[place]])));

  async function draw(place) {
    if (place.dataset.begun) return;
    place.dataset.begun = "yes";
    ready ??= load();
    await ready;
    const chart = content.charts[place.dataset.chart];
    const narrow = place.clientWidth < 560;
    const config = structuredClone(content.config);
    const spec = { ...structuredClone(chart.spec), data: { name: "table", values: records(chart) } };
    const names = spec.encoding?.y?.axis;
    if (narrow && names) names.labelLimit = Math.round(0.36 * place.clientWidth);
    const across = spec.encoding?.x?.scale?.domain;
    if (across) spec.width = Math.max(place.clientWidth, 150 + 34 * across.length); // a map is wider than a phone
    const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config, tooltip: { theme: "custom" } };
    const { view } = await vegaEmbed(place, spec, options);
    place.classList.add("drawn");
    view.addEventListener("click", (_, item) => item?.datum && choose(place, item.datum, item.mark?.marktype));
  }

  const within = (round, ranges) =>
    ranges.split(",").some((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return first <= round && round <= last;
    });

  /** Return links to claims, the first few of them, and a button that shows the others. */
  function links(label, claims) {
    const line = make("div", {}, `${label}: `);
    const add = (some) => {
      for (const claim of some) {
        if (line.querySelector("a")) line.append(", ");
        line.append(make("a", { href: `#${content.claims[claim].anchor}` }, claim));
      }
    };
    add(claims.slice(0, FEW));
    if (claims.length > FEW) {
      const more = make("button", { type: "button" }, `and ${claims.length - FEW} more`);
      more.addEventListener("click", () => {
        more.remove();
        add(claims.slice(FEW));
      });
      line.append(" ", more);
    }
    return line;
  }

  /** Show where a point comes from: its seeds, the claims that rest on it, the command that trains it, and where. */
  function choose(place, datum, mark) {
    if (datum.claim && content.claims[datum.claim]) {
      location.hash = content.claims[datum.claim].anchor;
      return;
    }
    const box = place.parentElement.querySelector(".chosen");
    if (datum.says) box.replaceChildren(make("div", {}, `the paper: ${datum.says} (${datum.place})`));
    const origin = content.origins[content.charts[place.dataset.chart].lineage[datum.from ?? datum.series]];
    if (!origin) return;
    const [told, resting, read] = origin;
    const whole = mark === "line" || mark === "area"; // all points of a series at once
    const of = records(content.charts[place.dataset.chart]).filter((row) => row.series === datum.series);
    const round = whole && of.some((row) => row.round !== datum.round) ? undefined : datum.round;
    const name = datum.series ?? `${datum.row} and ${datum.column}, ${datum.what}`;
    box.replaceChildren(make("div", {}, `${name}: ${told}${round === undefined ? "" : `, round ${round}`}`));
    if (datum.values && !whole) box.append(make("div", { class: "seeds" }, `by seed, in order: ${datum.values}`));
    const [here, elsewhere] = [[], []];
    for (const [at, rounds] of resting) {
      (round === undefined || within(round, rounds) ? here : elsewhere).push(ids[at]);
    }
    const claims = `claims that ${read ? "read" : "need"}`;
    if (here.length) box.append(links(`${claims} ${round === undefined ? "it" : "this round"}`, here));
    if (elsewhere.length) box.append(links(`${claims} other rounds of it`, elsewhere));
    const [first] = [...here, ...elsewhere];
    if (first) box.append(make("div", {}, make("code", {}, content.claims[first].commands.at(-1))));
    box.append(make("div", {}, make("a", { href: "#run" }, content.environment)));
  }

  const places = all("[data-chart]");
  const seen = new IntersectionObserver(
    (entries) => entries.forEach((entry) => entry.isIntersecting && draw(entry.target)),
    { rootMargin: "300px" },
  );
  places.forEach((place) => seen.observe(place));
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
  async function rest() {
    const next = places.find((place) => !place.dataset.begun);
    if (!next) return;
    await draw(next);
    idle(rest);
  }
  addEventListener("load", () => setTimeout(() => idle(rest), 1500));

  for (const folded of all("[data-table]")) {
    folded.addEventListener("toggle", () => {
      const where = folded.querySelector(".wide");
      if (where.firstChild) return;
      const chart = content.charts[folded.dataset.table];
      const count = chart.columns.length;
      const head = make("tr", {}, ...chart.columns.map((name) => make("th", { scope: "col" }, name)));
      const lines = chart.rows.map((row) =>
        make("tr", {}, ...row.slice(0, count).map((value) => make("td", {}, String(value ?? "")))),
      );
      where.append(make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)));
    });
  }

  for (const button of all("[data-save]")) {
    button.addEventListener("click", async () => {
      const place = document.querySelector(`[data-chart="${button.dataset.save}"]`);
      await draw(place);
      if (!place.querySelector("svg")) return;
      const style = getComputedStyle(document.documentElement);
      const svg = place.querySelector("svg").cloneNode(true);
      svg.style.background = style.getPropertyValue("--ground");
      const text = new XMLSerializer().serializeToString(svg);
      const coloured = text.replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
      const file = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(coloured)}`;
      make("a", { href: file, download: `${button.dataset.save}.svg` }).click();
    });
  }

  filter();
  visit();
})();
