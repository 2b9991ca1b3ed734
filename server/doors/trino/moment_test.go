package trino

import "testing"

// TestConditionsByType holds that a filter compares as its column's type wants,
// and that no time hangs on the zone of the reader's session.
func TestConditionsByType(t *testing.T) {
	for _, c := range []struct{ native, op, value, want string }{
		{"timestamptz", "ge", "2024-01-01T00:00:00.000Z", `"at" >= TIMESTAMP '2024-01-01 00:00:00 UTC'`},
		{"timestamp with time zone", "lt", "2024-01-01T01:30:00.250+02:00", `"at" < TIMESTAMP '2023-12-31 23:30:00.25 UTC'`},
		{"timestamp(3) with time zone", "eq", "2024-01-01T00:00:00Z", `"at" = TIMESTAMP '2024-01-01 00:00:00 UTC'`},
		{"timestamptz", "ge", "2024-01-01T00:00:00", `"at" >= TIMESTAMP '2024-01-01 00:00:00 UTC'`},
		{"timestamptz", "ge", "2024-01-01", `"at" >= TIMESTAMP '2024-01-01 00:00:00 UTC'`},
		{"timestamp", "ge", "2024-01-01T00:00:00.000Z", `"at" >= TIMESTAMP '2024-01-01 00:00:00'`},
		{"timestamp(6) without time zone", "gt", "2024-01-01 02:00:00+02:00", `"at" > TIMESTAMP '2024-01-01 00:00:00'`},
		{"datetime", "le", "2024-01-01T12:00:00", `"at" <= TIMESTAMP '2024-01-01 12:00:00'`},
		{"date", "ge", "2024-01-01", `"at" >= DATE '2024-01-01'`},
		{"date", "ge", "2024-01-01T00:00:00.000Z", `"at" >= DATE '2024-01-01'`},
		{"date", "ge", "2024-01-01T12:00:00Z", `"at" >= TIMESTAMP '2024-01-01 12:00:00'`},
		{"date", "in", "2024-01-01, 2024-02-01", `"at" IN (DATE '2024-01-01', DATE '2024-02-01')`},
		{"time", "ge", "09:30:00", `"at" >= TIME '09:30:00'`},
		{"time(6) without time zone", "ge", "09:30:00.5", `"at" >= TIME '09:30:00.5'`},
		{"time with time zone", "ge", "09:30:00", "false"},
		{"timestamptz", "ge", "2024-02-30T00:00:00Z", "false"},
		{"timestamptz", "ge", "2024-01-01T25:00:00Z", "false"},
		{"timestamptz", "ge", "2024-01-01T00:00:00Z' OR true --", "false"},
		{"timestamptz", "ge", "yesterday", "false"},
		{"date", "ge", "2024-13-01", "false"},
		{"bigint", "eq", "9007199254740993", `"at" = 9007199254740993`},
		{"numeric(38,10)", "lt", "0.1000000000000000001", `"at" < 0.1000000000000000001`},
		{"bigint", "eq", "1e400", "false"},
		{"boolean", "eq", "TRUE", `"at" = true`},
		{"uuid", "eq", "6f1a0e1c-2b7e-4c5d-8f3a-0a1b2c3d4e5f", `"at" = UUID '6f1a0e1c-2b7e-4c5d-8f3a-0a1b2c3d4e5f'`},
		{"uuid", "eq", "x", "false"},
		{"varchar(20)", "eq", "2024-01-01", `"at" = '2024-01-01'`},
		{"text", "eq", "O'Neil", `"at" = 'O''Neil'`},
	} {
		if got := condition("at", c.native, c.op, c.value); got != c.want {
			t.Errorf("%s %s %s: got %s, want %s", c.native, c.op, c.value, got, c.want)
		}
	}
}
