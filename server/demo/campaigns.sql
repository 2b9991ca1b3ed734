-- Marketing: campaigns and what they cost.
CREATE TABLE campaigns (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  channel TEXT NOT NULL,
  started TEXT NOT NULL,
  ended   TEXT
);
CREATE TABLE spend (
  campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
  day         TEXT NOT NULL,
  amount      NUMERIC NOT NULL,
  PRIMARY KEY (campaign_id, day)
);
CREATE TABLE clicks (
  id          INTEGER PRIMARY KEY,
  campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
  clicked_at  TEXT NOT NULL
);
CREATE VIEW cost_per_click AS
  SELECT s.campaign_id, sum(s.amount) / count(k.id) AS cost
  FROM spend s LEFT JOIN clicks k ON k.campaign_id = s.campaign_id
  GROUP BY s.campaign_id;
