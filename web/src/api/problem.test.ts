import { describe, expect, test } from "vitest";
import { asProblem, Problem, problemFrom, unreachable } from "./problem";

describe("problemFrom", () => {
  test("keeps what the server said", () => {
    const body = { title: "The label is taken", detail: "choose another", errors: [{ pointer: "/label", detail: "“CI” exists" }], request_id: "r1" };
    const problem = problemFrom(422, JSON.stringify(body));
    expect(problem).toMatchObject({ status: 422, title: "The label is taken", detail: "choose another", requestId: "r1" });
    expect(problem.about("label")).toBe("“CI” exists");
    expect(problem.about("days")).toBeNull();
  });

  test.each(["", "<html>502</html>", "[]", "null", '"text"'])("has words where the body has none: %s", (body) => {
    expect(problemFrom(502, body)).toMatchObject({ title: "The server failed", detail: "", errors: [] });
  });

  test("has words for a status it knows", () => {
    expect(problemFrom(413, "").title).toBe("That is too large");
    expect(problemFrom(418, "").title).toBe("The request was refused");
  });

  test("leaves out errors that are none", () => {
    const problem = problemFrom(422, JSON.stringify({ errors: [null, "x", { pointer: 1, detail: "kept" }, { pointer: "/a" }] }));
    expect(problem.errors).toEqual([{ pointer: "", detail: "kept" }]);
  });
});

test("only silence, haste and the server's faults are worth another try", () => {
  const retryable = (status: number) => problemFrom(status, "").retryable;
  expect([400, 401, 404, 413, 422, 429, 500, 503].filter(retryable)).toEqual([429, 500, 503]);
  expect(unreachable().retryable).toBe(true);
});

test("anything thrown becomes a problem", () => {
  const known = new Problem({ status: 404, title: "gone" });
  expect(asProblem(known)).toBe(known);
  expect(asProblem(new TypeError("x is undefined"))).toMatchObject({ title: "This page failed", detail: "x is undefined" });
  expect(asProblem("text").detail).toBe("text");
});
