//! What processes of one user share: a place for small files, and the line one of them keeps fresh for all.

mod beacon;
mod follow;
mod lamp;
mod place;

pub use beacon::{Beacon, push};
pub use follow::{Doorstep, Woken};
pub use lamp::Lamp;
pub use place::{Place, read};
