// Reference is the schema as a manual: it asks the server once and then lists
// every type with its fields, arguments and descriptions.
const introspection = `query Reference { __schema { types { name kind description
  fields(includeDeprecated: true) { name description isDeprecated deprecationReason type { ...T } args { name description type { ...T } } }
  inputFields { name description type { ...T } }
  enumValues { name description } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

const first = ['Query', 'Mutation', 'Subscription'];
const words = { OBJECT: 'type', INPUT_OBJECT: 'input', ENUM: 'enum', INTERFACE: 'interface', UNION: 'union', SCALAR: 'scalar' };

export class Reference {
  #types;

  constructor(place, search, ask) {
    this.place = place;
    this.search = search;
    this.ask = ask;
    search.addEventListener('input', () => this.#show());
  }

  async load() {
    if (this.#types) return;
    this.place.textContent = 'Reading the schema …';
    try {
      const { __schema: schema } = await this.ask(introspection);
      this.#types = schema.types.filter((type) => !type.name.startsWith('__')).sort(byImportance);
      this.#show();
    } catch (error) {
      this.place.textContent = error.message;
    }
  }

  #show() {
    const wanted = this.search.value.trim().toLowerCase();
    this.place.replaceChildren(...(this.#types ?? []).filter((type) => mentions(type, wanted)).map((type) => entry(type, wanted)));
    if (!this.place.hasChildNodes()) this.place.textContent = 'Nothing of that name.';
  }
}

function byImportance(a, b) {
  const rank = (type) => (first.indexOf(type.name) + 1 || first.length + 1);
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}

const members = (type) => type.fields ?? type.inputFields ?? type.enumValues ?? [];

const mentions = (type, wanted) => !wanted || type.name.toLowerCase().includes(wanted)
  || members(type).some((member) => member.name.toLowerCase().includes(wanted));

function entry(type, wanted) {
  const details = element('details', {}, element('summary', {}, `${type.name} `, element('small', {}, words[type.kind] ?? '')));
  if (type.description) details.append(element('p', {}, type.description));
  const named = type.name.toLowerCase().includes(wanted);
  const list = element('dl', {});
  for (const member of members(type)) {
    if (wanted && !named && !member.name.toLowerCase().includes(wanted)) continue;
    list.append(element('dt', {}, ...signature(member)), element('dd', {}, note(member)));
  }
  details.append(list);
  details.open = Boolean(wanted) && (!named || type.name.toLowerCase() === wanted);
  return details;
}

function signature(member) {
  const parts = [member.name];
  if (member.args?.length) {
    parts.push('(');
    member.args.forEach((argument, i) => {
      parts.push(`${i ? ', ' : ''}${argument.name}: `, element('span', { className: 'type' }, spell(argument.type)));
    });
    parts.push(')');
  }
  if (member.type) parts.push(': ', element('span', { className: 'type' }, spell(member.type)));
  return parts;
}

function note(member) {
  const old = member.isDeprecated ? `Deprecated: ${member.deprecationReason} ` : '';
  return old + (member.description ?? '');
}

function spell(type) {
  if (type.kind === 'NON_NULL') return `${spell(type.ofType)}!`;
  if (type.kind === 'LIST') return `[${spell(type.ofType)}]`;
  return type.name;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
