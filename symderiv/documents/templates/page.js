(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // The section that is being read, in the list of contents: the last one that crosses a line below the top of the window.
  const nav = document.querySelector("nav");
  const entries = nav ? all("li > a", nav).map((link) => [link, document.getElementById(link.hash.slice(1))]) : [];
  const crossing = new Set();
  const observed = (options, update) => {
    const observer = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) update(target, isIntersecting);
      mark();
    }, options);
    return (section) => observer.observe(section);
  };
  let atEnd = false;
  const mark = () => {
    const here = atEnd && scrollY > 0 ? entries.at(-1) : entries.filter(([, section]) => crossing.has(section)).pop();
    const above = entries[0][1].getBoundingClientRect().top > 0; // nothing crosses between two sections, and at the very top
    const current = here?.[0] ?? (above ? entries[0][0] : null);
    if (!current || current.hasAttribute("aria-current")) return;
    for (const [link] of entries) link.removeAttribute("aria-current");
    current.setAttribute("aria-current", "location");
    const [box, own] = [nav.getBoundingClientRect(), current.getBoundingClientRect()];
    if (own.top < box.top || own.bottom > box.bottom) nav.scrollTop += own.top - box.top - box.height / 3;
  };
  if (entries.length) {
    const crosses = observed({ rootMargin: "-12% 0px -87% 0px" }, (section, is) => crossing[is ? "add" : "delete"](section));
    for (const [, section] of entries) crosses(section);
    observed({ threshold: 1 }, (section, is) => { atEnd = is; })(entries.at(-1)[1]);
    nav.addEventListener("click", (event) => {
      if (event.target.closest("a")) document.getElementById("contents").hidePopover?.();
    });
  }

  // Copying: buttons for what a formula has, and a word when it is done.
  const told = document.createElement("p");
  told.className = "spoken";
  told.setAttribute("role", "status");
  document.body.append(told);
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { // from a file, or without permission
      const before = document.activeElement;
      const area = document.createElement("textarea");
      area.className = "spoken";
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      before.focus();
      return done;
    }
  };
  const KINDS = { latex: "LaTeX", numpy: "NumPy", code: "Copy" };
  for (const box of all(".formula, .code")) {
    const tools = document.createElement("div");
    tools.className = "tools";
    for (const [kind, name] of Object.entries(KINDS)) {
      if (!(kind in box.dataset)) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.copies = kind;
      button.textContent = name;
      button.ariaLabel = kind === "code" ? "Copy the code" : `Copy the formula as ${name}`;
      tools.append(button);
    }
    if (tools.hasChildNodes()) box.firstElementChild.after(tools);
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const kind = button.dataset.copies;
    const box = button.closest(".formula, .code");
    const done = await copied(box.dataset[kind] || box.querySelector("pre").textContent);
    told.textContent = "";
    button.textContent = done ? "copied" : "not copied";
    setTimeout(() => { told.textContent = done ? "Copied" : "This browser does not allow copying"; }, 50);
    setTimeout(() => { button.textContent = KINDS[kind]; }, 1500);
  });

  // The shapes under a formula: Escape hides them until the formula is left.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const formula of all(".formula:is(:hover, :focus-within)")) formula.classList.add("dismissed");
  });
  for (const type of ["pointerover", "focusin"]) {
    document.addEventListener(type, () => {
      for (const formula of all(".dismissed:not(:hover, :focus-within)")) formula.classList.remove("dismissed");
    });
  }

  // The picture of the network: a weight lights its paths and shows their formula.
  const picture = document.querySelector("svg.network");
  const panel = document.querySelector(".picked");
  picture?.addEventListener("click", (event) => {
    const link = event.target.closest("a.pick");
    if (!link) return;
    event.preventDefault();
    for (const lit of all(".lit", picture)) lit.classList.remove("lit");
    link.classList.add("lit");
    for (const id of link.dataset.lights.split(" ")) document.getElementById(id)?.classList.add("lit");
    const path = document.getElementById("path-" + link.dataset.key);
    if (!path) return;
    const title = document.createElement("h3");
    title.append(...path.previousElementSibling.cloneNode(true).childNodes);
    panel.replaceChildren(title, ...path.cloneNode(true).children);
    for (const part of all("[id]", panel)) part.removeAttribute("id");
  });
})();
