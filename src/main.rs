//! The command line: thin.

use clap::Parser;
use duebook::access::audit_log::{check, export, note, service as audit, types::Verify};
use duebook::access::users::types::Role;
use duebook::app::{Database, Failure, Service, contract, write_private};
use duebook::config::{AuditCommand, Cli, Command, EinvoiceCommand, Settings, UserCommand};
use duebook::filing::einvoice::service as einvoices;
use duebook::platform::http::contract::breaking::{breaks, is_told};
use duebook::platform::ids::CompanyId;
use duebook::platform::postgres::backup;
use duebook::platform::unit_of_work::{run_system, run_system_read};
use duebook::setup::company::found;
use duebook::{access, ledger, setup};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

/// Gives memory back after a burst; the C library's keeps an arena for every thread that was ever busy.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Begins again with the allocator told to give memory back at once, which it only hears at the start of a
/// process: half the memory for no time that could be measured.
fn give_memory_back() {
    use std::os::unix::process::CommandExt;
    const DELAY: &str = "MIMALLOC_PURGE_DELAY";
    if std::env::var_os(DELAY).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        // Returns only when it failed; then it goes on as it is.
        let _ = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(DELAY, "0").exec();
    }
}

fn main() -> ExitCode {
    give_memory_back();
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("DUEBOOK_LOG").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("duebook: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(settings) => serve(&settings, None),
        Command::Demo { mut settings, empty } => {
            // What is tried out is not slowed down.
            settings.requests_per_minute.get_or_insert(600_000);
            serve(&settings, Some(empty))
        }
        Command::Migrate(settings) => {
            Database::open(&settings)?.close()?;
            println!("The schema is up to date.");
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi { write, against, told } => openapi(write.as_deref(), against.as_deref(), &told),
        Command::User { command } => create_user(command),
        Command::Backup { settings, to } => {
            let text =
                std::fs::read_to_string(settings.data_dir.join("database.json")).map_err(|_| "no private PostgreSQL is served from this data directory")?;
            let database: Value = serde_json::from_str(&text)?;
            backup::take(&settings.data_dir, settings.pg_bin.as_deref(), database["owner_url"].as_str().unwrap_or_default(), &to)?;
            println!("Backed up into {}. Keep a copy of signing.key elsewhere: it is not part of it.", to.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore { settings, from, until } => {
            backup::restore(&settings.data_dir, settings.pg_bin.as_deref(), &from, settings.wal_archive.as_deref(), until)?;
            Database::open(&settings)?.close()?;
            print!("Restored: {}", backup::restorations(&settings.data_dir));
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify(settings) => verify(&settings),
        Command::Einvoice { command: EinvoiceCommand::Import { settings, company, file } } => import_einvoices(&settings, CompanyId::of(company), &file),
        Command::Audit { command } => match command {
            AuditCommand::Export { settings, company, out } => export_audit(&settings, CompanyId::of(company), &out),
            AuditCommand::Check { export, public_key, checkpoint } => check_export(&export, &public_key, checkpoint.as_deref()),
            AuditCommand::AcceptRestore { settings, company } => accept_restore(&settings, company.map(CompanyId::of)),
        },
    }
}

/// Prints the contract, writes it, or holds it against an earlier one.
fn openapi(write: Option<&Path>, against: Option<&Path>, told: &Path) -> Result<ExitCode, Failure> {
    let contract = contract()?;
    contract.check()?;
    match (write, against) {
        (Some(directory), _) => {
            std::fs::write(directory.join("duebook.json"), &contract.json)?;
            std::fs::write(directory.join("problems.md"), setup::meta::problem_catalogue())?;
        }
        (_, Some(earlier)) => {
            let earlier: Value = serde_json::from_str(&std::fs::read_to_string(earlier)?)?;
            let told = std::fs::read_to_string(told).unwrap_or_default();
            let breaks = breaks(&earlier, &serde_json::from_str(&contract.json)?);
            let (told, silent): (Vec<_>, Vec<_>) = breaks.iter().partition(|line| is_told(&told, line));
            for line in &silent {
                println!("{line}");
            }
            println!("{} breaks, {} of them told in CHANGES.md", breaks.len(), told.len());
            return Ok(if silent.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        _ => print!("{}", contract.json),
    }
    Ok(ExitCode::SUCCESS)
}

/// As many open files as we may have: most systems start us with 1,024, fewer than the connections we take.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Serves; with `demo` a demo company is made on the first start, empty or with samples.
fn serve(settings: &Settings, demo: Option<bool>) -> Result<ExitCode, Failure> {
    raise_file_limit();
    let database = Database::open(settings)?;
    let service = Service::new(&database, settings)?;
    let file = settings.data_dir.join("demo.json");
    let described = demo.map(|empty| prepare_demo(&service, &settings.data_dir, empty)).transpose()?;
    actix_web::rt::System::new().block_on(async {
        service
            .serve(settings, |base_url, handle| {
                if let Some(mut described) = described {
                    described["base_url"] = base_url.into();
                    write_private(&file, &described)?;
                    greet(&described, &file.display().to_string());
                } else {
                    println!("Duebook serves {base_url} (documentation: {base_url}/docs/)");
                }
                let end_of_input = settings.stop_with_stdin;
                actix_web::rt::spawn(async move {
                    stop_asked(end_of_input).await;
                    handle.stop(true).await;
                });
                Ok(())
            })
            .await
    })?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// SIGTERM, Ctrl-C, or the end of standard input where that was asked for.
async fn stop_asked(end_of_input: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    let (closed, hears) = tokio::sync::oneshot::channel::<()>();
    if end_of_input {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            drop(closed);
        });
    } else {
        std::mem::forget(closed);
    }
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = hears => {}
    }
}

/// The demo company of this data directory, made on the first start; samples are loaded once.
fn prepare_demo(service: &Service, data_dir: &Path, empty: bool) -> Result<Value, Failure> {
    let file = data_dir.join("demo.json");
    let known: Option<Value> = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str(&text).ok());
    let company = |described: &Value| described["company_id"].as_str().and_then(|id| id.parse().ok()).map(CompanyId::of);
    let described = match known {
        Some(described) if company(&described).map(|id| setup::demo::exists(&service.doors, id)).transpose()? == Some(true) => described,
        _ => {
            println!("Making the demo company …");
            setup::demo::create(&service.doors, &|described| write_private(&file, described))?
        }
    };
    let loaded = data_dir.join("demo.loaded");
    if let (false, false, Some(company)) = (empty, loaded.exists(), company(&described)) {
        let progress = |done: usize, total: usize| {
            if done.is_multiple_of(8) || done == total {
                eprint!("\rLoading sample documents {:>3} %", done * 100 / total);
            }
        };
        setup::demo::load_samples(&service.doors, company, &progress)?;
        eprintln!();
        std::fs::write(loaded, "")?;
    }
    Ok(described)
}

fn greet(demo: &Value, file: &str) {
    let base = demo["base_url"].as_str().unwrap_or_default();
    println!("\nDuebook demo");
    println!("  API            {base}");
    println!("  Documentation  {base}/docs/");
    println!("  Credentials    {file}");
    for (role, user) in demo["users"].as_object().into_iter().flatten() {
        println!("    {role:<13} {} / {}", user["email"].as_str().unwrap_or_default(), user["password"].as_str().unwrap_or_default());
    }
    println!(
        "    api client    {} / {}",
        demo["client"]["client_id"].as_str().unwrap_or_default(),
        demo["client"]["client_secret"].as_str().unwrap_or_default()
    );
    println!("\nTry it:");
    println!(
        "  TOKEN=$(curl -s {base}/v1/auth/login -H 'content-type: application/json' -d '{{\"email\":\"controller@demo.test\",\"password\":\"{}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')",
        demo["users"]["controller"]["password"].as_str().unwrap_or_default()
    );
    println!("  curl -s {base}/v1/customers -H \"authorization: Bearer $TOKEN\"");
    println!("  curl -s {base}/v1/reports/aging -H \"authorization: Bearer $TOKEN\"\n");
}

fn create_user(command: UserCommand) -> Result<ExitCode, Failure> {
    let UserCommand::Create { settings, email, name, roles, company, gstin, legal_name } = command;
    let roles: Vec<Role> = roles.iter().map(|role| Role::parse(role).ok_or_else(|| format!("{role} is not a role"))).collect::<Result<_, _>>()?;
    let database = Database::open(&settings)?;
    let service = Service::new(&database, &settings)?;
    let company_id = match (company, gstin) {
        (Some(id), _) => CompanyId::of(id),
        (None, Some(gstin)) => {
            let id = CompanyId::new();
            run_system(&service.doors, Some(id), "createCompany", |tx| found(tx, legal_name.as_deref().unwrap_or(&name), &gstin).map(drop))?;
            id
        }
        (None, None) => return Err("name the company by --company, or make one with --gstin and --legal-name".into()),
    };
    let new = access::users::types::NewUser { email, name, roles, password: None, valid_from: None, valid_to: None };
    let user = run_system(&service.doors, Some(company_id), "createUser", |tx| {
        let done = access::users::service::invite(tx, &new)?;
        let user = done.get();
        Ok((user.id, user.initial_password.clone()))
    })?;
    println!("company  {company_id}\nuser     {}", user.0);
    if let Some(password) = user.1 {
        println!("password {password}");
    }
    drop(service);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn verify(settings: &Settings) -> Result<ExitCode, Failure> {
    let database = Database::open(settings)?;
    let service = Service::new(&database, settings)?;
    let mut clean = true;
    for line in backup::restorations(&settings.data_dir).lines() {
        println!("restored on {line}");
    }
    for (company, name) in run_system_read(&service.doors, None, "listCompanies", ledger::verify::companies)? {
        println!("{name} ({company})");
        if let Err(problem) = audit::seal_company(&service.doors, &service.sealer, company) {
            println!("  the audit log cannot be sealed: {problem}");
        }
        let start = std::time::Instant::now();
        let broken = run_system_read(&service.doors, Some(company), "verifyBooks", ledger::verify::broken)?;
        for law in ledger::verify::LAWS {
            match broken.iter().find(|(name, _)| *name == law.name) {
                None => println!("  ok      {}", law.name),
                Some((_, ids)) => println!("  BROKEN  {}: {}", law.name, ids.iter().take(10).cloned().collect::<Vec<_>>().join(", ")),
            }
        }
        for (law, ids) in broken.iter().filter(|(law, _)| !ledger::verify::LAWS.iter().any(|known| known.name == *law)) {
            println!("  BROKEN  {law}: {}", ids.iter().take(10).cloned().collect::<Vec<_>>().join(", "));
        }
        let (laws, start) = (start.elapsed(), std::time::Instant::now());
        let kept = service.sealer.kept.of(company);
        let log = run_system_read(&service.doors, Some(company), "verifyAudit", |rx| audit::verify(rx, &service.sealer, &Verify::default(), kept))?;
        clean &= log.verified && broken.is_empty();
        if log.verified {
            println!(
                "  ok      audit log: {} entries, head {} ({:.1} s, laws {:.1} s)",
                log.to_seq,
                log.head,
                start.elapsed().as_secs_f64(),
                laws.as_secs_f64()
            );
        }
        for found in log.findings.iter().take(10) {
            let place = found.seq.map(|seq| format!(" at entry {seq}")).unwrap_or_default();
            println!("  BROKEN  audit log{place}: {} {}: {}", found.record, found.id.as_deref().unwrap_or_default(), found.finding);
        }
    }
    drop(service);
    database.close()?;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each answer is a transaction of its own; what one of them says does not hold up the others.
fn import_einvoices(settings: &Settings, company: CompanyId, file: &Path) -> Result<ExitCode, Failure> {
    let answers: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let answers = match answers {
        Value::Array(answers) => answers,
        one => vec![one],
    };
    let database = Database::open(settings)?;
    let service = Service::new(&database, settings)?;
    let mut clean = true;
    for (at, answer) in (1..).zip(&answers) {
        match run_system(&service.doors, Some(company), "importEinvoices", |tx| einvoices::import(tx, answer)) {
            Ok(einvoices::Imported::Done { document, number, status }) => println!("{at}  {number} ({document}) {status}"),
            Ok(einvoices::Imported::Unknown) => {
                clean = false;
                println!("{at}  no document has this IRN");
            }
            Err(problem) => {
                clean = false;
                println!("{at}  {problem}");
            }
        }
    }
    drop(service);
    database.close()?;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn export_audit(settings: &Settings, company: CompanyId, out: &Path) -> Result<ExitCode, Failure> {
    let database = Database::open(settings)?;
    let service = Service::new(&database, settings)?;
    if let Err(problem) = audit::seal_company(&service.doors, &service.sealer, company) {
        eprintln!("The audit log cannot be sealed: {problem}");
    }
    let exported = export::export(&service.doors, &service.sealer, company, out)?;
    println!("{} entries, root {}, in {}", exported.size, exported.root, out.display());
    if exported.unsealed > 0 {
        println!("{} events are not sealed; export again when no transaction is open. If they stay, they are not the service's.", exported.unsealed);
    }
    drop(service);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn check_export(directory: &Path, public_key: &str, checkpoint: Option<&Path>) -> Result<ExitCode, Failure> {
    let text = if Path::new(public_key).exists() { std::fs::read_to_string(public_key)? } else { public_key.to_owned() };
    let key = note::PublicKey::read(&text).ok_or("this is not a public key")?;
    let old = checkpoint.map(std::fs::read_to_string).transpose()?;
    let start = std::time::Instant::now();
    let report = check::check(directory, &key, old.as_deref())?;
    for damage in report.damage.iter().take(20) {
        println!("DAMAGED {damage}");
    }
    if report.damage.is_empty() {
        println!("OK {} entries, {} records, root {} ({:.1} s)", report.size, report.records, report.root, start.elapsed().as_secs_f64());
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn accept_restore(settings: &Settings, company: Option<CompanyId>) -> Result<ExitCode, Failure> {
    let database = Database::open(settings)?;
    let service = Service::new(&database, settings)?;
    for (id, name) in run_system_read(&service.doors, None, "listCompanies", ledger::verify::companies)? {
        if company.is_none_or(|company| company == id)
            && let Some((kept, stands)) = audit::accept_restore(&service.doors, &service.sealer, id)?
        {
            println!("{name} ({id}): checkpoint {kept} is given up; the log goes on from entry {stands}");
        }
    }
    drop(service);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
