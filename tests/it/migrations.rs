//! Migrations on databases of their own: every step up and down, by owners who are no superusers, and from before the
//! functions that guard the books had a role.

use crate::rig::*;
use diesel::{Connection, PgConnection};
use diesel_migrations::MigrationHarness;
use duebook::platform::postgres::{MIGRATIONS, migrate, unmigrate};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// A new database on the server of this run.
struct Fresh {
    name: String,
    /// By which a superuser connects.
    url: String,
    owner: Option<String>,
}

/// What hosted servers give the owner of a database; the roles of a server where duebook ran before are granted.
const PLAIN: &str = "ALTER ROLE {me} CREATEROLE; GRANT duebook_app, duebook_ledger TO {me} WITH ADMIN OPTION";

impl Fresh {
    /// Of a superuser.
    fn new() -> Self {
        let name = format!("fresh_{}", fresh());
        Db::owner().run(&format!("CREATE DATABASE {name}")).expect("a database");
        Self { url: database_url("owner_url").replacen("/duebook?", &format!("/{name}?"), 1), name, owner: None }
    }
    /// Of a role of its own, which got `grants`; `{me}` stands for it.
    fn owned(grants: &str) -> Self {
        let database = Self::new();
        let owner = format!("{}_owner", database.name);
        let mut superuser = Db::owner();
        superuser.run(&format!("CREATE ROLE {owner} LOGIN PASSWORD 'secret'; {}", grants.replace("{me}", &owner))).expect("a role");
        superuser.run(&format!("ALTER DATABASE {} OWNER TO {owner}", database.name)).expect("an owner");
        Self { owner: Some(owner), ..database }
    }
    fn owner_url(&self) -> String {
        let Some(owner) = &self.owner else { return self.url.clone() };
        let (scheme, at) = (self.url.find("://").expect("a url") + 3, self.url.find('@').expect("credentials"));
        format!("{}{owner}:secret{}", &self.url[..scheme], &self.url[at..])
    }
    fn gone(self) {
        let mut superuser = Db::owner();
        superuser.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).expect("dropped");
        if let Some(owner) = self.owner {
            superuser.run(&format!("DROP OWNED BY {owner}")).expect("nothing is left of it");
            superuser.run(&format!("DROP ROLE {owner}")).expect("gone");
        }
    }
}

#[test]
fn migrations_go_up_down_and_up_again() {
    for database in [Fresh::new(), Fresh::owned(PLAIN)] {
        let url = database.owner_url();
        let steps = migrate(&url).expect("up");
        assert!(steps.len() >= 4, "{steps:?}");
        assert!(migrate(&url).expect("up once more").is_empty(), "nothing is left to do");
        assert_eq!(unmigrate(&url).expect("down"), steps.len());
        assert_eq!(migrate(&url).expect("up again"), steps);
        assert_eq!(unmigrate(&url).expect("down again"), steps.len());
        database.gone();
    }
}

#[test]
fn an_owner_who_cannot_give_the_roles_is_told_what_is_missing() {
    let database = Fresh::owned("GRANT duebook_app TO {me} WITH ADMIN OPTION");
    let (url, owner) = (database.owner_url(), database.owner.clone().expect("an owner"));
    let refused = migrate(&url).expect_err("one of two roles is not enough");
    assert!(refused.contains("CREATEROLE") && refused.contains("GRANT duebook_app, duebook_ledger TO the owner WITH ADMIN OPTION"), "{refused}");
    // Without CREATEROLE, what the refusal says is enough.
    Db::owner().run(&format!("GRANT duebook_app, duebook_ledger TO {owner} WITH ADMIN OPTION")).expect("granted");
    assert!(!migrate(&url).expect("up").is_empty());
    database.gone();
}

/// What the functions, policies and rights of a database are.
fn shape(url: &str) -> Vec<Value> {
    Db::at(url).rows(
        "SELECT p.oid::regprocedure::text AS name, p.prosecdef, p.proowner::regrole::text AS owner, (SELECT string_agg(c, ',' ORDER BY c) FROM unnest(p.proconfig) AS c) AS settings,
                (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(p.proacl) AS a) AS rights, md5(p.prosrc) AS text
         FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
         UNION ALL SELECT tablename || '.' || policyname, NULL, NULL, roles::text, cmd, md5(concat(qual, with_check)) FROM pg_policies WHERE schemaname = 'public'
         UNION ALL SELECT c.relname, NULL, NULL, NULL, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(c.relacl) AS a),
                          (SELECT string_agg(concat(a.attname, a.attacl), ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped)
         FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'S')
         ORDER BY 1, 4, 5",
    )
}

/// Until step 32 these functions cleared the portfolio themselves, which only superusers can say of a function.
#[test]
fn a_database_from_before_the_ledgers_role_comes_to_the_same_state() {
    let database = Fresh::new();
    migrate(&database.url).expect("up");
    let new = shape(&database.url);
    let mut connection = PgConnection::establish(&database.url).expect("a connection");
    let steps: Vec<String> = connection.applied_migrations().expect("steps").iter().map(ToString::to_string).collect();
    for _ in steps.iter().filter(|step| step.as_str() >= "00000000000032") {
        connection.revert_last_migration(MIGRATIONS).expect("down");
    }
    let mut db = Db::at(&database.url);
    // The text of the procedure of step 11 as it was.
    let text = "replace(pg_get_functiondef('govern(jsonb)'::regprocedure), ' SET timezone', ' SET app.portfolio = '''' SET timezone')";
    db.run(&format!("DO $$ BEGIN EXECUTE {text}; END $$")).expect("as it was");
    let old = db.rows("SELECT p.oid::regprocedure::text AS name FROM pg_proc p, unnest(p.proconfig) AS s WHERE s LIKE 'app.portfolio=%'");
    assert!(old.contains(&json!({"name": "entry_balances()"})) && old.contains(&json!({"name": "state_of(uuid,text,uuid)"})), "{old:?}");
    assert!(db.rows("SELECT 1 AS one FROM pg_proc WHERE proowner = 'duebook_ledger'::regrole").is_empty());
    // What is kept beside old records is found, too.
    let old = r#"INSERT INTO customer (company_id, id, code, legal_name, kind, currency, created_by, metadata)
        VALUES (gen_random_uuid(), gen_random_uuid(), 'C', 'Old', 'b2b', 'INR', 'system', '{"region": "west", "tier": "1"}')"#;
    db.run(&format!("BEGIN; SET LOCAL session_replication_role = replica; {old}; COMMIT")).expect("an old customer");
    assert!(!migrate(&database.url).expect("up").is_empty());
    assert_eq!(shape(&database.url), new);
    let kept = db.rows("SELECT m.entry FROM metadata_entry m JOIN customer c ON c.company_id = m.company_id AND c.id = m.object_id ORDER BY 1");
    assert_eq!(kept, [json!({"entry": "region=west"}), json!({"entry": "tier=1"})]);
    // A later step that governs a table leaves the function that is written anew as it was.
    db.run(r#"CALL govern('[{"table": "recovery"}]')"#).expect("governed");
    assert_eq!(shape(&database.url), new);
    drop((db, connection));
    database.gone();
}

#[test]
fn functions_that_see_the_whole_company_belong_to_a_role_that_row_level_security_binds() {
    let mut db = Db::owner();
    let powers = db.rows("SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'duebook_ledger'");
    assert_eq!(powers, [json!({"rolsuper": false, "rolbypassrls": false, "rolcanlogin": false, "rolcreaterole": false, "rolcreatedb": false})]);
    let setting = db.rows("SELECT p.oid::regprocedure::text AS name FROM pg_proc p, unnest(p.proconfig) AS s WHERE s LIKE 'app.%'");
    assert!(setting.is_empty(), "only superusers can make such functions: {setting:?}");
    let ours = "p.pronamespace = 'public'::regnamespace AND p.prosecdef";
    assert!(db.rows(&format!("SELECT 1 AS one FROM pg_proc p WHERE {ours}")).len() >= 24);
    let loose = db.rows(&format!(
        "SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner
         WHERE {ours} AND (o.rolname <> 'duebook_ledger' OR NOT 'search_path=public, pg_temp' = ANY (p.proconfig)
           OR p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0))"
    ));
    assert!(loose.is_empty(), "CALL run_as_ledger(…) in their step: {loose:?}");
    let blind = db.rows(
        r"SELECT p.oid::regprocedure::text AS name, t.tablename FROM pg_proc p
          JOIN pg_policies t ON t.policyname = 'portfolio' AND p.prosrc ~* concat('\m(from|join|update|into)\s+', t.tablename, '\M')
          WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'trigger'::regtype AND NOT p.prosecdef",
    );
    assert!(blind.is_empty(), "a portfolio hides rows from these guards; CALL run_as_ledger(…): {blind:?}");
    let wide = db.rows("SELECT tablename, roles::text FROM pg_policies WHERE policyname = 'portfolio' AND roles <> '{duebook_app}'");
    assert!(wide.is_empty(), "{wide:?}");
    let owned = db.rows("SELECT relname FROM pg_class WHERE relowner = 'duebook_ledger'::regrole");
    assert!(owned.is_empty(), "{owned:?}");
    let shared = "pg_has_role('duebook_app', 'duebook_ledger', 'MEMBER') OR pg_has_role('duebook_ledger', 'duebook_app', 'MEMBER') OR has_schema_privilege('duebook_ledger', 'public', 'CREATE')";
    assert_eq!(db.rows(&format!("SELECT {shared} AS shared")), [json!({"shared": false})], "neither has anything of the other, and the ledger makes nothing");
}

/// The same tests over a database of an owner who may make roles and nothing more.
#[test]
fn the_books_are_kept_and_guarded_in_a_database_of_a_plain_owner() {
    // In the run that this test starts.
    if std::env::var(GIVEN_DATABASE).is_ok() {
        return;
    }
    let database = Fresh::owned(PLAIN);
    let run = Command::new(std::env::current_exe().expect("this program"))
        .args(["walk::", "hostile::settings_of_the_session", "access::", "--test-threads", "2"])
        .env(GIVEN_DATABASE, format!("{} {}", database.owner_url(), database.url))
        // Two services share one server.
        .env("DUEBOOK_CONNECTIONS", "6")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // Where its service kept its keys.
    let keys = std::env::temp_dir().join(format!("duebook-it-{}", run.id()));
    let run = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && !said.contains(" 0 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let verified = Command::new(env!("CARGO_BIN_EXE_duebook"))
        .args(["verify", "--data-dir"])
        .arg(keys)
        .env("DATABASE_URL", database.owner_url())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("ok      every entry balances") && !said.contains("BROKEN"), "{said}");
    database.gone();
}
