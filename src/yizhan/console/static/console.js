// What every page can do beyond links and forms. Nothing here is needed: without a script a page takes one step more.
"use strict";

document.documentElement.classList.add("scripted");  // what is there for want of a script goes (.unscripted)

// A choice of how pages look counts at once.
document.addEventListener("change", (event) => {
  if (event.target.id === "theme") event.target.form.submit();
});

// <button data-copy="what to copy">: its words become those of data-copied for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.textContent;
  button.textContent = button.dataset.copied || words;
  setTimeout(() => { button.textContent = words; }, 1500);
});

// <form data-confirm="question">: what cannot be undone is asked about once.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
