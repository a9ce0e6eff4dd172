//! Attacks on governed tables, on real Delta tables. Hidden rows and masked values carry CANARY in every text.

mod attacks;
mod closed;
pub(crate) mod fixture;
mod leaf;
mod leakproof;
mod metadata;
mod optimizer;
mod policies;
mod skipping;
