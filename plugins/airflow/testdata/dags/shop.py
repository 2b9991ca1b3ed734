"""Small DAGs with assets, for a recording of what Airflow 2 and 3 answer."""

import time
from datetime import datetime

try:  # Airflow 3
    from airflow.sdk import DAG, Asset, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task

raw = Asset("s3://lake/raw/orders.csv")
orders = Asset("postgres://db.example:5432/shop/public/orders")
report = Asset("file:///srv/reports/orders.parquet")
free = Asset("souk-test-free-name")

with DAG(
    "load_orders",
    start_date=datetime(2026, 1, 1),
    schedule="@daily",
    catchup=False,
    tags=["sales", "pii"],
    default_args={"owner": "ana"},
    description="Loads the orders of a day.",
    doc_md="# Orders\nLoads the *orders* of a day.",
):

    @task(outlets=[raw])
    def extract():
        time.sleep(1)

    @task(inlets=[raw], outlets=[orders], owner="ben", doc_md="Writes the table.")
    def load():
        time.sleep(1)

    extract() >> load()

with DAG(
    "report.orders",
    start_date=datetime(2026, 1, 1),
    schedule=[orders],
    catchup=False,
    tags=["sales"],
    default_args={"owner": "ana,cleo"},
):

    @task(inlets=[orders], outlets=[report, free])
    def write():
        pass

    @task
    def tell(n):
        pass

    write() >> tell.expand(n=[1, 2, 3])

with DAG("fails", start_date=datetime(2026, 1, 1), schedule=None, catchup=False, default_args={"retries": 0}):

    @task
    def breaks():
        raise ValueError("it breaks on purpose")

    breaks()

with DAG("rests", start_date=datetime(2026, 1, 1), schedule=None, catchup=False, is_paused_upon_creation=True):

    @task
    def nothing():
        pass

    nothing()
