// Makes the charts of a page answer to the pointer. Without scripts, in print and for screen readers the drawn pictures stand.
(() => {
  "use strict";
  const HOUR = 3600e3, MINUTE = 60e3;
  const $ = (tag, inside, more) => inside.appendChild(Object.assign(document.createElement(tag), more));

  // Colours are the page's own variables, so that light and dark follow the reader's setting without drawing anew.
  const look = (width) => ({
    background: null,
    font: getComputedStyle(document.body).fontFamily,
    aria: false, // the frame says what the chart shows, and behind it stands its table
    view: { stroke: null },
    axis: {
      labelColor: "var(--muted)", titleColor: "var(--ink)", domainColor: "var(--line)", tickColor: "var(--line)",
      gridColor: "var(--line)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", titleLimit: width,
    },
    axisY: { labelLimit: Math.min(260, 0.4 * width) },
    title: { color: "var(--ink)", anchor: "start", fontSize: 13, fontWeight: "normal" },
    legend: { labelColor: "var(--ink)", labelFontSize: 12, title: null, orient: "top", columns: width < 500 ? 2 : 4, labelLimit: width },
  });

  const draw = (place, spec, locale) =>
    vegaEmbed(place, { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" } }, {
      renderer: "svg", actions: false, logLevel: vega.Error, // a method without limits is no fault
      ast: true, defaultStyle: false, formatLocale: locale,
      config: look(place.clientWidth || 600), tooltip: { disableDefaultStyle: true },
    });

  // What Vega draws is for the eye: the frame around it has the words.
  const canvas = (inside) => {
    const place = $("div", inside, { className: "drawn" });
    place.setAttribute("aria-hidden", "true");
    return place;
  };

  const alive = (figure, frame) => {
    figure.classList.add("alive");
    frame.hidden = false;
  };

  // One event as rows: metered power around it, the estimate and its limits within it.
  const rowsOf = (told, event, method) => {
    const step = told.step_ms, given = event.of[method] || [], at = new Map(event.at.map((place, row) => [place, row]));
    const shift = (place) => event.shift.reduce((now, [from, minutes]) => (place >= from ? minutes : now), 0) * MINUTE;
    const origin = event.start_ms + shift(event.at[0]);
    const clock = (place) => new Date(event.start_ms + place * step + shift(place)).toISOString().slice(0, 16).replace("T", " ");
    const decimals = new Intl.NumberFormat(told.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const rows = [];
    event.meter.forEach((kw, place) => {
      const row = at.has(place) ? given[at.get(place)] || [] : [];
      const from = origin + place * step;
      const one = { from, to: from + step, when: clock(place), meter: kw, inside: at.has(place) };
      [one.baseline, one.low, one.high] = row;
      for (const each of ["meter", "baseline", "low", "high"]) one[each + "_told"] = one[each] == null ? "–" : decimals.format(one[each]);
      rows.push(one);
    });
    return rows;
  };

  // A step line holds its last value up to the end of the interval: each run of known values is closed by a row of its own.
  const closed = (rows, name, more = []) => {
    const found = [];
    let run = 0;
    rows.forEach((row, place) => {
      if (row[name] == null) return;
      if (place === 0 || rows[place - 1][name] == null) run += 1;
      const values = Object.fromEntries([name, ...more].map((each) => [each, row[each]]));
      found.push({ at: row.from, run, ...values });
      if (place + 1 === rows.length || rows[place + 1][name] == null) found.push({ at: row.to, run, ...values });
    });
    return found;
  };

  const windows = (rows) => {
    const found = [];
    rows.forEach((row, place) => {
      if (!row.inside) return;
      if (place && rows[place - 1].inside) found[found.length - 1].to = row.to;
      else found.push({ from: row.from, to: row.to });
    });
    return found;
  };

  const explorer = async (frame, told) => {
    const bar = $("div", frame, { className: "choosers" });
    const chooser = (text, names, chosen) => {
      const label = $("label", bar, { textContent: text + " " });
      const select = $("select", label);
      names.forEach((name, value) => $("option", select, { value, textContent: name, selected: value === chosen }));
      return select;
    };
    const events = chooser(told.words.event, told.events.map((event) => event.name), told.chosen);
    const methods = chooser(told.words.method, told.methods, 0);
    const line = $("p", frame, { className: "told" });
    line.setAttribute("aria-live", "polite");
    const framed = $("div", frame);
    framed.setAttribute("role", "img");
    const place = canvas(framed);
    const number = new Intl.NumberFormat(told.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    const signed = new Intl.NumberFormat(told.language, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });
    const sets = (rows) => ({
      rows, windows: windows(rows), meter: closed(rows, "meter"), baseline: closed(rows, "baseline"), limits: closed(rows, "low", ["high"]),
    });
    const datasets = sets(rowsOf(told, told.events[told.chosen], 0));
    const { view } = await draw(place, { ...told.spec, datasets }, told.locale);
    const show = () => {
      const event = told.events[events.value], method = told.methods[methods.value];
      const rows = rowsOf(told, event, methods.value);
      const sum = (name) => rows.reduce((all, row) => all + (row.inside && row[name] != null ? row[name] : 0), 0) * told.step_ms / HOUR;
      const known = rows.every((row) => !row.inside || row.baseline != null); // a part of an event is no energy of it
      const energy = known ? `${told.words.baseline}: ${number.format(sum("baseline"))}` : told.words.none;
      const off = known ? ` · ${told.words.error}: ${signed.format(sum("baseline") - event.truth_kwh).replace("-", "−")}` : "";
      line.textContent = `${event.called} · ${told.words.metered}: ${number.format(event.truth_kwh)} · ${energy}${off}`;
      framed.setAttribute("aria-label", `${method}: ${line.textContent}`);
      Object.entries(sets(rows)).forEach(([name, values]) => view.data(name, values));
      view.runAsync();
    };
    events.addEventListener("change", show);
    methods.addEventListener("change", show);
    show();
  };

  const start = async (block) => {
    const told = JSON.parse(block.textContent), figure = block.closest("figure");
    const frame = figure.querySelector(".live"), says = figure.querySelector(".chart").getAttribute("aria-label");
    alive(figure, frame);
    try {
      if (told.events) await explorer(frame, told);
      else {
        frame.setAttribute("role", "img");
        frame.setAttribute("aria-label", says);
        await Promise.all(told.charts.map((spec) => draw(canvas(frame), spec, told.locale)));
      }
    } catch (error) {
      figure.classList.remove("alive"); // the picture stands
      frame.hidden = true;
      console.error(error);
    }
  };

  document.querySelectorAll("script.told").forEach(start);
})();
