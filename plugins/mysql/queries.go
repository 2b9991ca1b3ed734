package mysql

// Each query is one set over a whole database: the cost grows with the
// catalogue, not with round trips, and the server looks at no other database for
// an answer, which it would for a list of them. They are sorted here and not by the
// server, which would sort texts by rules of its own. They keep to what MariaDB
// 10.3 and MySQL 5.7 and their followers share; what only some have is asked
// for where information_schema says that it is there.
const (
	versionQuery = `select version(), @@lower_case_table_names`

	// What differs between the two and their versions.
	columnsQuery = `select upper(concat(table_name, '.', column_name)) from information_schema.columns
		where table_schema = 'information_schema' and table_name in ('SCHEMATA', 'CHECK_CONSTRAINTS', 'STATISTICS')`

	databasesQuery          = `select schema_name, '' from information_schema.schemata`
	databasesCommentedQuery = `select schema_name, schema_comment from information_schema.schemata`

	tablesQuery = `select table_schema, table_name, table_type, coalesce(engine, ''), table_rows, data_length, index_length,
			date_format(create_time, '%Y-%m-%dT%H:%i:%sZ'), date_format(update_time, '%Y-%m-%dT%H:%i:%sZ'), coalesce(table_comment, ''), coalesce(create_options, '') like '%partitioned%'
		from information_schema.tables where table_schema = ?`

	fieldsQuery = `select table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, column_type, extra, column_comment,
			coalesce(generation_expression, '')
		from information_schema.columns where table_schema = ?`

	indexesQuery           = `select table_schema, table_name, index_name, non_unique, seq_in_index, coalesce(column_name, ''), sub_part, index_type, '' from information_schema.statistics where table_schema = ?`
	indexesExpressionQuery = `select table_schema, table_name, index_name, non_unique, seq_in_index, coalesce(column_name, ''), sub_part, index_type, coalesce(expression, '') from information_schema.statistics where table_schema = ?`

	keysQuery = `select table_schema, table_name, constraint_name, ordinal_position, column_name, referenced_table_schema, referenced_table_name, referenced_column_name
		from information_schema.key_column_usage where referenced_table_name is not null and table_schema = ?`

	// MariaDB names the table of a check, whose name is the table's own affair;
	// in MySQL the name is one of the database.
	checksOfTablesQuery    = `select constraint_schema, table_name, constraint_name, check_clause from information_schema.check_constraints where constraint_schema = ?`
	checksOfDatabasesQuery = `select t.table_schema, t.table_name, c.constraint_name, c.check_clause
		from information_schema.check_constraints c
		join information_schema.table_constraints t on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name and t.constraint_type = 'CHECK'
		where c.constraint_schema = ?`

	viewsQuery = `select table_schema, table_name, view_definition, definer, security_type from information_schema.views where table_schema = ?`

	partitionsQuery = `select table_schema, table_name, count(distinct partition_name), coalesce(max(partition_method), ''), coalesce(max(partition_expression), '')
		from information_schema.partitions where partition_name is not null and table_schema = ?`
	partitionsGroup = ` group by table_schema, table_name`
)
