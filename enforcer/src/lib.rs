//! The enforcer: may this caller do this here, and may they see it. It is the guard that the catalog asks at every door.
//!
//! It owns the rules of access and nothing else. Each [`Ask`](lakewarden_catalog::Ask) carries all that matters: the
//! caller with every group it is in, and the securable with its parents, their owners and their grants. So there is no
//! second copy of the grants to fall behind, and a revoked grant is gone for the next question.
//!
//! How a question is answered, and why in this order:
//! 1. `plan` turns the need into single questions: the privilege itself, and USE SCHEMA and USE CATALOG on the way down.
//! 2. `candidates` keeps the rows that can matter to this caller. casbin looks at every row it holds, so it must hold
//!    few. Where nothing is granted at all, the answer is no without asking anybody.
//! 3. `memo` knows the verdict when a question of the same shape was decided before. The shape (which privileges are
//!    held and denied, on the object and above it) is all that the model looks at, so a verdict never gets old.
//! 4. `judge` has casbin decide the rest with the real rows, under `policies/model.conf`. In casbin everybody and
//!    everything has a number that is good for one question, so that no name can be mistaken for a rule.
//!
//! The rules, as the model and `words` have them:
//! - Grants and denials flow down from catalog to schema to object, and from a table or view to its columns. Those on the
//!   metastore count on the metastore only: what lies in it beside catalogs (shares, external locations) has its own.
//! - A privilege also needs USE SCHEMA and USE CATALOG on the containers of the chain. The owner of a container needs no
//!   USE on that container; owning what is in it, or what it is in, does not replace it.
//! - An owner holds every privilege on what it owns; a table's owner owns its columns. The owner of a parent, the
//!   metastore's included, may manage and see below, but not use: it has to grant itself the privilege, where others can
//!   see it. Who holds MANAGE may manage there and below, and no more.
//! - ALL PRIVILEGES stands for all but MANAGE and EXTERNAL USE SCHEMA, granted and denied. CREATE TABLE has CREATE VIEW in
//!   it, and so has its denial. A privilege that means nothing on a kind is refused to everyone.
//! - A denial beats every grant, at every level and through every group, and ownership too. Only managing by ownership is
//!   beyond denial, so that an owner can lift it. A denial on a column is for that column.
//! - Visible is what the caller manages, and what carries a grant to it, there or inherited, that means something on that
//!   kind: SELECT on a schema shows its tables but not its functions, USE CATALOG shows the catalog but not its schemas.
//!   A denial hides only when it is of BROWSE or ALL PRIVILEGES; a denied SELECT leaves the name to be seen.
//!
//! What casbin would do wrong by itself is listed in `traps`, with a test for each.
//!
//! Any error is a denial. Reasons name principals and securables that the caller may not see: whoever shows them must
//! filter them first.

pub mod full;

mod candidates;
mod decide;
mod effect;
mod error;
mod judge;
mod memo;
mod mix;
mod model;
mod plan;
mod roles;
mod trial;
mod words;

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod traps;

pub use decide::Enforcer;
pub use error::ModelError;
