package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// rights are what the user was granted. information_schema shows nothing of
// what a user has no right on, without a word: without them a lost right would
// look like a table that is gone.
type rights struct {
	grants []grant
}

// grant is one line of SHOW GRANTS on all databases, or on those that a pattern names.
type grant struct {
	pattern string // "" for all
	rights  []string
	revoked bool // a line that takes away from what stands above it
}

// readRights asks for the grants of the user and of the roles that are in effect.
func readRights(ctx context.Context, conn *sql.Conn, v version) (rights, error) {
	query := "show grants"
	if !v.mariadb {
		// MySQL tells what roles grant only when it is asked for them by name.
		var roles sql.NullString
		if err := conn.QueryRowContext(ctx, "select current_role()").Scan(&roles); err == nil && roles.Valid && roles.String != "NONE" {
			query = "show grants for current_user() using " + roles.String
		}
	}
	lines, err := rows(ctx, conn, query, func(r *sql.Rows, line *string) error { return r.Scan(line) })
	if err != nil {
		return rights{}, err
	}
	return parseRights(lines), nil
}

func parseRights(lines []string) rights {
	var r rights
	for _, line := range lines {
		if g, ok := parseGrant(line); ok {
			r.grants = append(r.grants, g)
		}
	}
	return r
}

// parseGrant reads GRANT a, b ON `pattern`.* TO ..., and its REVOKE. A role
// that is granted, and a right on one table alone, is no answer.
func parseGrant(line string) (grant, bool) {
	var g grant
	text, isGrant := strings.CutPrefix(line, "GRANT ")
	if !isGrant {
		if text, g.revoked = strings.CutPrefix(line, "REVOKE "); !g.revoked {
			return grant{}, false
		}
	}
	names, object, found := strings.Cut(text, " ON ")
	if !found {
		return grant{}, false
	}
	g.rights = strings.Split(names, ", ")
	if strings.HasPrefix(object, "*.*") {
		return g, true
	}
	quoted, isName := strings.CutPrefix(object, "`")
	if !isName {
		return grant{}, false
	}
	pattern, rest, ok := cutQuoted(quoted, "`")
	if !ok || !strings.HasPrefix(rest, ".*") {
		return grant{}, false
	}
	g.pattern = pattern
	return g, true
}

// cutQuoted gives what stands before the closing mark, and what follows.
func cutQuoted(text, mark string) (name, rest string, ok bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, mark)
		if !found {
			return "", "", false
		}
		b.WriteString(before)
		next, doubled := strings.CutPrefix(after, mark)
		if !doubled {
			return b.String(), after, true
		}
		b.WriteString(mark)
		text = next
	}
}

// everywhere tells whether all databases are listed.
func (r rights) everywhere() bool {
	return !slices.ContainsFunc(r.grants, func(g grant) bool { return g.revoked }) &&
		slices.ContainsFunc(r.grants, func(g grant) bool { return g.pattern == "" && g.has("SHOW DATABASES") })
}

// columns tells whether all columns of a database are listed.
func (r rights) columns(v version, database string) bool {
	return r.any(v, database, "REFERENCES", "SELECT", "INSERT", "UPDATE")
}

func (r rights) any(v version, database string, rights ...string) bool {
	has := false
	for _, g := range r.grants {
		if (g.pattern == "" || like(v.folded(g.pattern), v.folded(database))) && slices.ContainsFunc(rights, g.has) {
			if g.revoked {
				return false
			}
			has = true
		}
	}
	return has
}

func (g grant) has(right string) bool {
	return slices.Contains(g.rights, right) || slices.Contains(g.rights, "ALL PRIVILEGES")
}

// like matches a pattern of GRANT: % for any text, _ for any letter, and a
// backslash before what stands for itself.
func like(pattern, name string) bool {
	p, n := []rune(pattern), []rune(name)
	for len(p) > 0 {
		switch {
		case p[0] == '%':
			for i := range len(n) + 1 {
				if like(string(p[1:]), string(n[i:])) {
					return true
				}
			}
			return false
		case len(n) == 0:
			return false
		case p[0] == '\\' && len(p) > 1:
			p = p[1:]
			if p[0] != n[0] {
				return false
			}
		case p[0] != '_' && p[0] != n[0]:
			return false
		}
		p, n = p[1:], n[1:]
	}
	return len(n) == 0
}
