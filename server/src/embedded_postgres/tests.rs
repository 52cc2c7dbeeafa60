//! On real clusters in temporary directories. Run as root they also cover the second account.

use std::os::unix::fs::PermissionsExt;

use sqlx::{Connection, PgConnection};

use super::*;

const THROW_AWAY: StartOptions = StartOptions { durable: false, max_connections: 10 };

/// A data directory that Postgres' account may pass through.
fn data_dir() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap()
}

fn query(url: &str, sql: &'static str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let answer = sqlx::query_scalar::<_, String>(sql).fetch_optional(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        answer.unwrap_or_default()
    })
}

fn error_of(result: Result<Cluster>) -> String {
    format!("{:#}", result.map(|_| ()).unwrap_err())
}

#[test]
fn rows_outlive_a_restart() {
    let data = data_dir();
    let cluster = start_with(data.path(), THROW_AWAY).unwrap();
    query(cluster.url(), "create table kept as select 'the row'::text as text");
    cluster.stop().unwrap();
    let cluster = start_with(data.path(), THROW_AWAY).unwrap();
    assert_eq!(query(cluster.url(), "select text from kept"), "the row");
}

#[test]
fn a_cluster_is_durable_unless_told_otherwise_and_listens_nowhere() {
    let data = data_dir();
    let cluster = start(data.path()).unwrap();
    let settings = "select string_agg(setting, ' ' order by name) from pg_settings \
                    where name in ('fsync', 'full_page_writes', 'listen_addresses', 'synchronous_commit')";
    assert_eq!(query(cluster.url(), settings), "on on  on");
}

#[test]
fn a_second_start_joins_and_does_not_stop_the_first() {
    let data = data_dir();
    let first = start_with(data.path(), THROW_AWAY).unwrap();
    let second = start_with(data.path(), THROW_AWAY).unwrap();
    assert_eq!(first.url(), second.url());
    second.stop().unwrap();
    assert_eq!(query(first.url(), "select current_user::text"), "practicum");
}

#[test]
fn a_stale_postmaster_file_is_no_running_cluster() {
    let data = data_dir();
    start_with(data.path(), THROW_AWAY).unwrap().stop().unwrap();
    let files = data.path().join("postgres");
    let ours = format!("{}\n{}\n0\n5432\n{}\n", std::process::id(), files.display(), files.display());
    fs::write(files.join("postmaster.pid"), ours).unwrap();
    assert_eq!(find_postmaster(&files), None);
}

#[test]
fn a_cluster_whose_owner_died_is_waited_for_and_not_joined() {
    let data = data_dir();
    let mut orphan = start_with(data.path(), THROW_AWAY).unwrap();
    // What the kernel does when the owner dies.
    let Running { pidfd, ended, _owner } = orphan.running.take().unwrap();
    drop(_owner);
    process::pidfd_send_signal(&pidfd, Signal::INT).unwrap();
    let next = start_with(data.path(), THROW_AWAY).unwrap();
    assert!(next.running.is_some(), "joined a cluster that was stopping");
    assert!(ended.recv().unwrap().unwrap().success());
    assert_eq!(query(next.url(), "select current_user::text"), "practicum");
}

#[test]
fn an_initialisation_cut_short_is_begun_anew() {
    let data = data_dir();
    fs::create_dir_all(data.path().join("postgres.new/base")).unwrap();
    start_with(data.path(), THROW_AWAY).unwrap().stop().unwrap();
    assert!(!data.path().join("postgres.new").exists());
}

#[test]
fn files_of_another_major_version_are_refused() {
    let data = data_dir();
    start_with(data.path(), THROW_AWAY).unwrap().stop().unwrap();
    fs::write(data.path().join("postgres/PG_VERSION"), "9\n").unwrap();
    let error = error_of(start_with(data.path(), THROW_AWAY));
    assert!(error.contains("its files are of Postgres 9, installed: "), "{error}");
}

#[test]
fn a_long_path_gets_a_short_socket() {
    let data = data_dir();
    let deep = data.path().join("d".repeat(120));
    let cluster = start_with(&deep, THROW_AWAY).unwrap();
    assert!(cluster.url().contains("?host=/tmp/practicum-"), "{}", cluster.url());
    assert_eq!(query(cluster.url(), "select current_database()::text"), "practicum");
}

#[test]
fn nobody_but_the_account_that_starts_it_may_connect() {
    let data = data_dir();
    let cluster = start_with(data.path(), THROW_AWAY).unwrap();
    let files = data.path().join("postgres");
    let mode = fs::metadata(&files).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    assert_eq!(fs::read_to_string(files.join("pg_hba.conf")).unwrap(), "local all all peer map=practicum\n");
    drop(cluster);
    // As if another account had come through: the kernel's word decides, not the directory.
    fs::remove_file(files.join("pg_ident.conf")).unwrap();
    let account = Account::of_cluster(&files).unwrap();
    fs::write(files.join("pg_ident.conf"), "practicum somebody_else practicum\n").unwrap();
    account.take(&files.join("pg_ident.conf")).unwrap();
    let binaries = Binaries::find(None).unwrap();
    let log = data.path().join("postgres.log");
    let owner = File::create(data.path().join("postgres.owner")).unwrap();
    let running = spawn(postgres(&binaries, account, &files, &files, &log, THROW_AWAY).unwrap(), owner).unwrap();
    let error = wait_until_ready(&files, Some(&running)).unwrap_err().to_string();
    running.stop().unwrap();
    assert_eq!(error, "postgres refuses us: Peer authentication failed for user \"practicum\"");
}

#[test]
fn a_directory_that_postgres_may_not_pass_is_named() {
    let data = data_dir();
    let closed = data.path().join("closed");
    fs::create_dir_all(closed.join("data")).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let stranger = Account { uid: 54_321, gid: 54_321 };
    let error = stranger.check_reaches(&closed.join("data")).unwrap_err().to_string();
    assert!(error.contains(&format!("may not pass through {} (mode 700)", closed.display())), "{error}");
}

#[test]
fn a_start_that_fails_quotes_the_log() {
    let data = data_dir();
    start_with(data.path(), THROW_AWAY).unwrap().stop().unwrap();
    fs::write(data.path().join("postgres/postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = error_of(start_with(data.path(), THROW_AWAY));
    assert!(error.contains("unrecognized configuration parameter \"no_such_setting\""), "{error}");
}
