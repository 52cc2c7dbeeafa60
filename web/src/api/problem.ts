// Every refusal of the server is an RFC 9457 problem; every other mishap is turned into the same shape, so that a page
// has one kind of error to show.

export interface FieldError {
  /** JSON pointer to the wrong part of what was sent, such as `/label`. */
  pointer: string;
  detail: string;
}

export class Problem extends Error {
  /** HTTP status, or 0 when no answer came. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldError[];
  readonly requestId: string | null;

  constructor(facts: { status: number; title: string; detail?: string; errors?: FieldError[]; requestId?: string | null }) {
    super(facts.detail || facts.title);
    this.name = "Problem";
    this.status = facts.status;
    this.title = facts.title;
    this.detail = facts.detail ?? "";
    this.errors = facts.errors ?? [];
    this.requestId = facts.requestId ?? null;
  }

  /** What is said about one field, by the last part of its pointer. */
  about(field: string): string | null {
    return this.errors.find((error) => error.pointer.split("/").pop() === field)?.detail ?? null;
  }

  /** Whether sending the same again may succeed. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const TITLES: Record<number, string> = {
  400: "The request was not understood",
  401: "You are not logged in",
  403: "You may not do that",
  404: "There is nothing here",
  409: "That contradicts what is already there",
  413: "That is too large",
  429: "Too many requests: wait a moment",
  503: "The server is not ready: try again in a moment",
};

/** Reads the body of a refused request, whatever it is. */
export function problemFrom(status: number, body: string): Problem {
  const parsed = parseObject(body);
  const title = text(parsed?.title) ?? TITLES[status] ?? (status >= 500 ? "The server failed" : "The request was refused");
  return new Problem({
    status,
    title,
    detail: text(parsed?.detail) ?? "",
    errors: fieldErrors(parsed?.errors),
    requestId: text(parsed?.request_id),
  });
}

/** What is shown when `fetch` itself failed. */
export function unreachable(): Problem {
  return new Problem({
    status: 0,
    title: "The server cannot be reached",
    detail: "Check your connection. Nothing that was accepted is lost.",
  });
}

/** Any thrown value as a problem; a fault of the page itself is told apart from the server's. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({ status: -1, title: "This page failed", detail: error instanceof Error ? error.message : String(error) });
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { pointer, detail } = entry as Record<string, unknown>;
    return typeof detail === "string" ? [{ pointer: typeof pointer === "string" ? pointer : "", detail }] : [];
  });
}
