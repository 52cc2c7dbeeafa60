// Every request of the app goes through this module: one function a question, each answering with its value or throwing
// a `Problem`. The session is a cookie that the browser keeps; nothing here ever sees it.

import { problemFrom, unreachable } from "./problem";
import type {
  Assignment,
  Course,
  Gradebook,
  Me,
  NewToken,
  Receipt,
  Scope,
  Submission,
  TokenInfo,
} from "./types";

const BASE = "/api/v1";
/** Seconds that a long poll waits: short, because its answer is also how cases are seen to finish. */
const WAIT_S = 5;

const part = encodeURIComponent;
const filePath = (name: string) => name.split("/").map(part).join("/");
const assignmentPath = (course: string, assignment: string) => `/courses/${part(course)}/assignments/${part(assignment)}`;

export const url = {
  starter: (course: string, assignment: string) => `${BASE}${assignmentPath(course, assignment)}/starter.zip`,
  file: (submission: string, name: string) => `${BASE}/submissions/${part(submission)}/files/${filePath(name)}`,
  events: (submission: string) => `${BASE}/submissions/${part(submission)}/events`,
  gradebookCsv: (course: string) => `${BASE}/courses/${part(course)}/gradebook.csv`,
};

export const api = {
  login: (login: string, password: string) => send<Me>("POST", "/session", { login, password }),
  logout: () => send<void>("DELETE", "/session"),
  me: () => send<Me>("GET", "/me"),
  tokens: () => send<TokenInfo[]>("GET", "/tokens"),
  createToken: (label: string, scope: Scope, days: number) => send<NewToken>("POST", "/tokens", { label, scope, days }),
  revokeToken: (id: string) => send<void>("DELETE", `/tokens/${part(id)}`),
  course: (course: string) => send<Course>("GET", `/courses/${part(course)}`),
  assignment: (course: string, assignment: string) => send<Assignment>("GET", assignmentPath(course, assignment)),
  handIn,
  submission: (id: string) => send<Submission>("GET", `/submissions/${part(id)}`),
  waitForSubmission: (id: string, signal: AbortSignal) =>
    send<Submission>("GET", `/submissions/${part(id)}?wait=${WAIT_S}`, undefined, signal),
  submissionFile: async (id: string, name: string) => (await answer(url.file(id, name), {})).text(),
  regrade: (id: string) => send<void>("POST", `/submissions/${part(id)}/regrade`),
  gradebook: (course: string) => send<Gradebook>("GET", `/courses/${part(course)}/gradebook`),
};

/** Hands in files. The key makes a repeated attempt after a lost answer count once. */
async function handIn(course: string, assignment: string, files: File[], idempotencyKey: string): Promise<Receipt> {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  const path = `${BASE}${assignmentPath(course, assignment)}/submissions`;
  const response = await answer(path, { method: "POST", body: form, headers: { "Idempotency-Key": idempotencyKey } });
  return response.json() as Promise<Receipt>;
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await answer(BASE + path, init);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Called when the server says that nobody is logged in; the session module listens. */
let onLoggedOut: () => void = () => {};
export function whenLoggedOut(listener: () => void) {
  onLoggedOut = listener;
}

async function answer(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const problem = problemFrom(response.status, await response.text());
  if (response.status === 401) onLoggedOut();
  throw problem;
}
