// paint turns a value into coloured text. It builds nodes and never markup, so
// nothing that a source says of its tables can run here.
const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function paint(value) {
  const text = JSON.stringify(value, null, 2);
  const out = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(token)) {
    out.append(text.slice(end, match.index));
    const [whole, quoted, colon] = match;
    const span = document.createElement('span');
    span.className = colon ? 'k' : quoted ? 's' : 'n';
    span.textContent = quoted ?? whole;
    out.append(span, colon ?? '');
    end = match.index + whole.length;
  }
  out.append(text.slice(end));
  return out;
}
