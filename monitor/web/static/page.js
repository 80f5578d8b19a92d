// Keeps the page's numbers young without losing the reader's place. Without it everything works by reloading.
"use strict";
(() => {
  const main = document.getElementById("main");
  const lost = document.getElementById("lost");
  const form = document.querySelector("form.find");
  const every = 1000 * Number(main.dataset.refresh || 0);
  let timer = 0;
  let asked = 0; // the newest answer wins, whichever comes first

  // What is under the reader's hands: the focus, opened details, the place on the page.
  function keepingPlace(change) {
    const focused = document.activeElement;
    const href = focused && focused.closest("[data-live]") && focused.getAttribute("href");
    const summary = focused && focused.closest("summary") && focused.closest("details").id;
    const open = [...document.querySelectorAll("details[open]")].map((one) => one.id);
    const { scrollX, scrollY } = window;
    change();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    const again = summary
      ? document.getElementById(summary)?.querySelector("summary")
      : href && [...document.querySelectorAll("[data-live] a")].find((a) => a.getAttribute("href") === href);
    if (again) again.focus({ preventScroll: true });
    window.scrollTo(scrollX, scrollY);
  }

  function show(page) {
    keepingPlace(() => {
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh) part.replaceChildren(...fresh.childNodes);
      }
      lost.dataset.text = page.getElementById("lost").dataset.text;
      lost.textContent = "";
    });
  }

  async function refresh() {
    clearTimeout(timer);
    const number = ++asked;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Whoever marks text with the mouse gets it changed when the mark is gone.
      if (number === asked && getSelection().isCollapsed) show(page);
    } catch {
      if (number === asked) lost.textContent = lost.dataset.text;
    }
    if (number === asked) plan();
  }

  function plan() {
    clearTimeout(timer);
    if (every && !document.hidden) timer = setTimeout(refresh, every);
  }

  function find() {
    const wanted = new URLSearchParams(new FormData(form));
    const before = new URLSearchParams(location.search);
    for (const [name, value] of [...wanted]) {
      const usual = form.elements[name].options?.[0].value ?? "";
      if (value === usual) wanted.delete(name);
    }
    if (wanted.toString() === before.toString()) return;
    history.replaceState(null, "", `?${wanted}`);
    refresh();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  if (form) {
    let typing = 0;
    form.classList.add("by-itself");
    form.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(find, 250);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      find();
    });
  }
  plan();
})();
