"""Lets databuilder write the files of a small shop, as its jobs write them for Neo4j, and keeps them in one."""

import datetime
import importlib.metadata
import json
import pathlib
import sys
import tempfile

from databuilder.loader.file_system_neo4j_csv_loader import FsNeo4jCSVLoader
from databuilder.models.application import Application
from databuilder.models.badge import Badge, BadgeMetadata
from databuilder.models.dashboard.dashboard_metadata import DashboardMetadata
from databuilder.models.dashboard.dashboard_owner import DashboardOwner
from databuilder.models.dashboard.dashboard_table import DashboardTable
from databuilder.models.schema.schema import SchemaModel
from databuilder.models.table_column_usage import ColumnReader, TableColumnUsage
from databuilder.models.table_last_updated import TableLastUpdated
from databuilder.models.table_lineage import ColumnLineage, TableLineage
from databuilder.models.table_metadata import ColumnMetadata, TableMetadata
from databuilder.models.table_owner import TableOwner
from databuilder.models.table_source import TableSource
from databuilder.models.table_stats import TableColumnStats
from databuilder.models.user import User
from pyhocon import ConfigFactory

folder = pathlib.Path(tempfile.mkdtemp())

orders, daily = "postgres://shop.public/orders", "hive://gold.sales/orders_by_day"
board = dict(dashboard_group_id="sales", dashboard_id="weekly", product="mode")
shop = [
    TableMetadata("postgres", "shop", "public", "orders", "What was *bought*,\nand by \"whom\".", [
        ColumnMetadata("id", "The number of the order.", "bigint", 0, ["pk"]),
        ColumnMetadata("cents", None, "integer", 1),
        ColumnMetadata("email", "Where the bill goes.", "text", 2, ["PII"]),
    ], tags="sales,gold"),
    TableMetadata("postgres", "shop", "public", "orders", "All checks passed.", description_source="quality_report"),
    TableMetadata("hive", "gold", "sales", "orders_by_day", None, [ColumnMetadata("day", None, "date", 0), ColumnMetadata("orders", None, "bigint", 1)], is_view=True),
    TableMetadata("hive", "my.own", "sales.eu", "odd. ünï/🐪", None, [ColumnMetadata("a/b", None, "string", 0)]),
    TableMetadata("bigquery", "acme-prod", "marts", "revenue", None),
    SchemaModel("hive://gold.sales", "sales", "What the shop sells."),
    TableOwner("postgres", "public", "orders", "ana@acme.example,ben@acme.example", "shop"),
    User("ana@acme.example", full_name="Ana Alba"),
    TableLastUpdated("orders", 1782000000, "public", "postgres", "shop"),
    TableSource("postgres", "public", "orders", "shop", "https://git.acme.example/shop/orders.sql"),
    BadgeMetadata("Table", orders, [Badge("certified", "table_status")]),
    TableColumnUsage([ColumnReader("postgres", "shop", "public", "orders", "id", mail, n) for mail, n in [("ana@acme.example", 40), ("ben@acme.example", 2)]]),
    TableColumnStats("orders", "email", "max", '"secret@acme.example"', "1", "2", "postgres", "shop", "public"),
    Application("load", "shop", "https://airflow.acme.example/dags/{dag_id}", "hive", "gold", "sales", "orders_by_day"),
    TableLineage(orders, [daily, "bigquery://acme-prod.marts/revenue"]),
    TableLineage(daily, ["bigquery://acme-prod.marts/revenue"]),
    ColumnLineage(orders + "/id", [daily + "/orders"]),
    DashboardMetadata("Sales", "Weekly", "How the week went.", ["kpi"], dashboard_url="https://mode.example/sales/weekly", **board),
    DashboardOwner(email="ben@acme.example", **board),
    DashboardTable(table_ids=[daily], **board),
]
loader = FsNeo4jCSVLoader()
loader.init(ConfigFactory.from_dict({"node_dir_path": str(folder / "nodes"), "relationship_dir_path": str(folder / "relationships")}))
for record in shop:
    loader.load(record)
loader.close()
files = {str(f.relative_to(folder)): f.read_bytes().decode() for f in sorted(folder.rglob("*.csv"))}
out = {
    "origin": "the loader FsNeo4jCSVLoader of amundsen-databuilder " + importlib.metadata.version("amundsen-databuilder") + " (PyPI), with the records of files.py",
    "date": datetime.date.today().isoformat(),
    "files": files,
}
pathlib.Path(sys.argv[1]).write_text(json.dumps(out, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
print(len(files), "files")
