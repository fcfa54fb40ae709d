// What changes something: says what will happen, asks for a reason and the token, and shows a refusal in its own words.

import { byId } from "./dom.js";

let token = "";
let pending = null;

export function confirmAction({ title, says, label, path, body, needsReason = true, method = "POST", done }) {
  pending = { path, body, method, done };
  byId("confirm-title").textContent = title;
  byId("confirm-words").textContent = says;
  byId("confirm-do").textContent = label;
  byId("confirm-reason").value = "";
  byId("confirm-reason").required = needsReason;
  byId("confirm-token").value = token;
  byId("confirm-error").hidden = true;
  byId("confirm").showModal();
  byId("confirm-reason").focus();
}

async function send(event) {
  event.preventDefault();
  const { path, body, method, done } = pending;
  token = byId("confirm-token").value.trim();
  byId("confirm-do").disabled = true;
  try {
    const answer = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": `${(Date.now() / 1000).toFixed(3)}-${crypto.getRandomValues(new Uint32Array(4)).join("")}`,
      },
      body: JSON.stringify({ ...body, reason: byId("confirm-reason").value.trim() }),
      signal: AbortSignal.timeout(5000),
    });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    byId("confirm").close();
    done?.();
  } catch (error) {
    byId("confirm-error").textContent = error.name === "TimeoutError" ? "The gateway did not answer in 5 s." : error.message;
    byId("confirm-error").hidden = false;
  } finally {
    byId("confirm-do").disabled = false;
  }
}

byId("confirm-form").addEventListener("submit", send);
byId("confirm-cancel").addEventListener("click", () => byId("confirm").close());
