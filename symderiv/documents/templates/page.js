(() => {
  const picture = document.querySelector("svg.network");
  if (!picture) return;
  const panel = document.querySelector(".picked");
  const choose = (link) => {
    for (const lit of picture.querySelectorAll(".lit")) lit.classList.remove("lit");
    link.classList.add("lit");
    for (const id of link.dataset.lights.split(" ")) {
      const part = document.getElementById(id);
      if (part) part.classList.add("lit");
    }
    const path = document.getElementById("path-" + link.dataset.key);
    if (!path) return;
    panel.replaceChildren();
    const title = document.createElement("h3");
    title.append(...[...path.querySelector("summary").childNodes].map((node) => node.cloneNode(true)));
    panel.append(title);
    for (const child of path.children) {
      if (child.tagName !== "SUMMARY") panel.append(child.cloneNode(true));
    }
  };
  picture.addEventListener("click", (event) => {
    const link = event.target.closest("a.pick");
    if (!link) return;
    event.preventDefault();
    choose(link);
  });
})();
