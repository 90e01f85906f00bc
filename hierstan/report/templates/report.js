"use strict";
// Sort a table by the header that is pressed, filter its rows by name, and say where a
// table or picture goes on beyond its box. Without this script the page reads the same.

const missing = (text) => text === "" || text === "–";

function keyOf(cell, numeric) {
  const text = cell.firstChild ? cell.firstChild.textContent.trim() : "";
  if (missing(text)) return null;
  if (!numeric) return text;
  const plain = text.replaceAll(",", "").replace("∞", "Infinity").replaceAll("−", "-");
  const value = Number.parseFloat(plain);
  return Number.isNaN(value) ? null : value;
}

const compare = (a, b) =>
  typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });

function sort(table, header, column) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const numeric = header.classList.contains("number");
  const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row.cells[column], numeric), row]);
  const known = rows.filter(([key]) => key !== null);
  const unknown = rows.filter(([key]) => key === null);
  known.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...known.concat(unknown).map(([, row]) => row));
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) continue;
  const headers = table.tHead.rows[table.tHead.rows.length - 1].cells;
  [...headers].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, header, column));
  });
}

for (const input of document.querySelectorAll("input[data-filter]")) {
  const place = input.closest(".filter");
  const status = place.querySelector("[role=status]");
  const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
  place.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let left = 0;
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      left += !row.hidden;
    }
    status.textContent = wanted ? `${left} of ${rows.length} rows` : "";
  });
}

const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    target.classList.toggle("wide", target.scrollWidth > target.clientWidth + 1);
  }
});
for (const box of document.querySelectorAll(".scroll, .card")) watcher.observe(box);
