use grader::runtime::sha256;

use super::*;
use crate::db::exercises::{Exercises, newest};
use crate::db::runtimes::component;
use crate::ids::SuiteHash;
use crate::testing;

/// What a component would be; nothing here looks inside.
const FIRST: &[u8] = b"the first component";
const SECOND: &[u8] = b"the second component";

/// Puts an exercise of the simulated lane into the catalogue, with this machine's runtime; its version.
async fn add_all(db: &PgPool, catalogue: &Path, component: &[u8]) -> SuiteHash {
    let file = catalogue.join(format!("{}.wasm", sha256(component)));
    std::fs::write(&file, component).unwrap();
    fill(db, catalogue, &LocalRuntime::new(Some(file))).await.unwrap();
    newest(db, testing::ASSIGNMENT).await.unwrap().unwrap().suite_hash
}

/// The exercise of the other tests, moved to the simulated lane, as a folder.
fn lay_out(catalogue: &Path) {
    let exercise: Exercise = testing::exercise();
    for path in exercise.paths() {
        let content = String::from_utf8(exercise.file(path).unwrap().to_vec()).unwrap();
        let to = catalogue.join(testing::ASSIGNMENT).join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, content.replace("lane = \"native\"", "lane = \"simulated\"")).unwrap();
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_old_version_keeps_the_runtime_of_its_time(db: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path());
    let first = add_all(&db, folder.path(), FIRST).await;
    let second = add_all(&db, folder.path(), SECOND).await;
    assert_ne!(first, second);
    let exercises = Exercises::default();
    for (version, content) in [(first, FIRST), (second, SECOND)] {
        let exercise = exercises.get(&db, &version).await.unwrap();
        let named = exercise.runtime().unwrap();
        assert_eq!(named, sha256(content));
        assert_eq!(component(&db, named).await.unwrap(), content);
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn without_a_runtime_only_the_simulated_lane_is_left_out(db: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path());
    let nowhere = LocalRuntime::new(Some(folder.path().join("none.wasm")));
    fill(&db, folder.path(), &nowhere).await.unwrap();
    assert!(newest(&db, testing::ASSIGNMENT).await.unwrap().is_none());
    let manifest = folder.path().join(testing::ASSIGNMENT).join("exercise.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"simulated\"", "\"native\"")).unwrap();
    fill(&db, folder.path(), &nowhere).await.unwrap();
    let entry = newest(&db, testing::ASSIGNMENT).await.unwrap().unwrap();
    assert_eq!(entry.suite_hash.as_str(), testing::exercise().suite_hash());
}
