//! What the engine promises and no API shows yet, on both databases.

mod ground;
mod limits;
mod nodes;
mod record;
mod removal;
mod rotation;
mod seals;
mod versions;
