import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { account, launch, logIn, openAssignment, openPage, server } from "./browser";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Something for the dashboard to show: the student hands in twice, in the same way as a program would. */
async function handInTwiceAsStudent(page: Page) {
  await page.goto(`${server}/login`);
  await logIn(page, account("PRACTICUM_STUDENT"));
  const address = `/api/v1${await openAssignment(page).getAttribute("href")}`;
  const statuses = await page.evaluate(async (path) => {
    const { starter } = (await (await fetch(path)).json()) as { starter: { name: string; content: string }[] };
    const body = JSON.stringify({ files: starter });
    const headers = { "Content-Type": "application/json" };
    const handIn = async () => (await fetch(`${path}/submissions`, { method: "POST", headers, body })).status;
    return [await handIn(), await handIn()];
  }, address);
  expect(statuses).toEqual([202, 202]);
}

test("an instructor finds a student on the dashboard by keyboard and goes from the latest submission to an earlier one", async () => {
  await handInTwiceAsStudent((await openPage(browser)).page);
  const { page, complaints } = await openPage(browser);
  await page.goto(`${server}/login`);
  await logIn(page, account("PRACTICUM_INSTRUCTOR"));
  await page.waitForURL("**/dashboard");
  const grid = page.getByRole("grid");
  await grid.waitFor();

  const { login } = account("PRACTICUM_STUDENT");
  await page.getByLabel("Student", { exact: true }).fill(login);
  const row = grid.getByRole("row").filter({ has: page.locator(`[title="${login}"]`) });
  await row.waitFor();

  // One cell is in the tab order, arrows move on from it.
  const stops = grid.locator("[data-column][tabindex='0']");
  expect(await stops.count()).toBe(1);
  await stops.focus();
  await page.keyboard.press("End");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-column"))).not.toBe("0");
  await page.keyboard.press("Home");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-column"))).toBe("0");

  await row.locator("a[href^='/submissions/']").first().press("Enter");
  await page.waitForURL("**/submissions/*");
  await page.getByRole("heading", { name: "Receipt" }).waitFor();
  await page.getByRole("button", { name: "Grade again" }).waitFor();

  const others = page.getByRole("region", { name: /^Other attempts of / });
  const earlier = others.getByRole("link", { name: /^Attempt / }).first();
  const name = (await earlier.innerText()).toLowerCase();
  await earlier.press("Enter");
  await page.getByRole("heading", { level: 1, name }).waitFor();
  expect(await others.getByRole("link", { name, exact: true }).count()).toBe(0);
  expect(complaints).toEqual([]);
});
