// Runs before the first paint, so that a chosen theme never flashes. Everything else about themes is in src/lib/theme.svelte.ts.
try {
  const chosen = localStorage.getItem("practicum.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
