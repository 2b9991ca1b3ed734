-- Operations: the small warehouse in which dbt builds its models.
CREATE TABLE raw_orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  placed_at   TEXT NOT NULL,
  total       NUMERIC NOT NULL
);
CREATE TABLE raw_shipments (
  id         INTEGER PRIMARY KEY,
  order_id   INTEGER NOT NULL REFERENCES raw_orders (id),
  carrier    TEXT NOT NULL,
  shipped_at TEXT,
  arrived_at TEXT
);
CREATE TABLE regions (country TEXT PRIMARY KEY, region TEXT NOT NULL);
CREATE VIEW stg_orders AS SELECT id AS order_id, customer_id, placed_at, total FROM raw_orders;
CREATE VIEW stg_shipments AS SELECT id AS shipment_id, order_id, carrier, shipped_at, arrived_at FROM raw_shipments;
CREATE TABLE delivery_times (
  order_id INTEGER NOT NULL,
  carrier  TEXT NOT NULL,
  days     INTEGER
);
