// The browser's history as reactive state, and links that do not reload the page.

import { match, type Route } from "./router";

class Location {
  path = $state(window.location.pathname);
  search = $state(window.location.search);
  route: Route = $derived(match(this.path));
}

export const location = new Location();

export function navigate(to: string, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  read();
  window.scrollTo(0, 0);
}

/** Takes over clicks on links of this app; anything special (new tab, download, the API) stays with the browser. */
export function startRouting() {
  window.addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !isOurs(event, link)) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}

function isOurs(event: MouseEvent, link: HTMLAnchorElement): boolean {
  if (event.defaultPrevented || event.button !== 0) return false;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false;
  if (link.target !== "" || link.hasAttribute("download") || link.origin !== window.location.origin) return false;
  const sameDocument = link.pathname === window.location.pathname && link.search === window.location.search;
  return !link.pathname.startsWith("/api/") && !(sameDocument && link.hash !== "");
}

function read() {
  location.path = window.location.pathname;
  location.search = window.location.search;
}
