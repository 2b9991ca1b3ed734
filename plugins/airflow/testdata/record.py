"""Asks a running Airflow what the plugin asks, and more, and keeps the answers."""

import base64
import datetime
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

major, address, home = sys.argv[1:]
api = {"2": "/api/v1", "3": "/api/v2"}[major]
headers = {"Content-Type": "application/json"}
answers = {}


def ask(path, method="GET", body=None):
    request = urllib.request.Request(address + path, method=method, headers=headers, data=body and json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        text = e.read().decode()
        try:
            return e.code, json.loads(text)
        except ValueError:
            return e.code, text


def keep(path):
    status, body = ask(path)
    answers[path] = {"status": status, "body": body}
    return body


def patiently(what, condition, seconds=300):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(2)
    raise SystemExit("it took too long: " + what)


def sign_in():
    if major == "2":
        file = pathlib.Path(home, "standalone_admin_password.txt")
        if not file.exists():
            return False
        headers["Authorization"] = "Basic " + base64.b64encode(("admin:" + file.read_text().strip()).encode()).decode()
        return ask(api + "/version")[0] == 200
    file = pathlib.Path(home, "simple_auth_manager_passwords.json.generated")
    if not file.exists():
        return False
    (user, password), = json.loads(file.read_text()).items()
    status, body = ask("/auth/token", "POST", {"username": user, "password": password})
    if status != 201:
        return False
    answers["POST /auth/token"] = {"status": status, "body": {**body, "access_token": "RECORDED"}}
    headers["Authorization"] = "Bearer " + body["access_token"]
    return True


patiently("to start", sign_in)
ids = ["fails", "load_orders", "report.orders", "rests"]
patiently("to read the DAGs", lambda: ids == sorted(d["dag_id"] for d in ask(api + "/dags?limit=100")[1].get("dags", [])))

patiently("to find the broken file", lambda: ask(api + "/importErrors")[1].get("import_errors"))


def trigger(dag):
    print(dag, ask(f"{api}/dags/{dag}/dagRuns", "POST", {"logical_date": None} if major == "3" else {"conf": {}})[0])


def ended():
    states = {d: [r["state"] for r in ask(f"{api}/dags/{d}/dagRuns?limit=100")[1].get("dag_runs", [])] for d in ids}
    print(states, flush=True)
    over = all(s in ("success", "failed") for all_of in states.values() for s in all_of)
    if over and "success" not in states["load_orders"]:
        trigger("load_orders")
    return over and "success" in states["report.orders"] and states["fails"]


trigger("fails")
trigger("load_orders")
patiently("to run the DAGs", ended, 480)

assets = {"2": "datasets", "3": "assets"}[major]
order = {"2": "-execution_date", "3": "-run_after"}[major]
keep(api + "/version")
keep(api + "/dags?limit=100&offset=0")
keep(api + f"/{assets}?limit=100&offset=0")
keep(api + f"/{assets}/events?limit=100&offset=0")
keep(api + "/importErrors?limit=100&offset=0")
for dag in ids:
    keep(f"{api}/dags/{dag}/details")
    keep(f"{api}/dags/{dag}/tasks")
    runs = keep(f"{api}/dags/{dag}/dagRuns?limit=100&offset=0&order_by={order}")["dag_runs"]
    for run in runs:
        keep(f"{api}/dags/{dag}/dagRuns/{urllib.parse.quote(run['dag_run_id'], safe='')}/taskInstances?limit=100&offset=0")
keep(f"{api}/dags/none/details")
good = headers.pop("Authorization")
answers["anonymous"] = dict(zip(("status", "body"), ask(api + "/dags")))
headers["Authorization"] = "Bearer wrong" if major == "3" else "Basic " + base64.b64encode(b"admin:wrong").decode()
answers["wrong"] = dict(zip(("status", "body"), ask(api + "/dags")))
if major == "3":
    del headers["Authorization"]
    status, body = ask("/auth/token", "POST", {"username": "admin", "password": "wrong"})
    answers["POST /auth/token wrong"] = {"status": status, "body": body}

version = answers[api + "/version"]["body"]["version"]
out = {
    "origin": f"Apache Airflow {version} from PyPI, `airflow standalone`, with the DAGs of dags/",
    "date": datetime.date.today().isoformat(),
    "answers": answers,
}
text = json.dumps(out, indent=1, sort_keys=True)
text = text.replace(str(pathlib.Path(__file__).parent.resolve()), "/opt/airflow").replace(home, "/opt/airflow/home")
pathlib.Path(__file__).with_name(f"airflow-{major}.json").write_text(text + "\n")
print("recorded", version, len(answers), "answers")
