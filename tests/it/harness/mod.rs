//! What every test needs: a server of its own, callers of every kind, answers to look at.

mod api;
mod backend;
mod clients;
mod databases;
mod gate;
mod kv;
mod operator;
mod postgres;
pub mod proxy;
mod random;
pub mod raw;
mod receiver;
mod server;
mod start;
mod totp;
pub mod trace;

pub use api::{Answer, Api};
pub(crate) use backend::on_both;
pub use backend::{Backend, On, run_on};
pub use clients::{passes, program, script};
pub use databases::{ADMIN, ADMIN_PASSWORD, DatabaseServer, Engine};
pub use gate::{Gate, Stop};
pub use kv::{KV_TOKEN, KvServer};
pub use postgres::database;
pub use random::Random;
pub use receiver::{Receiver, Reply};
pub use server::{Kluis, Member, unique};
pub use start::{Ended, Start, binary, without_settings};
pub use totp::totp_code;
