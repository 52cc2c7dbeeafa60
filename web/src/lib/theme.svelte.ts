// Light, dark, or what the system says. `public/theme.js` applies a kept choice before the first paint.

export type Theme = "system" | "light" | "dark";

const KEY = "practicum.theme";
const ORDER: Theme[] = ["system", "light", "dark"];

class ThemeChoice {
  current: Theme = $state(read());

  next() {
    this.current = ORDER[(ORDER.indexOf(this.current) + 1) % ORDER.length]!;
    if (this.current === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.current;
    keep(this.current);
  }
}

function read(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === "light" || set === "dark" ? set : "system";
}

function keep(theme: Theme) {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be full or forbidden: the choice then lasts as long as the page.
  }
}

export const theme = new ThemeChoice();
