"""Asks a running Superset what the plugin asks, as the user of the page's role and as an administrator, and keeps the answers."""

import datetime
import importlib.metadata
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

address, file = sys.argv[1:]


def ask(path, token=None, body=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    request = urllib.request.Request(address + path, headers=headers, data=data)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read().decode()
    try:
        return {"status": status, "body": json.loads(text)}
    except ValueError:
        return {"status": status, "text": text[:300]}


end = time.time() + 120
while True:
    try:
        if ask("/health")["status"] == 200:
            break
    except OSError:
        pass
    if time.time() > end:
        raise SystemExit("it does not start")
    time.sleep(0.5)


def sign_in(user, password):
    return ask("/api/v1/security/login", body={"username": user, "password": password, "provider": "db", "refresh": True})


def forget(answer):
    """Tokens end with the recorder, and stand in no file all the same."""
    return json.loads(json.dumps(answer), object_hook=lambda o: {k: "..." if k.endswith("_token") else v for k, v in o.items()})


PEOPLE = ["owners.id", "owners.first_name", "owners.last_name", "owners.email", "editors.id", "editors.label"]
LISTS = {
    "database": ("database_name", ["id", "uuid", "database_name", "backend"]),
    "dataset": ("table_name", ["id", "uuid", "table_name", "changed_on_utc"]),
    "chart": ("slice_name", ["id", "uuid", "slice_name", "description", "viz_type", "datasource_id", "datasource_type", "url", "certified_by", "certification_details", "changed_on_utc", "params", *PEOPLE, "tags.name", "tags.type", "dashboards.id"]),
    "dashboard": ("dashboard_title", ["id", "uuid", "dashboard_title", "description", "slug", "url", "status", "certified_by", "certification_details", "changed_on_utc", *PEOPLE, "tags.name", "tags.type"]),
}
DETAILS = ["id", "uuid", "table_name", "sql", "catalog", "schema", "description", "extra", "main_dttm_col", "database.id", "database.database_name", "database.backend", *PEOPLE] + \
    ["columns." + c for c in ("column_name", "verbose_name", "type", "description", "expression", "extra")] + \
    ["metrics." + m for m in ("uuid", "metric_name", "verbose_name", "description", "expression", "warning_text", "extra")]

whole = {}
answers = {"wrong password": sign_in("souk", "wrong"), "sign in": forget(sign_in("souk", "canary-of-superset"))}
long = sign_in("souk", "canary-of-superset")["body"]
answers["refresh"] = forget(ask("/api/v1/security/refresh", token=long["refresh_token"], body={}))
answers["refresh with a short token"] = forget(ask("/api/v1/security/refresh", token=long["access_token"], body={}))
answers["no token"] = ask("/api/v1/dataset/")
answers["broken token"] = ask("/api/v1/dataset/", token="a.b.c")
answers["other signature"] = ask("/api/v1/dataset/", token=long["access_token"][:-4] + "AAAA")
answers["order that is not"] = ask("/api/v1/dataset/?q=(order_column:id,order_direction:asc)", token=long["access_token"])
answers["none"] = ask("/api/v1/dataset/999", token=long["access_token"])
for user, password in (("souk", "canary-of-superset"), ("admin", "canary-of-the-admin")):
    token = sign_in(user, password)["body"]["access_token"]
    seen = whole[user] = {}
    for kind, (order, columns) in LISTS.items():
        q = f"(columns:!({','.join(columns)}),order_column:{order},order_direction:asc,page:0,page_size:100)"
        answer = ask(f"/api/v1/{kind}/?q=" + urllib.parse.quote(q), token)
        seen[kind] = answer["body"]["result"]
        for thing in seen[kind]:
            if kind == "database":
                got = ask(f"/api/v1/database/{thing['id']}/connection", token)
                seen.setdefault("connection", {})[str(thing["id"])] = {k: v for k, v in got["body"].get("result", {}).items() if k in ("sqlalchemy_uri", "backend")} if got["status"] == 200 else got
            if kind == "dataset":
                seen.setdefault("details", {})[str(thing["id"])] = ask(f"/api/v1/dataset/{thing['id']}?q=" + urllib.parse.quote(f"(columns:!({','.join(DETAILS)}))"), token)["body"]
    second = ask("/api/v1/dataset/?q=" + urllib.parse.quote("(columns:!(id,table_name),order_column:table_name,order_direction:asc,page:1,page_size:3)"), token)["body"]
    seen["second page of three"] = second
json.dump(
    {"origin": "Apache Superset " + importlib.metadata.version("apache-superset") + ", filled by fill.py", "date": datetime.date.today().isoformat(), "answers": answers, "as": whole},
    open(file, "w"), indent=1, ensure_ascii=False, sort_keys=True,
)
