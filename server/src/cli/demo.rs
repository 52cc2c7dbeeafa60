//! `serve --demo`: a course with people and every exercise set, to try things out. Made once; later starts only set
//! what is new in the catalogue.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::db;
use crate::db::assignments::Setting;
use crate::db::exercises::CatalogueEntry;
use crate::ids::{CourseId, Login, Role, Slug};
use crate::password::{Password, PasswordHash};

const COURSE: &str = "netcon";
const TITLE: &str = "Networking & Concurrency";
/// Days from one section's due date to the next.
const SECTION_DAYS: i64 = 7;
/// Days after the due date on which late hand-ins are still taken.
const LATE_DAYS: i64 = 7;
const STAFF: [(&str, &str, Role); 2] =
    [("ida", "Ida Lindqvist", Role::Instructor), ("arne", "Arne Haugland", Role::Assistant)];
const STUDENTS: [(&str, &str); 30] = [
    ("amara", "Amara Okafor"),
    ("bence", "Bence Szabó"),
    ("chiara", "Chiara Ricci"),
    ("daniyar", "Daniyar Akhmetov"),
    ("elif", "Elif Yıldız"),
    ("farid", "Farid Haddad"),
    ("greta", "Greta Sørensen"),
    ("hiroshi", "Hiroshi Tanaka"),
    ("ines", "Inês Carvalho"),
    ("jonas", "Jonas Weber"),
    ("katya", "Katya Morozova"),
    ("leilani", "Leilani Kahale"),
    ("mateo", "Mateo García Ruiz"),
    ("nikhil", "Nikhil Raman"),
    ("oluwaseun", "Oluwaseun Adeyemi"),
    ("petra", "Petra Novotná"),
    ("quinn", "Quinn O'Sullivan"),
    ("rania", "Rania El-Masry"),
    ("sigrid", "Sigrid Nyström"),
    ("thanh", "Nguyễn Thị Thanh"),
    ("uri", "Uri Ben-David"),
    ("valeria", "Valeria Ionescu"),
    ("wanjiru", "Wanjiru Kamau"),
    ("xiaoming", "Li Xiaoming"),
    ("yusuf", "Yusuf Demir"),
    ("zofia", "Zofia Kowalska"),
    ("anders", "Anders Holm"),
    ("beatriz", "Beatriz Nascimento"),
    ("cormac", "Cormac Byrne"),
    ("dilnoza", "Dilnoza Karimova"),
];

/// Makes the course if it is not there, and sets whatever the catalogue holds.
pub async fn seed(db: &PgPool, data: &Path) -> anyhow::Result<()> {
    let slug = Slug::parse(COURSE).expect("a fine slug");
    let course = match db::courses::by_slug(db, &slug).await? {
        Some(course) => course,
        None => create(db, &slug, data).await?,
    };
    for exercise in db::exercises::catalogue(db).await? {
        set(db, course, &exercise).await?;
    }
    Ok(())
}

async fn create(db: &PgPool, slug: &Slug, data: &Path) -> anyhow::Result<CourseId> {
    let students = STUDENTS.iter().map(|(login, name)| (*login, *name, Role::Student));
    let mut people = Vec::new();
    for (login, name, role) in STAFF.into_iter().chain(students) {
        let login = Login::parse(login).expect("a fine login");
        let password = Password::generate();
        let hash = PasswordHash::of(password.clone()).await;
        let person = match db::people::by_login(db, &login).await? {
            Some(person) => {
                db::people::set_password(db, person.id, &hash).await?;
                person.id
            }
            None => db::people::create(db, &login, name, &hash, false).await?,
        };
        people.push((login, password, person, role));
    }
    let mut text = String::from("# login  password  role\n");
    for (login, password, _, role) in &people {
        writeln!(text, "{login:<10}  {}  {role:?}", password.reveal()).expect("writing to memory does not fail");
    }
    keep(data, &text)?;
    print!("{text}");
    // The course comes last: a start that was cut off before begins again.
    let course = db::courses::create(db, slug, TITLE).await?;
    for (_, _, person, role) in people {
        db::courses::enroll(db, course, person, role).await?;
    }
    Ok(course)
}

fn keep(data: &Path, text: &str) -> anyhow::Result<()> {
    let path = data.join("demo-accounts.txt");
    let wrong = || format!("write {}", path.display());
    std::fs::create_dir_all(data).with_context(wrong)?;
    // An older file may have a wider mode, which opening would keep.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(wrong),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create_new(true).write(true).mode(0o600).open(&path).with_context(wrong)?;
    file.write_all(text.as_bytes()).with_context(wrong)
}

/// Sets an exercise, or moves its assignment to the newest version; dates that are there stay.
async fn set(db: &PgPool, course: CourseId, exercise: &CatalogueEntry) -> anyhow::Result<()> {
    let slug = Slug::parse(&exercise.id).map_err(anyhow::Error::msg)?;
    let standing = db::assignments::by_slug(db, course, &slug).await?;
    let due = OffsetDateTime::now_utc() + Duration::days(SECTION_DAYS * i64::from(exercise.section));
    let setting = Setting {
        suite_hash: exercise.suite_hash.clone(),
        points: standing.as_ref().map_or(exercise.points_max, |set| set.points),
        opens_at: standing.as_ref().and_then(|set| set.opens_at),
        due_at: standing.as_ref().map_or(Some(due), |set| set.due_at),
        closes_at: standing.as_ref().map_or(Some(due + Duration::days(LATE_DAYS)), |set| set.closes_at),
        attempts_max: standing.and_then(|set| set.attempts_max),
    };
    db::assignments::set(db, course, &slug, &setting).await?;
    Ok(())
}
