//! `practicum admin user`.

use anyhow::{anyhow, bail};
use clap::Subcommand;
use sqlx::PgPool;

use super::person;
use crate::db;
use crate::ids::Login;
use crate::password::{Password, PasswordHash};

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a person; prints the generated password
    #[command(after_help = "Example:\n  practicum admin user add amara --name \"Amara Okafor\"")]
    Add {
        /// What the person signs in as, such as `amara`
        login: Login,
        /// The name that others see
        #[arg(long)]
        name: String,
        /// An instructor in every course
        #[arg(long)]
        admin: bool,
        /// Read the password from stdin, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// List everybody: login, name, admin
    List,
    /// Set a new password and end the person's sessions; prints the generated one
    #[command(after_help = "Example:\n  practicum admin user password amara")]
    Password {
        login: Login,
        /// Read the password from stdin, one line
        #[arg(long)]
        password_stdin: bool,
    },
}

impl User {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        match self {
            User::Add { login, name, admin, password_stdin } => add(db, &login, &name, admin, password_stdin).await,
            User::List => list(db).await,
            User::Password { login, password_stdin } => set_password(db, &login, password_stdin).await,
        }
    }
}

async fn add(db: &PgPool, login: &Login, name: &str, admin: bool, from_stdin: bool) -> anyhow::Result<()> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        bail!("add {login}: the name {name:?} is not one that others can read");
    }
    let password = choose(from_stdin)?;
    let hash = PasswordHash::of(password.clone()).await;
    match db::people::create(db, login, name.trim(), &hash, admin).await {
        Ok(_) => show(&password, from_stdin),
        Err(error) if db::violated(&error) == Some("people_login_taken") => {
            bail!("add {login}: somebody signs in as that already")
        }
        Err(error) => Err(error.into()),
    }
}

fn choose(from_stdin: bool) -> anyhow::Result<Password> {
    if !from_stdin {
        return Ok(Password::generate());
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Password::chosen(line.trim_end_matches(['\r', '\n'])).map_err(|reason| anyhow!(reason))
}

fn show(password: &Password, from_stdin: bool) -> anyhow::Result<()> {
    if !from_stdin {
        println!("{}", password.reveal());
    }
    Ok(())
}

async fn list(db: &PgPool) -> anyhow::Result<()> {
    for person in db::people::all(db).await? {
        println!("{}\t{}\t{}", person.login, person.name, if person.admin { "admin" } else { "" });
    }
    Ok(())
}

async fn set_password(db: &PgPool, login: &Login, from_stdin: bool) -> anyhow::Result<()> {
    let person = person(db, login).await?;
    let password = choose(from_stdin)?;
    db::people::set_password(db, person.id, &PasswordHash::of(password.clone()).await).await?;
    db::sessions::end_all(db, person.id).await?;
    show(&password, from_stdin)
}
