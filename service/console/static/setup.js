// The operator's link carries the secret in its fragment, which no server ever sees; it moves into the form at once.

export function takeSecretFromFragment() {
  const field = document.querySelector('input[name="secret"]');
  const secret = location.hash.slice(1);
  if (!field || !secret.startsWith('tto_')) return;
  field.value = secret;
  history.replaceState(null, '', location.pathname);
}
