-- Sales: the web shop of the demo company.
CREATE TABLE customers (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  email      TEXT NOT NULL UNIQUE,
  country    TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE TABLE products (
  sku   TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  price NUMERIC NOT NULL CHECK (price >= 0)
);
CREATE TABLE orders (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  placed_at   TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'open'
);
CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  line     INTEGER NOT NULL,
  sku      TEXT NOT NULL REFERENCES products (sku),
  quantity INTEGER NOT NULL,
  PRIMARY KEY (order_id, line)
);
CREATE VIEW order_totals AS
  SELECT o.id AS order_id, o.customer_id, o.placed_at, sum(l.quantity * p.price) AS total
  FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.sku = l.sku
  GROUP BY o.id;
CREATE VIEW customer_value AS
  SELECT c.id AS customer_id, c.country, sum(t.total) AS revenue, max(t.placed_at) AS last_order
  FROM customers c LEFT JOIN order_totals t ON t.customer_id = c.id
  GROUP BY c.id;
INSERT INTO customers VALUES (1, 'Mara Lind', 'mara@example.com', 'SE', '2026-01-04'), (2, 'Ben Oda', 'ben@example.com', 'JP', '2026-02-11');
INSERT INTO products VALUES ('TEA-01', 'Mountain tea', 9.5), ('CUP-02', 'Blue cup', 14);
INSERT INTO orders VALUES (1, 1, '2026-03-01', 'shipped'), (2, 2, '2026-03-02', 'open');
INSERT INTO order_lines VALUES (1, 1, 'TEA-01', 3), (1, 2, 'CUP-02', 1), (2, 1, 'TEA-01', 1);
