// The words of the HTTP API, as the pages use them: short names for what the server's OpenAPI document says
// (`npm run api` makes schema.d.ts from openapi.json). Times are RFC 3339 in UTC, ids opaque text, points integers.

import type { components } from "./schema";

type Schema = components["schemas"];

export type State = Schema["State"];
export type Verdict = Schema["Verdict"];
export type Scope = Schema["Scope"];

export type Me = Schema["Me"];
export type CourseLink = Schema["MyCourse"];
export type Course = Schema["Course"];

export type AssignmentSummary = Schema["AssignmentSummary"];
export type Assignment = Schema["AssignmentPage"];
export type CaseSummary = Schema["CaseInfo"];
export type SourceFile = Schema["StarterFile"];

export type SubmissionSummary = Schema["SubmissionSummary"];
export type Submission = Schema["SubmissionPage"];
export type CaseProgress = Schema["CaseProgress"];
export type Receipt = Schema["Receipt"];
export type ProgressEvent = Schema["Progress"];
export type StateEvent = Schema["StateEvent"];

export type CaseReport = Schema["CaseReport"];
export type Evidence = Schema["Evidence"];
export type Usage = Schema["Usage"];
/** A schedule that is run again, as far as it has got. */
export type Replay = Schema["ReplayPage"];

export type Gradebook = Schema["Gradebook"];
export type GradebookCell = Schema["Cell"];

export type TokenInfo = Schema["TokenInfo"];
export type NewToken = Schema["CreatedToken"];
