"""Fills a running metadata service of Amundsen with a small shop, asks what the plugin asks, and keeps the answers."""

import datetime
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import importlib.metadata

from amundsen_rds.models import badge, cluster, column, dashboard, database, schema, table, tag, updated_timestamp, user
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

address, file = sys.argv[1:]


def ask(path, method="GET", body=None, headers=None):
    request = urllib.request.Request(address + path, method=method, headers=headers or {}, data=body)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read().decode()
    try:
        return {"status": status, "body": json.loads(text) if text else None}
    except ValueError:
        return {"status": status, "text": text[:300]}


end = time.time() + 60
while True:
    try:
        if ask("/healthcheck")["status"] == 200:
            break
    except OSError:
        pass
    if time.time() > end:
        raise SystemExit("it does not start")
    time.sleep(0.5)

session = Session(create_engine(os.environ["SQLALCHEMY_DATABASE_URI"]))
stamp = {"published_tag": "record", "publisher_last_updated_epoch_ms": 1782000000000}


def add(kind, **values):
    session.add(kind(**values, **stamp))
    session.flush()


def key(db, cl, sc, name):
    return f"{db}://{cl}.{sc}/{name}"


shop = [
    ("postgres", "shop", "public", "orders", False, [("id", "bigint", "The number of the order."), ("customer", "bigint", None), ("cents", "integer", None), ("email", "text", "Where the bill goes.")]),
    ("postgres", "shop", "public", "customers", False, [("id", "bigint", None), ("email", "text", None)]),
    ("hive", "gold", "sales", "orders_by_day", True, [("day", "date", None), ("orders", "bigint", None), ("items", "array<struct<id:bigint,tags:array<string>>>"[:32], None)]),
    ("bigquery", "acme-prod", "marts", "revenue", False, [("day", "DATE", None), ("cents", "INT64", None)]),
    ("hive", "gold", "sales", 'odd. "name" ünï/🐪', False, [("a b", "string", None)]),
    ("hive", "gold", "sales", "no_columns", False, []),
    ("hive", "gold", "sales", "question?&#percent%2F", False, [("x", "string", None)]),
]
seen = set()


def once(kind, rk, **values):
    if (kind, rk) not in seen:
        seen.add((kind, rk))
        add(kind, rk=rk, **values)


for db, cl, sc, name, view, columns in shop:
    once(database.Database, f"database://{db}", name=db)
    once(cluster.Cluster, f"{db}://{cl}", name=cl, database_rk=f"database://{db}")
    once(schema.Schema, f"{db}://{cl}.{sc}", name=sc, cluster_rk=f"{db}://{cl}")
    k = key(db, cl, sc, name)
    add(table.Table, rk=k, name=name, is_view=view, schema_rk=f"{db}://{cl}.{sc}")
    for i, (c, kind, words) in enumerate(columns):
        add(column.TableColumn, rk=f"{k}/{c}", name=c, type=kind, sort_order=i, table_rk=k)
        if words:
            add(column.ColumnDescription, rk=f"{k}/{c}/_description", description_source="description", description=words, column_rk=f"{k}/{c}")

orders, customers, daily, revenue = (key(*shop[i][:4]) for i in range(4))
for mail, name in [("ana@acme.example", "Ana Alba"), ("ben@acme.example", "Ben Brook")]:
    add(user.User, rk=mail, email=mail, full_name=name, first_name=name.split()[0], last_name=name.split()[1], is_active=True)
add(badge.Badge, rk="pii", category="column")
add(badge.Badge, rk="gold", category="table_status")
add(column.ColumnBadge, column_rk=f"{orders}/email", badge_rk="pii")
add(table.TableBadge, table_rk=orders, badge_rk="gold")
add(table.TableUsage, table_rk=orders, user_rk="ana@acme.example", read_count=40)
add(table.TableUsage, table_rk=orders, user_rk="ben@acme.example", read_count=2)
add(table.TableTimestamp, rk=orders + "/timestamp", last_updated_timestamp=1782000000, timestamp=1782000000, name="last_updated_timestamp", table_rk=orders)
add(table.TableSource, rk=orders + "/_source", source="https://git.acme.example/shop/orders.sql", source_type="github", table_rk=orders)
add(table.TableProgrammaticDescription, rk=orders + "/_quality_report_description", description_source="quality_report", description="All checks passed.", table_rk=orders)
add(column.ColumnStat, rk=f"{orders}/email/max/", stat_type="max", stat_val="secret@acme.example", start_epoch="1", end_epoch="2", column_rk=f"{orders}/email")
for a, b in [(orders, daily), (daily, revenue), (customers, daily)]:
    add(table.TableLineage, table_source_rk=a, table_target_rk=b)
for a, b in [(f"{orders}/id", f"{daily}/orders"), (f"{daily}/day", f"{revenue}/day")]:
    add(column.ColumnLineage, column_source_rk=a, column_target_rk=b)

group = "mode_dashboard://gold.sales"
add(dashboard.DashboardCluster, rk="mode_dashboard://gold", name="gold")
add(dashboard.DashboardGroup, rk=group, name="Sales", dashboard_group_url="https://mode.example/sales", cluster_rk="mode_dashboard://gold")
board = group + "/weekly"
add(dashboard.Dashboard, rk=board, name="Weekly", created_timestamp=1781000000, dashboard_url="https://mode.example/sales/weekly", dashboard_group_rk=group)
add(dashboard.DashboardDescription, rk=board + "/_description", description="How the week went.", dashboard_rk=board)
add(dashboard.DashboardTable, dashboard_rk=board, table_rk=daily)
add(dashboard.DashboardOwner, dashboard_rk=board, user_rk="ben@acme.example")
add(dashboard.DashboardUsage, dashboard_rk=board, user_rk="ana@acme.example", read_count=7)
session.commit()


def quote(text):
    return urllib.parse.quote(text, safe="")


def must(path, method, body=b"{}"):
    answer = ask(path, method, body, {"Content-Type": "application/json"})
    if answer["status"] >= 300:
        raise SystemExit(f"{method} {path}: {answer}")


must(f"/table/{quote(orders)}/description", "PUT", json.dumps({"description": "What was *bought*."}).encode())
must(f"/table/{quote(orders)}/tag/sales", "PUT")
must(f"/user/ana@acme.example/own/table/{quote(orders)}", "PUT")
must(f"/user/ben@acme.example/own/table/{quote(daily)}", "PUT")
must(f"/user/ben@acme.example/follow/table/{quote(revenue)}", "PUT")
must(f"/user/ben@acme.example/follow/dashboard/{quote(board)}", "PUT")

kind = {"Content-Type": "application/json"}
keys = [key(*t[:4]) for t in shop]
answers = {}


def keep(path, body=None):
    answers[path] = ask(path, "GET", body, kind if body is not None else None)


keep("/user")
for mail in ("ana@acme.example", "ben@acme.example"):
    for what in ("own", "follow", "read"):
        keep(f"/user/{quote(mail)}/{what}/")
keep("/user/none/own/")
keep("/popular_resources/?limit=100&types=table,dashboard")
keep("/popular_resources/?limit=1000&types=table,dashboard")
keep("/tags/")
for k in keys:
    keep(f"/table/{quote(k)}")
    for way in ("upstream", "both"):
        keep(f"/table/{quote(k)}/lineage?depth=1&direction={way}", b"{}")
    for c in [t[5] for t in shop if key(*t[:4]) == k][0]:
        keep(f"/table/{quote(k)}/column/{quote(c[0])}/lineage?depth=1&direction=upstream", b"{}")
    keep(f"/table/{quote(k)}/dashboard/")
keep(f"/table/{quote('hive://gold.sales/none')}")
keep(f"/table/{quote('hive://gold.sales/none')}/lineage?depth=1&direction=upstream", b"{}")
keep(f"/dashboard/{quote(board)}")
keep("/dashboard/none")
keep("/none")
probe = {
    "lineage without a type": ask(f"/table/{quote(daily)}/lineage?depth=1&direction=upstream"),
    "lineage with a type and no body": ask(f"/table/{quote(daily)}/lineage?depth=1&direction=upstream", "GET", None, kind),
    "table as it stands": ask(f"/table/{daily}"),
}
out = {
    "origin": "the metadata service of Amundsen " + importlib.metadata.version("amundsen-metadata") + " (PyPI) on MariaDB, filled by record.py",
    "date": datetime.date.today().isoformat(),
    "keys": keys,
    "dashboards": [board],
    "answers": answers,
    "probe": probe,
}
pathlib.Path(file).write_text(json.dumps(out, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
print(len(answers), "answers")
