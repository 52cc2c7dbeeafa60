// Who is logged in. `me` is undefined until the server has said so, null when nobody is.

import { api, whenLoggedOut } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import type { CourseLink, Me } from "../api/types";

class Session {
  me: Me | null | undefined = $state(undefined);
  problem: Problem | null = $state(null);

  async start() {
    this.problem = null;
    try {
      this.me = await api.me();
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 401) this.me = null;
      else this.problem = problem;
    }
  }

  async login(login: string, password: string) {
    this.me = await api.login(login, password);
  }

  async logout() {
    await api.logout();
    this.me = null;
  }

  course(slug: string): CourseLink | undefined {
    return this.me?.courses.find((course) => course.slug === slug);
  }

  /** Whether the reader teaches this course. */
  staff(slug: string): boolean {
    return this.me?.admin === true || ["assistant", "instructor"].includes(this.course(slug)?.role ?? "student");
  }
}

export const session = new Session();
whenLoggedOut(() => {
  session.me = null;
});
