// A real browser against a real server. Told by the environment:
//   PRACTICUM_URL         where the server listens
//   PRACTICUM_STUDENT     login:password of a student in a course with an open assignment
//   PRACTICUM_INSTRUCTOR  login:password of the course's instructor
//   CHROMIUM              the browser, /usr/bin/chromium if not given

import { chromium, type Browser, type Locator, type Page } from "playwright-core";

export const server = required("PRACTICUM_URL");

export interface Account {
  login: string;
  password: string;
}

export function account(name: string): Account {
  const [login = "", ...rest] = required(name).split(":");
  return { login, password: rest.join(":") };
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: see e2e/browser.ts`);
  return value.replace(/\/$/, "");
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
}

/** A page of its own session, with everything that the page itself complained about. */
export async function openPage(browser: Browser): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // The first question of every visit, who is logged in, is answered 401 to a stranger; browsers log that.
    if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
  });
  return { page, complaints };
}

/** The first assignment on a course's page that takes hand-ins now. */
export function openAssignment(page: Page): Locator {
  return page.locator("main li").filter({ hasNotText: /closed|opens/ }).locator("a[href*='/assignments/']").first();
}

export async function logIn(page: Page, { login, password }: Account) {
  await page.getByLabel("Login").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}
