// The line that repeats one case at home, exactly.

export function replayLine(exercise: string, files: string[], caseId: string, seed: string): string {
  const path = files.length === 1 ? files[0]! : ".";
  return ["practicum grade", quote(exercise), quote(path), "--case", quote(caseId), "--seed", quote(seed)].join(" ");
}

/** A word that a POSIX shell reads back unchanged. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
