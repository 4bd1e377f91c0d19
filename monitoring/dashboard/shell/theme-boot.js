/* Runs before the first paint, as a classic script: a chosen theme must not flash the other one. */
{
  const chosen = localStorage.getItem("muster.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
