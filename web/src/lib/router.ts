// Which page a path names, and which path a page has. The addresses are part of the product: people mail them.

export type Route =
  | { page: "login" }
  | { page: "courses" }
  | { page: "course"; course: string }
  | { page: "assignment"; course: string; assignment: string }
  | { page: "dashboard"; course: string }
  | { page: "submission"; id: string }
  | { page: "tokens" }
  | { page: "missing" };

export function match(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  const [first, second, third, fourth] = parts;
  if (parts.length === 0) return { page: "courses" };
  if (parts.length === 1 && first === "login") return { page: "login" };
  if (parts.length === 1 && first === "tokens") return { page: "tokens" };
  if (parts.length === 2 && first === "submissions" && second) return { page: "submission", id: second };
  if (first !== "courses" || !second) return { page: "missing" };
  if (parts.length === 2) return { page: "course", course: second };
  if (parts.length === 3 && third === "dashboard") return { page: "dashboard", course: second };
  if (parts.length === 4 && third === "assignments" && fourth) return { page: "assignment", course: second, assignment: fourth };
  return { page: "missing" };
}

export const path = {
  courses: () => "/",
  login: (next: string) => (next === "/" ? "/login" : `/login?next=${encodeURIComponent(next)}`),
  course: (course: string) => `/courses/${encodeURIComponent(course)}`,
  assignment: (course: string, assignment: string) => `${path.course(course)}/assignments/${encodeURIComponent(assignment)}`,
  dashboard: (course: string) => `${path.course(course)}/dashboard`,
  submission: (id: string) => `/submissions/${encodeURIComponent(id)}`,
  tokens: () => "/tokens",
};

/** Where to go after logging in: only a path of this app, never another site's. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  const home = "http://app.invalid";
  try {
    const target = new URL(next, home);
    return target.origin === home && next.startsWith("/") ? target.pathname + target.search + target.hash : "/";
  } catch {
    return "/";
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
