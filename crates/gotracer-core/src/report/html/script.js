"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  // A page from a file may have no storage.
  const remember = (theme) => { try { localStorage.setItem("gotracer-theme", theme); } catch {} };
  try { const theme = localStorage.getItem("gotracer-theme"); if (theme) root.dataset.theme = theme; } catch {}
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    label();
  });
  dark.addEventListener("change", label);
  label();
  button.hidden = false;

  // Paper cannot be unfolded.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

  // Copies a finding as Markdown, if the page may write to the clipboard.
  if (navigator.clipboard) document.querySelectorAll("button.copy").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(button.dataset.text); button.textContent = "Copied"; } catch { button.textContent = "Cannot copy"; }
    });
  });

  // A live page replaces its content, unless a person is reading or typing.
  const live = document.querySelector("main[data-live]");
  if (live) setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement) || String(getSelection())) return;
    try {
      const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (page) { live.replaceChildren(...page.childNodes); search(); }
    } catch {}
  }, 1000 * live.dataset.live);

  // Shows the rows of tables that contain all words.
  const rows = document.getElementById("rows");
  const search = () => {
    if (!rows) return;
    const words = rows.value.toLowerCase().split(/\s+/).filter(Boolean);
    document.querySelectorAll("main tbody tr").forEach((row) => {
      row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
  };
  if (rows) { rows.addEventListener("input", search); rows.parentElement.hidden = false; search(); }

  const form = document.getElementById("filter");
  if (!form) return;
  // Pictures contain goroutines of other findings too.
  const said = (element) => [...element.children].filter((child) => child.tagName !== "FIGURE").map((child) => child.textContent).join(" ");
  const findings = [...document.querySelectorAll(".finding")].map((element) =>
    ({ element, text: said(element).toLowerCase() }));
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const rule = form.elements.rule.value;
    let shown = 0;
    for (const { element, text } of findings) {
      const fits = severities.has(element.dataset.severity) && (!rule || element.dataset.rule === rule)
        && words.every((word) => text.includes(word));
      element.hidden = !fits;
      shown += fits;
    }
    // Folded findings are searched too.
    const searched = words.length > 0 || rule || severities.size < 3;
    if (searched) document.querySelectorAll("details.more").forEach((more) => { more.open = true; });
    document.getElementById("shown").textContent = `${shown} of ${findings.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); form.elements.text.focus(); }
    if (event.key === "Escape" && document.activeElement === form.elements.text) { form.elements.text.value = ""; apply(); }
  });
  // A link to a finding unfolds it, and ends a search that hides it.
  addEventListener("hashchange", () => {
    const wanted = document.getElementById(location.hash.slice(1));
    if (!wanted) return;
    const folded = wanted.closest("details.more:not([open])");
    if (folded) folded.open = true;
    const hidden = wanted.hidden;
    if (hidden) { form.reset(); apply(); }
    if (folded || hidden) wanted.scrollIntoView();
  });
  form.hidden = false;
  apply();
})();
