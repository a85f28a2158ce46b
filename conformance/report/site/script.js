"use strict";
// Hides what the filters leave out. A row says what it has in data-v ("0:fail 1:pass": the number
// of the target's column and the verdict), data-section and data-level; its text is its text.
(() => {
  const form = document.querySelector("form.filters");
  if (!form) return;
  const fields = [...form.querySelectorAll("[data-filter]")];
  const rows = [...document.querySelectorAll("[data-row]")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    verdicts: (row.dataset.v || "").split(" "),
    sections: (row.dataset.section || "").split("|"),
    levels: (row.dataset.level || "").split("|"),
  }));
  const columns = [...document.querySelectorAll("[data-col]")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const output = form.querySelector("output");

  const fits = (one, asked) => {
    const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.every((word) => one.text.includes(word))) return false;
    if (asked.section && !one.sections.includes(asked.section)) return false;
    if (asked.level && !one.levels.includes(asked.level)) return false;
    if (!asked.verdict && !asked.target) return true;
    return one.verdicts.some((pair) => {
      const [target, verdict] = pair.split(":");
      return verdict && (!asked.target || target === asked.target) &&
        (!asked.verdict || verdict === asked.verdict);
    });
  };

  const apply = () => {
    const asked = { text: "", verdict: "", section: "", level: "", target: "" };
    for (const field of fields) asked[field.dataset.filter] = field.value;
    let shown = 0;
    for (const one of rows) {
      const good = fits(one, asked);
      one.row.hidden = !good;
      shown += good;
    }
    for (const cell of columns) cell.hidden = Boolean(asked.target) && cell.dataset.col !== asked.target;
    for (const group of groups) {
      group.hidden = !group.querySelector("[data-row]:not([hidden])");
    }
    output.value = shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply(); // a browser may have kept what was written in it
})();
