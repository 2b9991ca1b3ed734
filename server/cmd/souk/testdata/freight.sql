-- A freight forwarder, as its database has grown over the years: shipments and
-- their legs (ops), invoices (finance), what partners send (raw), and an old
-- CRM whose names were typed in another age ("Legacy CRM").

create schema ops;
create schema finance;
create schema raw;
create schema "Legacy CRM";

comment on schema ops is 'Shipments from booking to delivery.';
comment on schema finance is 'What we bill and what we are paid.';
comment on schema raw is 'Files of our partners as they arrive.';

create type ops.mode as enum ('road', 'rail', 'sea', 'air');
create type ops.state as enum ('booked', 'moving', 'held', 'delivered', 'lost');
create domain finance.money as numeric(14, 2);
create domain ops.unlocode as char(5) check (value ~ '^[A-Z]{5}$');

-- Reference data -------------------------------------------------------------

create table ops.country (
  code char(2) primary key,
  name text not null unique,
  in_customs_union boolean not null default false
);
comment on table ops.country is 'ISO 3166 countries that we serve.';
comment on column ops.country.in_customs_union is 'No customs papers are needed between two such countries.';

create table ops.port (
  code     ops.unlocode primary key,
  country  char(2) not null references ops.country (code),
  name     text not null,
  mode     ops.mode not null,
  position point
);
comment on table ops.port is 'Ports, terminals and airports, by UN/LOCODE.';

create table ops.carrier (
  id      integer generated always as identity primary key,
  scac    char(4) unique,
  name    text not null,
  country char(2) references ops.country (code),
  active  boolean not null default true
);
comment on table ops.carrier is 'Who moves the goods for us.';
comment on column ops.carrier.scac is 'Standard carrier alpha code; empty for small hauliers.';

create table ops.customer (
  id          bigint generated always as identity primary key,
  name        text not null,
  email       text not null,
  vat_number  text,
  country     char(2) not null references ops.country (code),
  credit_line finance.money not null default 0,
  created_at  timestamptz not null default now()
);
comment on table ops.customer is 'Companies that ship with us.';
comment on column ops.customer.email is 'Of the dispatcher; personal data.';

-- Shipments ------------------------------------------------------------------

create table ops.shipment (
  id           bigint generated always as identity primary key,
  customer_id  bigint not null references ops.customer (id),
  reference    text not null,
  from_port    ops.unlocode not null references ops.port (code),
  to_port      ops.unlocode not null references ops.port (code),
  state        ops.state not null default 'booked',
  weight_kg    numeric(10, 1) not null check (weight_kg > 0),
  value        finance.money,
  dangerous    boolean not null default false,
  booked_at    timestamptz not null default now(),
  delivered_at timestamptz,
  unique (customer_id, reference)
);
comment on table ops.shipment is 'One row for each consignment, however many legs it travels.';
comment on column ops.shipment.reference is 'The customer''s own number.';
comment on column ops.shipment.value is 'Declared value in euro, for insurance.';

create table ops.leg (
  shipment_id bigint not null references ops.shipment (id) on delete cascade,
  position    smallint not null,
  carrier_id  integer not null references ops.carrier (id),
  mode        ops.mode not null,
  from_port   ops.unlocode not null references ops.port (code),
  to_port     ops.unlocode not null references ops.port (code),
  departs_at  timestamptz not null,
  arrives_at  timestamptz,
  cost        finance.money not null,
  primary key (shipment_id, position)
);
comment on table ops.leg is 'A part of the way with one carrier.';

create table ops.container (
  number      char(11) primary key,
  size_feet   smallint not null check (size_feet in (20, 40, 45)),
  refrigerated boolean not null default false,
  owner_id    integer references ops.carrier (id)
);

create table ops.container_use (
  shipment_id bigint not null references ops.shipment (id),
  container   char(11) not null references ops.container (number),
  sealed_at   timestamptz,
  seal        text,
  primary key (shipment_id, container)
);

create table ops.document (
  id          bigint generated always as identity primary key,
  shipment_id bigint not null references ops.shipment (id),
  kind        text not null,
  language    char(2) not null default 'en',
  labels      text[] not null default '{}',
  content     bytea
);
comment on table ops.document is 'Bills of lading, customs papers and photographs.';

-- Position reports are many, so they are kept by quarter.
create table ops.tracking (
  shipment_id bigint not null,
  seen_at     timestamptz not null,
  position    point not null,
  speed_kmh   real,
  source      text not null,
  primary key (shipment_id, seen_at)
) partition by range (seen_at);
comment on table ops.tracking is 'Where each shipment was seen, and by whom.';
create table ops.tracking_2026_q1 partition of ops.tracking for values from ('2026-01-01') to ('2026-04-01');
create table ops.tracking_2026_q2 partition of ops.tracking for values from ('2026-04-01') to ('2026-07-01');
create table ops.tracking_2026_q3 partition of ops.tracking for values from ('2026-07-01') to ('2026-10-01');
create table ops.tracking_2026_q4 partition of ops.tracking for values from ('2026-10-01') to ('2027-01-01');
create table ops.tracking_other partition of ops.tracking default;

create index on ops.shipment (customer_id, booked_at);
create index on ops.leg (carrier_id, departs_at);

-- Finance --------------------------------------------------------------------

create table finance.currency (
  code char(3) primary key,
  name text not null,
  digits smallint not null default 2
);

create table finance.rate (
  currency char(3) not null references finance.currency (code),
  day      date not null,
  to_euro  numeric(18, 8) not null,
  primary key (currency, day)
);
comment on table finance.rate is 'Closing rates of the central bank.';

create table finance.invoice (
  number      text primary key,
  customer_id bigint not null references ops.customer (id),
  currency    char(3) not null references finance.currency (code),
  issued_on   date not null,
  due_on      date not null,
  note        text
);
comment on table finance.invoice is 'Bills to customers. A bill is never changed; it is cancelled by another.';

create table finance.invoice_line (
  invoice     text not null references finance.invoice (number),
  line        smallint not null,
  shipment_id bigint references ops.shipment (id),
  description text not null,
  net         finance.money not null,
  vat_rate    numeric(4, 3) not null,
  gross       finance.money generated always as (net * (1 + vat_rate)) stored,
  primary key (invoice, line)
);

create table finance.payment (
  id         bigint generated always as identity primary key,
  invoice    text not null references finance.invoice (number),
  paid_on    date not null,
  amount     finance.money not null,
  iban_last4 char(4)
);
comment on column finance.payment.iban_last4 is 'The rest of the number is kept by the bank only.';

create table finance.budget (
  year    smallint not null,
  quarter smallint not null check (quarter between 1 and 4),
  mode    ops.mode not null,
  amount  finance.money not null,
  primary key (year, quarter, mode)
);

-- Raw ------------------------------------------------------------------------

create table raw.carrier_feed (
  received_at timestamptz not null default now(),
  file_name   text not null,
  line        integer not null,
  payload     jsonb not null,
  primary key (file_name, line)
);
comment on table raw.carrier_feed is 'Status messages of carriers, one row a message.';

create table raw.fuel_price (
  day     date not null,
  country char(2) not null,
  diesel  numeric(6, 3),
  primary key (day, country)
);

create table raw.weather (
  port     char(5) not null,
  at       timestamptz not null,
  wind_ms  real,
  wave_m   real,
  forecast boolean not null default false
);

create table raw.survey (
  id          integer primary key,
  customer_id bigint,
  score       smallint,
  words       text,
  answered_at timestamptz
);
comment on table raw.survey is 'Answers to the question we send after a delivery.';

-- The old CRM, whose names need quotes ----------------------------------------

create table "Legacy CRM"."Account" (
  "AccountID"   integer primary key,
  "AccountName" text not null,
  "Region"      text,
  "ParentID"    integer references "Legacy CRM"."Account" ("AccountID")
);
comment on table "Legacy CRM"."Account" is 'Customers until 2019, and their parents.';

create table "Legacy CRM"."Contact Person" (
  "ContactID" integer primary key,
  "AccountID" integer not null references "Legacy CRM"."Account" ("AccountID"),
  "First Name" text,
  "Last Name"  text,
  "E-Mail"     text
);

create table "Legacy CRM"."contact person" (
  id integer primary key,
  imported_from integer references "Legacy CRM"."Contact Person" ("ContactID")
);
comment on table "Legacy CRM"."contact person" is 'Not the same table as "Contact Person": a failed import that somebody still reads.';

create table "Legacy CRM"."Aktivität" (
  "Nr"   integer primary key,
  "Text" text,
  "Wer"  integer references "Legacy CRM"."Contact Person" ("ContactID")
);

-- Views, and views over views --------------------------------------------------

create view ops.open_shipment as
  select * from ops.shipment where state in ('booked', 'moving', 'held');
comment on view ops.open_shipment is 'Shipments that are still under way.';

create view ops.shipment_cost as
  select s.id as shipment_id, s.customer_id, sum(l.cost) as cost, count(*) as legs
  from ops.shipment s join ops.leg l on l.shipment_id = s.id
  group by s.id;

create view finance.invoice_total as
  select i.number, i.customer_id, i.issued_on, sum(l.gross) * coalesce(r.to_euro, 1) as gross_euro
  from finance.invoice i
  join finance.invoice_line l on l.invoice = i.number
  left join finance.rate r on r.currency = i.currency and r.day = i.issued_on
  group by i.number, r.to_euro;

create view finance.open_item as
  select t.number, t.customer_id, t.gross_euro - coalesce(sum(p.amount), 0) as open_euro
  from finance.invoice_total t left join finance.payment p on p.invoice = t.number
  group by t.number, t.customer_id, t.gross_euro
  having t.gross_euro > coalesce(sum(p.amount), 0);
comment on view finance.open_item is 'Bills that are not paid in full.';

create view finance.customer_exposure as
  select c.id as customer_id, c.name, c.credit_line, sum(o.open_euro) as open_euro
  from ops.customer c left join finance.open_item o on o.customer_id = c.id
  group by c.id;

create view finance.over_limit as
  select * from finance.customer_exposure where open_euro > credit_line;
comment on view finance.over_limit is 'Customers who may not book until they pay.';

create view finance.margin as
  select c.shipment_id, sum(l.net) - max(c.cost) as margin
  from ops.shipment_cost c join finance.invoice_line l on l.shipment_id = c.shipment_id
  group by c.shipment_id;

create view ops.last_seen as
  select distinct on (shipment_id) shipment_id, seen_at, position from ops.tracking
  order by shipment_id, seen_at desc;

create view ops.dispatcher_board as
  select o.id, o.reference, o.state, s.seen_at, s.position, x.open_euro is not null as blocked
  from ops.open_shipment o
  left join ops.last_seen s on s.shipment_id = o.id
  left join finance.over_limit x on x.customer_id = o.customer_id;
comment on view ops.dispatcher_board is 'What hangs on the wall of the dispatchers.';

create materialized view finance.monthly_revenue as
  select date_trunc('month', issued_on)::date as month, sum(gross_euro) as revenue
  from finance.invoice_total group by 1;
comment on materialized view finance.monthly_revenue is 'Refreshed at night.';

create materialized view ops.carrier_score as
  select k.id as carrier_id, k.name, avg(l.arrives_at - l.departs_at) as mean_time, count(*) as legs
  from ops.carrier k join ops.leg l on l.carrier_id = k.id group by k.id;

create view "Legacy CRM"."Active Accounts" as
  select a."AccountID", a."AccountName", count(p."ContactID") as "People"
  from "Legacy CRM"."Account" a left join "Legacy CRM"."Contact Person" p using ("AccountID")
  group by a."AccountID";

-- A few rows, so that the planner has something to estimate -----------------------

insert into ops.country values ('SE', 'Sweden', true), ('DE', 'Germany', true), ('NO', 'Norway', false);
insert into ops.port values ('SEGOT', 'SE', 'Gothenburg', 'sea', null), ('DEHAM', 'DE', 'Hamburg', 'sea', null), ('NOOSL', 'NO', 'Oslo', 'rail', null);
insert into ops.carrier (scac, name, country) values ('NORD', 'Nordic Rail', 'SE'), (null, 'Hansen Haulage', 'NO');
insert into ops.customer (name, email, country) values ('Lindgren Tools', 'dispatch@lindgren.example', 'SE'), ('Elbe Paper', 'versand@elbe.example', 'DE');
insert into ops.shipment (customer_id, reference, from_port, to_port, weight_kg)
  select 1 + n % 2, 'R' || n, 'SEGOT', 'DEHAM', 100 + n from generate_series(1, 200) n;
insert into ops.leg select id, 1, 1, 'sea', 'SEGOT', 'DEHAM', booked_at, null, 50 from ops.shipment;
insert into finance.currency values ('EUR', 'Euro', 2), ('SEK', 'Swedish krona', 2);
insert into raw.survey select n, 1 + n % 2, n % 11, 'fine', now() from generate_series(1, 40) n;
analyze;
