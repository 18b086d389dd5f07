package embedded_test

import (
	"net/url"
)

func attackReadOnly(a *attacker) {
	drop := "DROP TABLE victim.t"
	for _, sql := range []string{
		drop, "EXPLAIN SELECT 1; " + drop, "SHOW TABLES; " + drop, "SET max_threads = 1; " + drop, "SELECT 1; " + drop,
		"\u00a0" + drop, "\ufeff" + drop, "// x\n" + drop, "/* /* */ */ " + drop,
		"\f" + drop, "-- x\n" + drop, "# x\n" + drop, "/**/" + drop, "EXCHANGE TABLES victim.t AND victim.t",
		"REPLACE TABLE victim.t (n UInt8) ENGINE = Memory", "CREATE OR REPLACE TABLE victim.t (n UInt8) ENGINE = Memory",
		"WITH 1 AS x INSERT INTO victim.t SELECT x", "INSERT INTO victim.t SELECT 1", "INSERT INTO victim.t VALUES (1)",
		"INSERT INTO victim.t SELECT 1 SETTINGS readonly = 0",
		"ALTER TABLE victim.t DELETE WHERE 1 SETTINGS readonly = 0", "DELETE FROM victim.t WHERE 1",
		"TRUNCATE TABLE victim.t", "RENAME TABLE victim.t TO victim.u", "OPTIMIZE TABLE victim.t FINAL",
		"DETACH TABLE victim.t",
		"CREATE VIEW victim.v AS SELECT 1", "CREATE DATABASE other", "SYSTEM STOP MERGES", "KILL QUERY WHERE 1; " + drop,
		"UNDROP TABLE victim.t",
	} {
		for _, params := range []string{"", "&readonly=0", "&readonly=1", "&readonly=2"} {
			for _, method := range []string{"GET", "HEAD"} {
				a.refused(method+params+" "+sql, a.send(method, a.p.ClickHouseURL()+"/?query="+url.QueryEscape(sql)+params, ""))
			}
		}
	}
	a.refused("GET with a body", a.send("GET", a.p.ClickHouseURL(), drop))
	a.get("SET readonly = 0")
	for range 16 {
		a.refused("after SET", a.get(drop))
	}
	if got := a.send("GET", a.p.ClickHouseURL()+"/?max_threads=1&query="+
		url.QueryEscape("SELECT getSetting('max_threads'), getSetting('readonly')"), ""); got.body != "1\t2\n" {
		a.Errorf("GET reads with settings: %v", got)
	}
}

func attackStatements(a *attacker) {
	for _, sql := range []string{"SELECT 1; DROP TABLE victim.t", "SHOW DATABASES; SET readonly = 1",
		"SELECT 1;\n;SELECT 2", "INSERT INTO victim.t SELECT 1; DROP TABLE victim.t",
		"EXPLAIN AST SELECT 1; DROP TABLE victim.t", "/* ; */ SELECT 1 ; -- x\n DROP TABLE victim.t", "SELECT ';' ; SELECT 2",
		"/* /* */ */ INSERT INTO victim.t VALUES (1); DROP TABLE victim.t",
		"// x\nINSERT INTO victim.t VALUES (1); DROP TABLE victim.t", "SELECT 1 FORMAT TSV; DROP TABLE victim.t",
		"CREATE TABLE victim.z (n Int8) ENGINE = Memory; DROP TABLE victim.t"} {
		a.refused(sql, a.sql(sql))
	}
	if got := a.sql("SELECT ';' -- ;\n;\n"); got.body != ";\n" {
		a.Errorf("a semicolon at the end: %v", got)
	}
}

func attackServer(a *attacker) {
	for _, sql := range []string{"SYSTEM KILL", "SYSTEM SHUTDOWN", "/**/ SYSTEM SHUTDOWN", "SYSTEM SUSPEND FOR 100 SECOND",
		"SYSTEM STOP LISTEN HTTP", "SYSTEM RELOAD CONFIG", "SYSTEM CRASH",
		"DETACH DATABASE system", "DROP DATABASE system", "RENAME DATABASE system TO other", "DROP TABLE system.one",
		"DETACH TABLE system.tables", "TRUNCATE DATABASE system",
		"CREATE TABLE system.x (n UInt8) ENGINE = Memory", "CREATE USER eve", "GRANT ALL ON *.* TO default", "SET ROLE ALL",
		"CREATE FUNCTION f AS x -> x", "ALTER USER default IDENTIFIED BY 'x'",
		"EXECUTE AS root SELECT 1", "CREATE ROLE r", "DROP USER default", "SYSTEM UNFREEZE WITH NAME 'x'",
		"RESTORE ALL FROM File('x')"} {
		got := a.sql(sql)
		if sql == "SET ROLE ALL" { // it changes nothing
			continue
		}
		a.refused(sql, got)
	}
	a.check("the platform is gone", a.sql("SELECT count() > 0 FROM system.tables").body == "1\n")
}

func attackSessions(a *attacker) {
	for _, sql := range []string{"SET readonly = 1", "/* x */ SET max_result_rows = 1", "-- c\nSET max_result_rows = 1",
		"\nSET\nmax_result_rows\n=\n1", "/* /* */ */ SET max_result_rows = 1", "-- c\nUSE victim", "use victim;",
		"CREATE TEMPORARY TABLE tt (n UInt8)", "create /**/ temporary table tt (n UInt8) engine=Memory",
		"CREATE OR REPLACE TEMPORARY TABLE tt (n UInt8)", "CREATE TEMPORARY VIEW tt AS SELECT 1", "SET param_x = '1'",
		"BEGIN TRANSACTION", "SET ROLE NONE", "SET DEFAULT ROLE NONE TO default"} {
		for range 16 {
			a.sql(sql)
		}
		for range 40 {
			got := a.sql("SELECT currentDatabase(), getSetting('readonly'), getSetting('max_result_rows'), (SELECT count() " +
				"FROM system.tables WHERE is_temporary) FORMAT TSV")
			a.check(sql+" stays: "+got.body, got.body == "default\t0\t0\t0\n")
		}
		a.refused("SELECT of a parameter", a.sql("SELECT {x:String}"))
		a.refused("SELECT of a temporary table", a.sql("SELECT * FROM tt"))
	}
	for range 60 {
		a.send("POST", a.p.ClickHouseURL()+"/?readonly=1&max_result_rows=1", "SELECT throwIf(1)")
	}
	for range 40 {
		a.check("settings of a URL stay",
			a.sql("SELECT number FROM numbers(2) WHERE NOT getSetting('readonly')").body == "0\n1\n")
	}
}
