// The page's behaviour: ask, show. Who asks is told by the cookie of the session.
import { Reference } from './reference.js';
import { paint } from './paint.js';

const $ = (id) => document.getElementById(id);
const viewer = 'query Viewer { viewer { principal { name displayName } } }';

let reference;
let asking; // aborts the request in flight
let filling = Promise.resolve(); // settles once the variables are filled in

// ask posts one operation and hands every answer to `each`. A subscription
// gives many, as server-sent events.
async function ask(body, signal, each) {
  const stream = /^\s*subscription\b/m.test(body.query);
  const response = await fetch('/graphql', {
    method: 'POST', signal, body: JSON.stringify(body),
    headers: {
      'Content-Type': 'application/json',
      Accept: stream ? 'text/event-stream' : 'application/graphql-response+json, application/json',
    },
  });
  if ((response.headers.get('Content-Type') ?? '').startsWith('text/event-stream')) {
    await readEvents(response.body, each);
  } else {
    each(await response.json());
  }
  return response.status;
}

async function readEvents(body, each) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (pending + value).split('\n\n');
    pending = events.pop();
    for (const event of events) {
      const data = event.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n');
      if (event.includes('event: next') && data) each(JSON.parse(data));
    }
  }
}

async function once(query) {
  let answer;
  await ask({ query }, undefined, (given) => { answer = given; });
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data;
}

async function begin() {
  const { viewer: found } = await once(viewer);
  $('name').textContent = found.principal.displayName || found.principal.name;
  await showQueries();
  reference ??= new Reference($('reference'), $('find'), once);
  $('query').focus();
}

async function showQueries() {
  const groups = await (await fetch('queries.json')).json();
  const list = $('queries');
  list.replaceChildren();
  for (const { group, queries } of groups) {
    const title = document.createElement('h3');
    title.textContent = group;
    list.append(title);
    for (const each of queries) list.append(pick(each));
  }
  list.querySelector('.pick')?.click();
}

// first finds the first text under a key, wherever it lies.
function first(found, key) {
  let text;
  JSON.parse(JSON.stringify(found), (k, value) => {
    if (k === key && typeof value === 'string') text ??= value;
    return value;
  });
  return text;
}

const seen = {}; // the id of each noun that was shown last, by its prefix

// look notes the ids of an answer, so that the next query is about the same things.
function look(answer) {
  const fresh = {};
  JSON.parse(JSON.stringify(answer), (key, value) => {
    const prefix = /^([a-z]{3})_[0-9a-z]+$/.exec(value)?.[1];
    if (prefix && /(^i|I)d$/.test(key)) fresh[prefix] ??= value;
    return value;
  });
  Object.assign(seen, fresh);
}

// may tells whether the viewer may do anything of what the row says they might.
function may(row) {
  return !row.viewerCan || Object.values(row.viewerCan).includes('ALLOW');
}

// fitting finds the rows to fill in, one of each list: of those that the viewer
// may do this with, the one that they have just looked at, or the first.
function fitting(found) {
  const looked = new Set(Object.values(seen));
  return Object.assign({}, ...Object.values(found).map(({ nodes }) => {
    const good = nodes.filter(may);
    return good.find((row) => Object.values(row).some((value) => looked.has(value))) ?? good[0];
  }));
}

// fillIn puts what was just looked at, or what a look-up finds, in the place of
// variables such as "dpr_…", unless somebody has begun to write there.
async function fillIn(variables, query) {
  const shown = $('variables').value;
  const asked = query ? await once(query) : {};
  const row = fitting(asked);
  const chosen = /"viewerCan"/.test(JSON.stringify(asked));
  const filled = JSON.stringify(variables, (key, value) => {
    if (!String(value).endsWith('…')) return value;
    const looked = chosen ? undefined : seen[String(value).slice(0, 3)];
    return looked ?? first(row, key) ?? value;
  }, 2);
  if ($('variables').value === shown) $('variables').value = filled;
}

function pick({ title, about, query, variables, fill }) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'pick';
  button.textContent = title;
  button.title = about;
  button.addEventListener('click', () => {
    $('query').value = query.join('\n');
    $('variables').value = JSON.stringify(variables ?? {}, null, 2);
    $('about').textContent = about;
    filling = fillIn(variables ?? {}, fill).catch(() => {}); // then the reader fills them in
    for (const other of document.querySelectorAll('.pick')) other.removeAttribute('aria-current');
    button.setAttribute('aria-current', 'true');
  });
  return button;
}

async function run() {
  asking?.abort();
  const mine = asking = new AbortController();
  await filling;
  let variables;
  try {
    variables = JSON.parse($('variables').value || '{}');
  } catch (error) {
    return show(`The variables are no JSON: ${error.message}`, true);
  }
  show('Asking …');
  const begun = performance.now();
  let answers = 0;
  let failed = false;
  try {
    const status = await ask({ query: $('query').value, variables }, mine.signal, (answer) => {
      answers += 1;
      failed = Boolean(answer.errors);
      look(answer);
      $('result').replaceChildren(paint(answer));
    });
    const took = Math.round(performance.now() - begun);
    show(`${status} · ${took} ms${answers > 1 ? ` · ${answers} answers` : ''}`, failed || status >= 400);
  } catch (error) {
    if (mine === asking) show(error.name === 'AbortError' ? 'Stopped' : `No answer: ${error.message}`, true);
  }
}

function show(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
}

function choose(tab) {
  for (const name of ['queries', 'schema']) {
    const on = name === tab;
    $(`tab-${name}`).setAttribute('aria-selected', String(on));
    $(name).hidden = !on;
  }
  if (tab === 'schema') reference.load();
}

function indent(event) {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.key === 'Tab' && !event.shiftKey && event.target.id === 'query') {
    event.preventDefault();
    event.target.setRangeText('  ', event.target.selectionStart, event.target.selectionEnd, 'end');
  }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('souk.theme', root.dataset.theme);
}

$('theme').addEventListener('click', switchTheme);
$('run').addEventListener('click', run);
for (const name of ['queries', 'schema']) $(`tab-${name}`).addEventListener('click', () => choose(name));
for (const name of ['query', 'variables']) $(name).addEventListener('keydown', indent);

const theme = localStorage.getItem('souk.theme');
if (theme) document.documentElement.dataset.theme = theme;
begin().catch((error) => show(error.message, true)); // a session that has ended
