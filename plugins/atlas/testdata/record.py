"""Fills a running Atlas with a small shop, asks what the plugin asks, and keeps the answers."""

import base64
import datetime
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

address, password = sys.argv[1:]
api = "/api/atlas/v2"
headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Basic " + base64.b64encode(("admin:" + password).encode()).decode()}


def ask(path, method="GET", body=None):
    request = urllib.request.Request(address + path, method=method, headers=headers, data=body is not None and json.dumps(body).encode() or None)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as e:
        text = e.read().decode()
        try:
            return e.code, json.loads(text)
        except ValueError:
            return e.code, text


def must(path, method="GET", body=None):
    status, answer = ask(path, method, body)
    if status >= 300:
        raise SystemExit(f"{method} {path}: {status} {answer}")
    return answer


def patiently(what, condition, seconds=420):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(3)
    raise SystemExit("it took too long: " + what)


patiently("to start", lambda: ask("/api/atlas/admin/version")[0] == 200)
version = must("/api/atlas/admin/version")
print("started", version)

must(api + "/types/typedefs", "POST", {"classificationDefs": [{"name": "PII", "superTypes": [], "attributeDefs": []}, {"name": "Finance", "superTypes": [], "attributeDefs": []}]})

made = -1
entities = []


def entity(kind, name, qualified, **attributes):
    global made
    classifications = [{"typeName": c} for c in attributes.pop("classified", [])]
    made -= 1
    entities.append({"guid": str(made), "typeName": kind, "attributes": {"name": name, "qualifiedName": qualified, **attributes}, "classifications": classifications})
    return {"guid": str(made), "typeName": kind}


instance = entity("rdbms_instance", "shop", "shop@pg", rdbms_type="postgres", hostname="db.example", port=5432)
db = entity("rdbms_db", "shop", "shop.shop@pg", instance=instance, description="The database of the shop.")
customers = entity("rdbms_table", "customers", "shop.public.customers@pg", db=db, name_path="public", type="TABLE", owner="ana", comment="Who buys.", classified=["PII"])
orders = entity("rdbms_table", "orders", "shop.public.orders@pg", db=db, name_path="public", type="TABLE", owner="ben", description="What was bought.")
report = entity("rdbms_table", "big.orders", "shop.public.big.orders@pg", db=db, name_path="public", type="VIEW")
for table, columns in {
    "customers": [("id", "bigint", True, []), ("email", "text", False, ["PII"])],
    "orders": [("id", "bigint", True, []), ("customer", "bigint", False, []), ("cents", "integer", False, ["Finance"])],
    "big.orders": [("id", "bigint", False, [])],
}.items():
    owner = {"customers": customers, "orders": orders, "big.orders": report}[table]
    for name, kind, key, classified in columns:
        entity("rdbms_column", name, f"shop.public.{table}.{name}@pg", table=owner, data_type=kind, isPrimaryKey=key, isNullable=not key, comment=f"Column {name}.", classified=classified)

hive = entity("hive_db", "stocks", "stocks@cl1", clusterName="cl1")
daily = entity("hive_table", "daily", "stocks.daily@cl1", db=hive, tableType="MANAGED_TABLE", owner="cleo")
view = entity("hive_table", "daily_view", "stocks.daily_view@cl1", db=hive, tableType="VIRTUAL_VIEW", viewExpandedText="select `dt` from `stocks`.`daily`")
dt = entity("hive_column", "dt", "stocks.daily.dt@cl1", table=daily, type="string", position=0, comment="The day.")
close = entity("hive_column", "close", "stocks.daily.close@cl1", table=daily, type="float", position=1)
view_dt = entity("hive_column", "dt", "stocks.daily_view.dt@cl1", table=view, type="string", position=0)
topic = entity("kafka_topic", "orders", "orders@cl1", topic="orders", uri="orders")
path = entity("fs_path", "raw", "s3://lake/raw/orders.csv", path="s3://lake/raw/orders.csv")
process = entity("hive_process", "create view", "stocks.daily_view@cl1:1", inputs=[daily], outputs=[view], userName="cleo", operationType="CREATEVIEW",
                 startTime=1782000000000, endTime=1782000001000, queryText="create view daily_view as select dt from daily", queryPlan="none", queryId="1")
entity("hive_column_lineage", "dt", "stocks.daily_view@cl1:1:dt", inputs=[dt], outputs=[view_dt], query=process, depenendencyType="SIMPLE", expression="dt")
entity("Process", "load orders", "load_orders", inputs=[path, topic], outputs=[orders], owner="ana", description="Loads the orders.")
entity("Process", "big orders", "big_orders", inputs=[orders, customers], outputs=[report])
gone = entity("rdbms_table", "gone", "shop.public.gone@pg", db=db, name_path="public")
guids = must(api + "/entity/bulk", "POST", {"entities": entities})["guidAssignments"]
print(len(guids), "entities")
must(api + "/entity/guid/" + guids[gone["guid"]], "DELETE")

glossary = must(api + "/glossary", "POST", {"name": "shop"})
term = must(api + "/glossary/term", "POST", {"name": "order", "anchor": {"glossaryGuid": glossary["guid"]}, "shortDescription": "A wish to buy."})
must(api + f"/glossary/terms/{term['guid']}/assignedEntities", "POST", [{"guid": guids[orders["guid"]]}])

defs = must(api + "/types/typedefs")


def under(root):
    found, again = {root}, True
    while again:
        more = {d["name"] for d in defs["entityDefs"] if set(d["superTypes"]) & found} - found
        found, again = found | more, bool(more)
    return sorted(found)


def search(kind):
    return must(api + "/search/basic", "POST", {"typeName": kind, "excludeDeletedEntities": True, "includeSubTypes": False, "limit": 100, "offset": 0})


patiently("to index", lambda: len(search("rdbms_table").get("entities", [])) == 3)
searches, answers, wanted = {}, {}, []
for kind in under("DataSet") + under("Process") + ["hive_db"]:
    searches[kind] = search(kind)
    wanted += [e["guid"] for e in searches[kind].get("entities", [])]
print("search", {k: v.get("approximateCount") for k, v in searches.items() if v.get("entities")})

entity_answers = {g: must(api + f"/entity/bulk?guid={g}&minExtInfo=false") for g in wanted}
answers["empty search"] = dict(zip(("status", "body"), ask(api + "/search/basic", "POST", {"typeName": "none", "limit": 1})))
answers["unknown guid"] = dict(zip(("status", "body"), ask(api + "/entity/bulk?guid=none")))
answers["unknown path"] = dict(zip(("status", "body"), ask(api + "/none")))
lineage = {guids[orders["guid"]]: must(api + "/lineage/" + guids[orders["guid"]])}
headers["Authorization"] = "Basic " + base64.b64encode(b"admin:wrong").decode()
answers["wrong password"] = dict(zip(("status", "body"), ask(api + "/types/typedefs")))

known = set(under("DataSet") + under("Process") + under("Asset"))
for d in defs["entityDefs"]:
    for key in ("attributeDefs", "relationshipAttributeDefs", "businessAttributeDefs"):
        d.pop(key, None)
out = {
    "origin": f"Apache Atlas {version.get('Version')} (atlas-webapp from Maven Central) with the models of its source, filled by record.py",
    "date": datetime.date.today().isoformat(),
    "version": version,
    "typedefs": {"entityDefs": [d for d in defs["entityDefs"]]},
    "search": searches,
    "entities": entity_answers,
    "lineage": lineage,
    "answers": answers,
}
pathlib.Path(__file__).with_name("atlas-2.1.json").write_text(json.dumps(out, indent=1, sort_keys=True) + "\n")
print("recorded")
