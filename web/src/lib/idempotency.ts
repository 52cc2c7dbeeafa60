/** A fresh `Idempotency-Key`. `crypto.randomUUID` exists on https only, and a lab's server may speak plain http. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
