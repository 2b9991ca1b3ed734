"""Fills a running Trino with a small shop, asks what the plugin asks, and keeps the answers."""

import base64
import datetime
import json
import os
import pathlib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

address, authority, secret = sys.argv[1:]
tls = ssl.create_default_context(cafile=authority)


def ask(url, method="GET", body=None, user="souk", password=secret):
    headers = {"X-Trino-User": user}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode((user + ":" + password).encode()).decode()
    request = urllib.request.Request(url, method=method, headers=headers, data=body and body.encode())
    try:
        with urllib.request.urlopen(request, timeout=120, context=tls) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def run(sql, user="souk"):
    """Runs a statement as a client does, and gives all its answers."""
    status, answer = ask(address + "/v1/statement", "POST", sql, user)
    answers = [answer]
    while status == 200 and answer.get("nextUri"):
        status, answer = ask(answer["nextUri"], user=user)
        answers.append(answer)
    if status != 200:
        raise SystemExit(f"{sql}: {status} {answer}")
    return answers


def told(answers):
    """What a statement has told in all."""
    kept = {"columns": [], "data": []}
    for answer in answers:
        kept["columns"] = [{"name": c["name"], "type": c["type"]} for c in answer.get("columns") or []] or kept["columns"]
        kept["data"] += answer.get("data") or []
        if answer.get("error"):
            kept["error"] = {k: v for k, v in answer["error"].items() if k != "failureInfo"}
    return kept


def make(sql):
    failed = told(run(sql, "maker")).get("error")
    if failed:
        raise SystemExit(f"{sql}: {failed}")


def psql(sql):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", os.environ["SHOP"]], input=sql.encode(), check=True)


psql("""
create table orders (id bigint primary key, cents integer not null, note text default 'none');
comment on table orders is 'What was bought.';
comment on column orders.cents is 'In cents.';
create table customers (id bigint primary key, name varchar(80));
create view big as select id from orders where cents > 1000;
create table bare ();
create schema odd;
create table odd."a.b ""c"" 🐪" ("it's" integer);
create table "Mixed" (id integer);
""" + "".join(f"grant usage on schema {s} to {os.environ['ROLE']}; grant select on all tables in schema {s} to {os.environ['ROLE']};" for s in ("public", "odd")))

end = time.time() + 180
while True:
    try:
        if ask(address + "/v1/info")[1]["starting"] is False:
            break
    except (OSError, TypeError, KeyError):
        pass
    if time.time() > end:
        raise SystemExit("it took too long to start")
    time.sleep(2)
version = ask(address + "/v1/info")[1]["nodeVersion"]["version"]

for statement in [
    "create schema lake.sales",
    "create table lake.sales.orders (id bigint not null comment 'the id', day date, tags array(varchar), who row(name varchar, age integer)) comment 'Orders of all years' with (partitioning = array['day'])",
    "create table memory.default.limits (least bigint)",
    "create view lake.sales.big comment 'The big ones' as select o.id, c.name from lake.sales.orders o join shop.public.customers c on c.id = o.id where o.id > (select min(least) from memory.default.limits)",
    "create view lake.sales.over as select id, upper(name) as name from lake.sales.big",
    "create materialized view lake.sales.daily comment 'Kept' as select day, count(*) as n from lake.sales.orders group by day",
    "refresh materialized view lake.sales.daily",
    "create view lake.sales.recent as select day, n from lake.sales.daily",
    "create view memory.default.closed security invoker as select least from memory.default.limits",
    "create table memory.default.gone (x integer)",
    "create view memory.default.stale as select x from memory.default.gone",
    "drop table memory.default.gone",
]:
    make(statement)

catalogs = "SELECT catalog_name, connector_name FROM system.metadata.catalogs"
kept = "SELECT storage_catalog, storage_schema, storage_table, catalog_name, schema_name, name FROM system.metadata.materialized_views"
answers = {catalogs: told(run(catalogs)), kept: told(run(kept))}
views = []
for catalog in sorted(row[0] for row in answers[catalogs]["data"] if row[0] not in ("system", "tpch")):
    schema = f'"{catalog}".information_schema'
    for sql in [
        f"SELECT schema_name FROM {schema}.schemata",
        f"SELECT table_schema, table_name, table_type FROM {schema}.tables WHERE table_schema <> 'information_schema'",
        f"SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = '{catalog}' AND schema_name <> 'information_schema'",
        f"SELECT table_schema, table_name, view_definition FROM {schema}.views WHERE table_schema <> 'information_schema'",
        f"SELECT schema_name, name, definition, comment, CAST(last_fresh_time AS varchar) FROM system.metadata.materialized_views WHERE catalog_name = '{catalog}'",
        f"SELECT table_schem, table_name, column_name, type_name, is_nullable, column_def, remarks FROM system.jdbc.columns WHERE table_cat = '{catalog}' AND table_schem <> 'information_schema' ORDER BY table_schem, table_name, ordinal_position",
    ]:
        answers[sql] = told(run(sql))
        if "view_definition" in sql:
            views += [f'SELECT * FROM "{catalog}"."{row[0]}"."{row[1]}"' for row in answers[sql]["data"]]
        if "materialized_views" in sql:
            views += [row[2] for row in answers[sql]["data"]]
for view in views:
    sql = "EXPLAIN (TYPE IO, FORMAT JSON) " + view
    answers[sql] = told(run(sql))
for sql in ["SELECT nothing FROM system.metadata.catalogs", "SELECT", 'SELECT schema_name FROM "none".information_schema.schemata']:
    answers[sql] = told(run(sql))

psql('create table mixed (id integer);')
twins = {sql: told(run(sql)) for sql in answers if '"shop".information_schema' in sql or "= 'shop'" in sql}

status, begun = ask(address + "/v1/statement", "POST", catalogs)
form = run("SELECT table_name FROM system.jdbc.tables WHERE table_cat = 'tpch'")
out = {
    "origin": f"Trino {version} (trino-server from Maven Central) with the connectors memory, tpch, postgresql and iceberg, filled by record.py",
    "date": datetime.date.today().isoformat(),
    "statements": answers,
    "statements of a catalog with two tables whose names differ in capitals": twins,
    "form": [{"path": (a.get("nextUri") or "").replace(address, ""), "keys": sorted(a), "state": a["stats"]["state"], "rows": len(a.get("data") or [])} for a in form],
    "stats": form[-1]["stats"],
    "answers": {name: dict(zip(("status", "body"), answer)) for name, answer in {
        "wrong password": ask(address + "/v1/statement", "POST", "SELECT 1", password="wrong"),
        "no password": ask(address + "/v1/statement", "POST", "SELECT 1", password=None),
        "unknown statement": ask(address + "/v1/statement/queued/20260101_000000_00000_aaaaa/yabc/1"),
        "unknown path": ask(address + "/v1/none"),
        "abandoned": ask(begun["nextUri"], "DELETE"),
    }.items()},
}
pathlib.Path(__file__).with_name("trino-476.json").write_text(json.dumps(out, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
print("recorded", version, len(answers), "statements")
