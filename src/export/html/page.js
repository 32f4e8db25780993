
"use strict";
for (const table of document.querySelectorAll("table[data-listing]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const find = document.createElement("div");
  find.className = "find";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Search these " + table.dataset.listing;
  input.setAttribute("aria-label", "Search these " + table.dataset.listing);
  const told = document.createElement("output");
  find.append(input, told);
  table.parentElement.before(find);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    told.textContent = words.length ? shown + " of " + rows.length : "";
  });
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.n !== undefined) return Number(cell.dataset.n);
    const time = cell.querySelector("time");
    return time ? time.dateTime : cell.textContent;
  };
  const language = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const compare = (one, other) => {
    if (one === "" || other === "") return one === other ? 0 : NaN;
    return typeof one === "number" && typeof other === "number" ? one - other : language.compare(one, other);
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
      const keyed = rows.map((row, index) => [key(row, column), index, row]);
      keyed.sort((a, b) => {
        const order = compare(a[0], b[0]);
        // What is empty stands last, whichever way.
        if (Number.isNaN(order)) return a[0] === "" ? 1 : -1;
        return order * turn || a[1] - b[1];
      });
      body.append(...keyed.map((one) => one[2]));
    });
  });
}
