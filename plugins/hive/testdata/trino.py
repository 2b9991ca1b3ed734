"""Makes tables and views through a running Trino: a Hive catalog and an Iceberg one over the recorder's Metastore."""

import json
import sys
import time
import urllib.error
import urllib.request

address = sys.argv[1]


def ask(url, data=None):
    request = urllib.request.Request(url, data=data, headers={"X-Trino-User": "ana"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def run(sql):
    answer = ask(address + "/v1/statement", sql.encode())
    while "nextUri" in answer:
        answer = ask(answer["nextUri"])
    if "error" in answer:
        raise SystemExit(sql + ": " + answer["error"]["message"])


end = time.time() + 240
while True:
    try:
        run("select 1")
        break
    except (OSError, SystemExit):
        if time.time() > end:
            raise
        time.sleep(1)

for sql in (
    "create schema lake.web with (location = 'local:///lake/web')",
    "create table lake.web.visits (url varchar comment 'Where.', seconds integer, day date) comment 'Who looked.' with (partitioned_by = array['day'], format = 'PARQUET')",
    "insert into lake.web.visits values ('/a', 3, date '2026-01-01'), ('/b', 4, date '2026-01-02')",
    "create view lake.web.long_visits comment 'Those who stay.' as select v.url, c.email from lake.web.visits v cross join lake.sales.customers c where v.seconds > 60",
    "create table ice.web.daily (day date, visits bigint) comment 'Of each day.' with (location = 'local:///lake/daily')",
    "create materialized view ice.web.by_day as select day, sum(visits) visits from ice.web.daily group by day",
):
    run(sql)
