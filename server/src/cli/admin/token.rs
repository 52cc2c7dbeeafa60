//! `practicum admin token`.

use clap::Subcommand;
use sqlx::PgPool;
use uuid::Uuid;

use super::person;
use crate::db;
use crate::db::tokens::Scope;
use crate::http::TokenSigner;
use crate::ids::{Login, TokenId};

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token for the command line or CI; prints it, once
    #[command(after_help = "Example:\n  practicum admin token create amara --label \"CI of lab 2\" --days 90")]
    Create {
        login: Login,
        /// What it is for
        #[arg(long)]
        label: String,
        #[arg(long, value_enum, default_value = "submit")]
        scope: Scope,
        /// Days until it expires
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
}

impl Token {
    pub async fn run(self, db: &PgPool) -> anyhow::Result<()> {
        let Token::Create { login, label, scope, days } = self;
        let person = person(db, &login).await?;
        let signer = TokenSigner::new(&db::secrets::token_key(db).await?);
        let info = db::tokens::create(db, TokenId(Uuid::new_v4()), person.id, &label, scope, days).await?;
        println!("{}", signer.sign(&info, &login));
        Ok(())
    }
}
