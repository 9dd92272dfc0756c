// Show the description of the mark under the pointer.
const tip = document.getElementById("fathom-tip");
document.addEventListener("pointermove", (event) => {
  const mark = event.target.closest(".chart [aria-label][aria-roledescription]:not([aria-roledescription=axis])");
  const text = mark && mark.getAttribute("aria-label");
  tip.hidden = !text || mark.tagName === "g";
  if (tip.hidden) return;
  tip.textContent = text;
  const width = tip.offsetWidth;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 4))}px`;
  tip.style.top = `${Math.max(4, event.clientY - tip.offsetHeight - 12)}px`;
});

// A click on the head of a column sorts a table: numbers by value, empty cells last.
const keyOf = (cell) => {
  const text = cell.textContent.trim();
  const number = parseFloat(text.replace(/,/g, "").replace("−", "-"));
  return text === "" || text === "–" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
};
const compare = (a, b) => {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      const keys = new Map(rows.map((row) => [row, keyOf(row.cells[column])]));
      rows.sort((one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        return a === null || b === null || !down ? compare(a, b) : compare(b, a);
      });
      table.tBodies[0].append(...rows);
    });
  });
}

// The menu is open beside a wide page, and closed above a narrow one until it is wanted.
document.documentElement.classList.add("script");
const menu = document.querySelector(".menu");
const wide = matchMedia("(min-width: 64rem)");
const fitMenu = () => { menu.open = wide.matches; };
wide.addEventListener("change", fitMenu);
fitMenu();
menu.addEventListener("click", (event) => {
  if (event.target.tagName === "A" && !wide.matches) menu.open = false;
});

// Paper shows what is folded on the screen.
const folded = () => [...document.querySelectorAll("main details")].filter((each) => !each.open);
let opened = [];
addEventListener("beforeprint", () => {
  opened = folded();
  opened.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));

// The slider of costs chooses a row of the table of thresholds, and its circle in the curves.
for (const decision of document.querySelectorAll(".decision")) {
  const slider = decision.querySelector("input");
  const rows = [...decision.querySelector("table").tBodies[0].rows];
  const choose = () => {
    const row = rows[slider.value];
    decision.querySelector("output").textContent = row.cells[0].textContent;
    rows.forEach((other) => other.classList.toggle("best", other === row));
    for (const chart of decision.querySelectorAll(".chart")) {
      const circles = chart.querySelectorAll("[aria-roledescription=circle]");
      circles.forEach((circle, place) => circle.classList.toggle("chosen", place === +row.dataset.place));
    }
  };
  slider.hidden = false;
  slider.addEventListener("input", choose);
  choose();
}

// provenance.js, which may lie beside the page, registers where pages were built.
const provenance = document.getElementById("fathom-provenance");
const registerPage = (page, text) => {
  if (page !== provenance.dataset.page) return;
  provenance.textContent = text;
  provenance.hidden = false;
};
