/* What a discreet reader is told of sentences that come by the stream, which are the same for
   programs: bengi/discreet.py hides the same of those that come with a page. */

const CONVERTED = /[0-9.]+ ([A-Z]{3}) to [0-9.]+ ([A-Z]{3})\b/g;
const SHORT = /[0-9.,]+ ([A-Z]{3}) needed, [0-9.,]+ available\b/g;

/** Write why an order ended without amounts of one's own. */
export function told(text) {
  if (!("discreet" in document.documentElement.dataset)) return text;
  return text.replace(CONVERTED, "$1 to $2").replace(SHORT, "more $1 needed than available");
}
