use super::*;

const FIRST: &[u8] = b"the first component";
const SECOND: &[u8] = b"the second component";

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_runtime_with_other_content_is_refused(db: PgPool) {
    add(&db, FIRST.to_vec()).await.unwrap();
    let name = runtime::sha256(FIRST);
    assert!(has(&db, &name).await.unwrap());
    // Again: nothing to do.
    add(&db, FIRST.to_vec()).await.unwrap();
    sqlx::query("update runtimes set component = $1").bind(pack(SECOND)).execute(&db).await.unwrap();
    let error = component(&db, &name).await.unwrap_err().to_string();
    assert_eq!(error, format!("runtime {name} has other content"));
    assert!(!has(&db, &runtime::sha256(SECOND)).await.unwrap());
}
