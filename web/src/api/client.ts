// Every request of the app goes through this module: one function a question, each answering with its value or throwing
// a `Problem`. Paths, parameters and bodies are checked against the server's OpenAPI document. The session is a cookie
// that the browser keeps; nothing here ever sees it.

import createClient from "openapi-fetch";
import { problemFrom, unreachable } from "./problem";
import type { paths } from "./schema";
import type { Receipt, Scope } from "./types";

/** Seconds that a long poll waits: short, because its answer is also how cases are seen to finish. */
const WAIT_S = 5;

const client = createClient<paths>({ credentials: "same-origin", fetch: answer });

export const api = {
  login: (login: string, password: string) => value(client.POST("/api/v1/session", { body: { login, password } })),
  logout: () => nothing(client.DELETE("/api/v1/session")),
  me: () => value(client.GET("/api/v1/me")),
  tokens: () => value(client.GET("/api/v1/tokens")),
  createToken: (label: string, scope: Scope, days: number) => value(client.POST("/api/v1/tokens", { body: { label, scope, days } })),
  revokeToken: (id: string) => nothing(client.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
  courses: () => value(client.GET("/api/v1/courses")),
  course: (course: string) => value(client.GET("/api/v1/courses/{course}", { params: { path: { course } } })),
  assignment: (course: string, assignment: string) =>
    value(client.GET("/api/v1/courses/{course}/assignments/{assignment}", { params: { path: { course, assignment } } })),
  handIn,
  submissions: (course: string, assignment: string, student: string) =>
    value(
      client.GET("/api/v1/courses/{course}/assignments/{assignment}/submissions", {
        params: { path: { course, assignment }, query: { student } },
      }),
    ),
  submission: (id: string) => value(client.GET("/api/v1/submissions/{id}", { params: { path: { id } } })),
  waitForSubmission: (id: string, signal: AbortSignal) =>
    value(client.GET("/api/v1/submissions/{id}", { params: { path: { id }, query: { wait: WAIT_S } }, signal })),
  submissionFile: async (id: string, name: string) => (await answer(new Request(url.file(id, name)))).text(),
  regrade: (id: string) => nothing(client.POST("/api/v1/submissions/{id}/regrade", { params: { path: { id } } })),
  replaySchedule: (id: string, of: { case: string; token: string }) =>
    value(client.POST("/api/v1/submissions/{id}/replays", { params: { path: { id } }, body: of })),
  waitForReplay: (id: string, replay: number, wait: number, signal: AbortSignal) =>
    value(client.GET("/api/v1/submissions/{id}/replays/{replay}", { params: { path: { id, replay }, query: { wait } }, signal })),
  gradebook: (course: string) => value(client.GET("/api/v1/courses/{course}/gradebook", { params: { path: { course } } })),
};

/** Addresses for links and event streams. */
export const url = {
  starter: (course: string, assignment: string) => address("/api/v1/courses/{course}/assignments/{assignment}/starter.zip", { course, assignment }),
  file: (id: string, name: string) => address("/api/v1/submissions/{id}/files/{name}", { id, name }),
  events: (id: string) => address("/api/v1/submissions/{id}/events", { id }),
  gradebookCsv: (course: string) => address("/api/v1/courses/{course}/gradebook.csv", { course }),
};

function address(template: keyof paths, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => (values[name] ?? "").split("/").map(encodeURIComponent).join("/"));
}

/** Hands in files. The key makes a repeated attempt after a lost answer count once. */
async function handIn(course: string, assignment: string, files: File[], key: string): Promise<Receipt> {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return value(
    client.POST("/api/v1/courses/{course}/assignments/{assignment}/submissions", {
      params: { path: { course, assignment }, header: { "Idempotency-Key": key } },
      // The document has no type for a file; the browser writes the form, with its boundary.
      body: { files: [] },
      bodySerializer: () => form,
    }),
  );
}

/** The body of an answer: `answer` throws where there is none. */
async function value<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

async function nothing(call: Promise<unknown>): Promise<void> {
  await call;
}

/** Called when the server says that nobody is logged in; the session module listens. */
let onLoggedOut: () => void = () => {};
export function whenLoggedOut(listener: () => void) {
  onLoggedOut = listener;
}

async function answer(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const problem = problemFrom(response.status, await response.text());
  if (response.status === 401) onLoggedOut();
  throw problem;
}
