// The words of the HTTP API, as the pages use them. Times are RFC 3339 in UTC, ids are opaque text, points are integers.

export type Role = "student" | "assistant" | "instructor";
export type State = "queued" | "running" | "graded" | "dead";
export type CaseState = "waiting" | "running" | "finished";
export type Visibility = "visible" | "hidden" | "after-due";
export type Scope = "submit" | "read";
export type Verdict =
  | "passed"
  | "wrong-answer"
  | "deadlock"
  | "time-limit"
  | "memory-limit"
  | "output-limit"
  | "runtime-error"
  | "rule-broken"
  | "build-error"
  | "unstable";

export interface CourseLink {
  slug: string;
  title: string;
  role: Role;
}

export interface Me {
  id: string;
  login: string;
  name: string;
  admin: boolean;
  courses: CourseLink[];
}

export interface Latest {
  id: string;
  ordinal: number;
  state: State;
  verdict: Verdict | null;
  points: number | null;
}

/** What the reader has done about an assignment so far. */
export interface Mine {
  attempts: number;
  attempts_max: number | null;
  best_points: number | null;
  latest: Latest | null;
}

export interface AssignmentSummary {
  slug: string;
  exercise: string;
  title: string;
  section: number;
  topics: string[];
  points: number;
  opens_at: string | null;
  due_at: string | null;
  closes_at: string | null;
  mine: Mine | null;
}

export interface Course extends CourseLink {
  assignments: AssignmentSummary[];
}

export interface SourceFile {
  name: string;
  content: string;
}

export interface Limits {
  cpu_s: number;
  wall_s: number;
  memory_mib: number;
  processes: number;
}

export interface CaseSummary {
  id: string;
  title: string;
  points: number;
  visibility: Visibility;
  requirement: string | null;
}

export interface Assignment extends AssignmentSummary {
  statement: string;
  files: string[];
  starter: SourceFile[];
  limits: Limits;
  ban: string[];
  cases: CaseSummary[];
  submissions: SubmissionSummary[];
}

export interface SubmissionSummary {
  id: string;
  ordinal: number;
  received_at: string;
  state: State;
  verdict: Verdict | null;
  points: number | null;
  points_max: number;
  student: { login: string; name: string };
}

export interface CaseProgress {
  case: string;
  title: string;
  state: CaseState;
  verdict: Verdict | null;
  points: number | null;
  points_max: number;
}

export interface Submission extends SubmissionSummary {
  course: string;
  assignment: string;
  exercise: string;
  title: string;
  sha256: string;
  files: { name: string; bytes: number }[];
  queue_position: number | null;
  progress: CaseProgress[];
  report: Report | null;
}

/** The answer to an upload: proof that it was kept. */
export interface Receipt {
  id: string;
  sha256: string;
  received_at: string;
  ordinal: number;
  queue_position: number | null;
  url: string;
}

export interface Usage {
  cpu_ms: number;
  wall_ms: number;
  peak_bytes: number;
}

export type Evidence =
  | {
      kind: "bytes";
      title: string;
      got: string;
      want: string;
      offset: number;
      got_length: number;
      want_length: number;
      first_difference: number;
    }
  | { kind: "diff"; title: string; got: string; want: string }
  | { kind: "traceback"; text: string }
  | { kind: "output"; program: string; stream: "stdout" | "stderr"; text: string; truncated: boolean };

export interface CaseReport {
  id: string;
  title: string;
  points: number;
  points_max: number;
  verdict: Verdict;
  visibility: Visibility;
  message: string | null;
  hint: string | null;
  evidence: Evidence[];
  usage: Usage;
  seed: string | null;
}

export interface Report {
  exercise: string;
  suite_hash: string;
  submission_hash: string;
  seed: "public" | "server" | "given";
  verdict: Verdict;
  points: number;
  points_max: number;
  build: { ok: boolean; message: string };
  cases: CaseReport[];
  lane: { lane: string; python: string; weaknesses: string[] };
}

export interface GradebookCell {
  points: number | null;
  attempts: number;
  state: State;
  verdict: Verdict | null;
  latest: string;
}

export interface Gradebook {
  course: string;
  assignments: { slug: string; title: string; section: number; points: number }[];
  students: { login: string; name: string; cells: (GradebookCell | null)[] }[];
}

export interface TokenInfo {
  id: string;
  label: string;
  scope: Scope;
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface NewToken extends TokenInfo {
  /** The token itself: the server tells it once. */
  token: string;
}

export interface ProgressEvent {
  seq: number;
  case: string;
  state: CaseState;
  verdict: Verdict | null;
  points: number | null;
}

export interface StateEvent {
  state: State;
  queue_position: number | null;
}
