"""Makes a small shop in a Superset: run by `superset shell` in the recorder."""

import json
import uuid

from superset import db, security_manager
from superset.connectors.sqla.models import SqlaTable, SqlMetric, TableColumn
from superset.models.core import Database
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice
from superset.tags.models import ObjectType, Tag, TaggedObject, TagType


def known(text):
    return uuid.uuid5(uuid.NAMESPACE_URL, "https://shop.acme.example/" + text)


add = db.session.add
ana = security_manager.find_user("admin")
ben = security_manager.add_user("ben", "Ben", "Brook", "ben@acme.example", security_manager.find_role("Gamma"), password="canary-of-ben")
for name in ("shop", "crm", "lake", "files"):
    uri = {
        "shop": "postgresql+psycopg2://loader:canary-of-shop@db.example:5432/shop?sslmode=require",
        "crm": "mysql+pymysql://loader:canary-of-crm@crm.example/crm",
        "lake": "trino://souk@trino.example:8080/lake",
        "files": "sqlite:////tmp/none.db",
    }[name]
    d = Database(database_name=name, uuid=known("database/" + name))
    d.set_sqlalchemy_uri(uri)
    add(d)
db.session.flush()
where = {d.database_name: d for d in db.session.query(Database)}


def dataset(name, database, schema, columns, sql=None, metrics=(), **more):
    t = SqlaTable(table_name=name, database=where[database], schema=schema, sql=sql, uuid=known(f"dataset/{database}/{schema}/{name}"), **more)
    t.columns = [TableColumn(column_name=c, type=kind, uuid=known(f"column/{database}/{schema}/{name}/{c}"), **rest) for c, kind, rest in columns]
    t.metrics = [SqlMetric(metric_name=m, expression=e, uuid=known(f"metric/{database}/{schema}/{name}/{m}"), **rest) for m, e, rest in metrics]
    add(t)
    return t


orders = dataset(
    "orders", "shop", "public",
    [("id", "BIGINT", {}), ("customer", "BIGINT", {}), ("cents", "INTEGER", {"verbose_name": "Price", "description": "In cents."}), ("at", "TIMESTAMP", {"is_dttm": True}), ("euros", "NUMERIC", {"expression": "cents / 100.0"})],
    metrics=[("count", "COUNT(*)", {}), ("revenue", "SUM(cents) / 100", {"verbose_name": "Revenue", "description": "What was earned.", "extra": json.dumps({"certification": {"certified_by": "Finance", "details": "Audited."}})})],
    description="What was bought.", main_dttm_col="at", owners=[ana, ben], extra=json.dumps({"certification": {"certified_by": "Data team", "details": "Checked daily."}, "warning_markdown": "Refunds are late."}),
)
customers = dataset("customers", "crm", "crm", [("id", "BIGINT", {}), ("email", "VARCHAR(200)", {})], owners=[ben])
nowhere = dataset("stock", "files", None, [("sku", "TEXT", {})])
dataset("stock_low", "files", None, [("sku", "TEXT", {})], sql="select sku from stock where left_over < 10")
big = dataset("big orders", "shop", "public", [("id", "BIGINT", {}), ("day", "DATE", {})], sql="with x as (select * from orders) select x.id, {{ now() }} as day from x join public.items i on i.\"order\" = x.id where note <> 'from nowhere'")
dataset("clicks", "lake", "web", [("url", "varchar", {})])
odd = dataset('a.b "c" / 🐪?', "shop", "public", [('a "b"', "text", {})])
wide = Slice(slice_name="Revenue by day", datasource_type="table", datasource_id=None, viz_type="echarts_timeseries_bar", params=json.dumps({"metrics": ["revenue"]}), uuid=known("chart/revenue"), description="Each day.", certified_by="Finance", certification_details="Audited.")
db.session.flush()
wide.datasource_id, wide.datasource_name = orders.id, orders.table_name
wide.owners = [ana]
mixed = Slice(
    slice_name="Orders and revenue", datasource_type="table", datasource_id=orders.id, datasource_name=orders.table_name, viz_type="mixed_timeseries", uuid=known("chart/mixed"),
    params=json.dumps({
        "metrics": ["count", {"expressionType": "SQL", "sqlExpression": "max(cents)", "label": "revenue"}], "metrics_b": ["revenue", "gone"],
        "timeseries_limit_metric": "count", "groupby": ["customer"], "adhoc_filters": [],
    }),
)
table = Slice(slice_name="Big orders", datasource_type="table", datasource_id=big.id, datasource_name=big.table_name, viz_type="table", params="{}", uuid=known("chart/big"), owners=[ben])
lone = Slice(slice_name='Odd "one" / 🐪', datasource_type="table", datasource_id=odd.id, datasource_name=odd.table_name, viz_type="pie", params="{}", uuid=known("chart/odd"))
for s in (wide, mixed, table, lone):
    add(s)
add(Dashboard(dashboard_title="Sales", slug="sales", published=True, slices=[wide, table], owners=[ana], uuid=known("dashboard/sales"), description="How the shop does.", certified_by="Data team", certification_details="For the board."))
add(Dashboard(dashboard_title="Draft", published=False, slices=[lone], owners=[ana], uuid=known("dashboard/draft")))
db.session.flush()
gold = Tag(name="gold", type=TagType.custom)
add(gold)
db.session.flush()
add(TaggedObject(tag_id=gold.id, object_id=wide.id, object_type=ObjectType.chart))
for d in db.session.query(Dashboard).filter(Dashboard.slug == "sales"):
    add(TaggedObject(tag_id=gold.id, object_id=d.id, object_type=ObjectType.dashboard))
db.session.commit()
security_manager.add_user("souk", "Souk", "Reader", "souk@acme.example", security_manager.find_role("Souk"), password="canary-of-superset")
db.session.commit()
